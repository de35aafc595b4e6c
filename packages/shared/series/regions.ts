/**
 * The words for parts of the body, in English, German, French, Spanish, Italian, Portuguese and Dutch, and the values
 * of BodyPartExamined (PS3.16 annex L). Form of the entries as in `lexicon.ts`.
 */

import { list, type Meaning } from './lexicon.ts';

export const REGION_WORDS: Readonly<Partial<Record<Meaning, readonly string[]>>> = {
  lumbar: list(`
    lumbar, lumbars, lumb, lumbal, lumbaal, lumbale, lumbaler, lumbares, lumbalwirbelsaule, lumbosacral, lumbosacra,
    lumbosacro, lumbo sacral, lumbosakral, lumbo sacre, lumbosacree, lumbosacraal, lombaire, lombaires, lombar,
    lombare, lombari, lombo, lombosacral, lombosacrale, lombo sacrale, lombo sacral, lombosacra, lombosacree, lws,
    lwk, lwirbelsaule, lendenwirbelsaule, lendenwirbelsaeule, lendenwirbel, lenden, lomber, ledzwiowy, ledzwiowego,
    landrygg, landryg, l spine, lspine, ls spine, lsspine, l s spine, l wirbelsaule, lumbarspine, lumbalspine,
    lumspine, spine lumbar, spinelumbar, l5 s1, l4 l5, l3 l4, l2 l3, l1 l2, l4 5, l3 4, l2 3, l1 2, l1 5, l1 l5,
    l1 s1, l3 s1, l2 s1, l4 s1, l3 l5, l2 l5, thoracolumbar, thoraco lumbar, thoracolumbal, thorakolumbal,
    thoracolombaire, dorsolumbar, dorsolumbal, dorso lumbar, dorsolombaire, dorso lombaire, dorsolombare,
    dorso lombare, dorsolombar, tl spine, tlspine, t l spine, t12 l1, th12 l1, d12 l1, columna lumbar,
    coluna lombar, rachis lombaire, rachide lombare, wervelkolom lumbaal, lumbale wervelkolom
  `),
  other_part: list(`
    cervical, cervicale, cervicales, cervicaal, cervicali, cervical spine, cervicalspine, cerv, zervikal, zervikale,
    hws, halswirbelsaule, halswirbelsaeule, cwk, c spine, cspine, cervicothoracic, cervicodorsal, cervico dorsal,
    ctspine, rachis cervical, columna cervical, coluna cervical, rachide cervicale, cervicobrachial, thoracic,
    thoracique, thoracal, thoracale, thorakal, thorakale, toracica, toracico, toracale, toracal, bws,
    brustwirbelsaule, brustwirbelsaeule, twk, t spine, tspine, th spine, thspine, d spine, dspine, dorsal, dorsale,
    dorsalwirbelsaule, thoracicspine, rachis dorsal, columna dorsal, coluna dorsal, coluna toracica,
    rachide dorsale, brain, cerebral, cerebrum, cerebro, cerebrale, cerveau, cervello, encephale, encefalo,
    encefalica, skull, cranium, cranio, craneo, cranial, cranio encefalica, schadel, schaedel, neurocranium,
    neurokranium, gehirn, hirn, hersenen, schedel, pituitary, hypophyse, hypophysis, hipofisis, hipofise, ipofisi,
    sella, iac, orbit, orbits, orbita, orbitas, orbite, tmj, atm, kiefergelenk, sinus, sinuses, nnh, knee, knees,
    knie, genou, genoux, ginocchio, ginocchia, rodilla, joelho, kniegelenk, hip, hips, hufte, huefte, huften,
    huftgelenk, hueftgelenk, hanche, hanches, cadera, caderas, quadril, heup, heupen, shoulder, shoulders, schulter,
    schultergelenk, epaule, spalla, hombro, ombro, schouder, ankle, sprunggelenk, osg, cheville, caviglia, tobillo,
    tornozelo, enkel, wrist, handgelenk, poignet, polso, muneca, punho, elbow, ellbogen, ellenbogen, coude, gomito,
    codo, cotovelo, elleboog, femur, humerus, tibia, fibula, thigh, oberschenkel, unterschenkel, oberarm, unterarm,
    forearm, cuisse, jambe, coscia, muslo, pierna, breast, breasts, brust, mammae, seins, prostate, prostata,
    rectum, rektum, uterus, liver, leber, foie, fegato, higado, figado, mrcp, pancreas, pankreas, kidney, kidneys,
    niere, nieren, cardiac, heart, herz, coeur, cuore, corazon, coracao, plexus, brachial plexus, sacroiliac,
    sacro iliac, sacroiliaque, sacro iliaque, sacroiliaca, sacroiliacas, sacroiliache, si joint, si joints, sij,
    isg, iliosakralgelenk, iliosakralgelenke, ileosakral, iliosakral, sacroiliitis, sacroileitis
  `),
  // Words that can also mean the patient's position, a coil or a saturation band, and everyday words. They do not count
  // in SeriesDescription and ProtocolName.
  other_part_weak: list(`
    head, kopf, tete, testa, cabeza, cabeca, hoofd, neck, hals, cou, collo, cuello, pescoco, nek, headneck,
    head neck, crane, chest, thorax, torax, torace, poitrine, foot, feet, fuss, pied, pieds, piede, voet, hand,
    hands, finger, fingers, calcaneus, sternum, clavicle, sternoclavicular, mamma, anca, anche, whole body,
    wholebody, ganzkorper
  `),
  // Words that count in BodyPartExamined only.
  other_part_code: list(
    `arm, arms, leg, legs, joint, extremity, extremities, up exm, low exm, jaw, eye, eyes, face, ear, mama, seno, sein, toe, toes, rib, ribs, bladder, spleen, calf, pie, mano, hart, lever, skin, penis, testis, scrotum, aorta, lung`,
  ),
  neutral: list(
    `spine, wholespine, whole spine, total spine, full spine, gws, wirbelsaule, wirbelsaeule, ganzwirbelsaule, ganzwirbelsaeule, wervelkolom, columna, coluna, colonna, rachis, rachide, colonne, abdomen, pelvis, becken, bassin, bacino, bekken, sacrum, sspine, coccyx, back, rucken, ruecken, post op, postop, postoperative, flow comp`,
  ),
};

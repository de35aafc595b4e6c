/**
 * The meaning of words in series descriptions: English, German, French, Spanish, Italian, Portuguese, Dutch, and the
 * abbreviations of GE, Siemens, Philips and Canon. This file only lists words; `words.ts` finds them in a text.
 *
 * An entry is a word or a phrase, in the form that `words.ts` makes: lower case, no diacritics, one space between
 * words. Body regions are in `regions.ts`.
 */

/** What a word or a phrase stands for. */
export type Meaning =
  | 'sagittal'
  | 'axial'
  | 'coronal'
  | 't1'
  | 't2'
  | 'stir'
  | 'proton_density'
  | 'gradient_echo'
  | 'diffusion'
  | 'other_technique'
  | 'myelography'
  | 'spin_echo'
  | 'fat_saturation'
  | 'contrast_agent'
  | 'no_contrast_agent'
  | 'localizer'
  | 'derived'
  | 'capture'
  | 'lumbar'
  | 'other_part'
  | 'other_part_weak'
  | 'other_part_code'
  | 'neutral';

/** Splits a list of words and phrases at commas and line ends. */
export function list(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** Words for planes, weightings, techniques and kinds of images. */
export const WORDS: Readonly<Partial<Record<Meaning, readonly string[]>>> = {
  sagittal: list(
    `sag, sagi, sagit, sagital, sagitale, sagitales, sagittal, sagittale, sagittaal, sagitaal, sagittaux, sagittali`,
  ),
  axial: list(`
    ax, axi, axial, axiale, axiales, axiaal, axiaux, assiale, assiali, tra, trans, transv, transvers, transversal,
    transversale, transversaal, transverse, transversa, transverso, trasv, trasversale, trasversali
  `),
  coronal: list(
    `cor, coro, coronal, coronale, coronales, coronaal, coronaux, coronali, kor, koronar, koronal, frontal, frontale`,
  ),

  t1: list(`t1, t1w, t1wi, t1 weighted, t1 gewichtet, t1 flair, t1flair, t1 tirm`),
  t2: list(`t2, t2w, t2wi, t2 weighted, t2 gewichtet, frfse, frfsexl`),
  stir: list(`stir, tirm, turbo stir, tstir`),
  proton_density: list(`
    pd, pdw, pdwi, dp, dpw, proton, protons, proton density, protonendichte, protonen, densite protons,
    densite protonique, densidad protonica, densidad de protones, densita protonica, densidade de protons,
    protonendichtheid
  `),
  gradient_echo: list(`
    t2*, t2* w, t2*w, t2star, t2 star, t2 stern, t2 etoile, gre, gre2d, gre3d, ge2d, ge3d, gradient, gradient echo,
    gradientenecho, echo de gradient, eco de gradiente, eco gradiente, gradiente, medic, me2d, me3d, merge, ffe,
    mffe, bffe, tffe, bssfp, balanced ffe, btfe, tfe, fe2d, fe3d, ffe3d, fl2d, fl3d, flash, vibe, lava, thrive,
    spgr, fspgr, fgre, mpgr, mprage, bravo, fiesta, fisp, psif, trufi, truefisp, ciss, dess, cosmic, swi, swan,
    swip, venobold, hemo, haemo
  `),
  diffusion: list(`
    dwi, dti, dki, diff, diffusion, diffusie, diffusione, difusion, difusao, diffusionsgewichtet, ep2d, epi,
    resolve, tracew, trace, ivim, b0, b50, b400, b500, b800, b1000, tensor, diffusion weighted
  `),
  other_technique: list(`
    fmri, bold, perf, perfusion, perfusione, perfusie, dce, dsc, asl, cbf, cbv, mtt, angio, angiography,
    angiographie, mra, mrv, tof, twist, tricks, phase contrast, pcmr, cine, csf flow, liquorfluss, dark fluid, darkfluid, t2 flair, fat only, fat image, fat images, dixon f, dixon fat, mdixon f, spectro,
    spectroscopy, spektroskopie, spectroscopie, spettroscopia, mrs
  `),
  myelography: list(`
    myelo, myelogram, myelography, myelographie, myelografie, myelografia, mielo, mielografia, mielo rm, myelo rm,
    mr myelo, mrm
  `),
  spin_echo: list(`
    se, tse, fse, haste, ssfse, ssh, sshtse, space, spc, cube, vista, blade, propeller, multivane, jet, isofse,
    xeta, turbo, flair, dixon, mdixon, ideal, inphase, in phase, w, 2d, 3d, mx3d, qtse, rst, hr, iso, drive, asset,
    grappa, sense, dl, sms
  `),
  fat_saturation: list(`
    fs, ffs, fatsat, fat sat, fat sup, fat suppression, fat suppressed, fat saturation, fatsep, fatsup, spir, spair,
    sfs, chess, fett, fettsat, fettges, fettgesattigt, fettgesaettigt, fat, fettsupp, fettsuppression,
    fettunterdruckung, satgraisse, sat graisse, suppression graisse, saturation graisse, saturacion grasa,
    supresion grasa, grasa, satgrasa, sat grasa, soppressione grasso, saturazione grasso, supressao gordura,
    vetsuppressie, vetonderdrukking, water, dixon w, mdixon w, dixon water, mdixon water
  `),
  contrast_agent: list(`
    gd, gad, gado, gadolinium, gadolinio, gadovist, dotarem, post, post contrast, postcontrast, post gd, post gado,
    postgd, postkm, contrast, contraste, contrasto, kontrast, kontrastmittel, km, mit km, mdc, pdc, injecte,
    injection, dopo mdc, con contraste, con mdc, com contraste, met contrast, mit kontrast, avec contraste, c+, +c,
    ce, kmgabe, + c, + gd, +gd, +km
  `),
  no_contrast_agent: list(`
    pre, precontrast, pre contrast, pre gd, nativ, native, nativo, blanco, without contrast, without, w/o,
    wo contrast, w o contrast, wo, non contrast, no contrast, noncontrast, ohne km, ohne kontrast, ohne, o km, sans,
    sans contraste, sans injection, sin contraste, sin, senza, senza mdc, senza contrasto, sem contraste, sem,
    zonder, zonder contrast, vor km, c-, avant injection, avant contraste
  `),

  localizer: list(`
    loc, locs, localizer, localizers, localiser, localisers, localizador, localizadores, localizzatore,
    localizzatori, localizacion, localizacao, localizzazione, localisateur, localisation, localization, lokalizer,
    lokaliser, lokalisator, lokalisation, reperage, reperages, reperes, centratore, centratura, centrado,
    centraggio, scout, scouts, scoutview, aascout, aaspine, aahead, autoalign, survey, surveys, survay, scano,
    scanogram, scanogramm, topogram, topogramme, topogramm, topograma, pilot, pilote, piloto, planscan, plan scan,
    plan scans, ubersicht, uebersicht, ubersichten, uebersichtsaufnahme, ubersichts, ubersichtsaufnahme, suchscan,
    suchlauf, planungsscan, posicionamiento, posicionador, posicionamento, smartbrain, smartspine, smartexam, calib,
    calibration, calibrazione, calibracion, calibracao, calibrage, kalibrierung, kalibratie, shim, shimming,
    refscan, ref scan, reference scan, asset cal, asset calibration, coil cal, coil survey, fast survey, prescan,
    3 plane, 3 planes, 3plane, 3pl, 3 pl, 3 plan, 3 plans, 3plan, 3plans, three plane, three planes, tri plane,
    triplane, tri plan, triplan, trois plans, 3 planos, tres planos, tri planar, triplanar, 3 piani, tre piani,
    3 ebenen, drei ebenen, 3 achsen, 3 vlakken, drie vlakken, 3 axes, 2 plane, two plane
  `),
  derived: list(`
    mpr, mprs, mpr range, multiplanar, reformat, reformats, reformatted, reformatage, reformatierung,
    curved, cpr, mip, mips, minip, max ip, min ip, maxip, minimip, projection, projections, projektion,
    projektionen, projezione, proyeccion, projecao, radial mip, thick mip, vrt, volume rendering, sub, subs, subtr,
    subtraction, subtractions, subtracted, subtraktion, soustraction, sottrazione, substraccion, sustraccion, resta,
    subtracao, subtractie, adc, adcs, eadc, dadc, adc map, apparent diffusion coefficient, exponential adc,
    tracew adc, colfa, fa map, fractional anisotropy, phase map, phase image, phase images, phasenbild,
    phasenbilder, pha images, fieldmap, field map, b0 map, b1 map, t1 map, t1map, t1 mapping, t2 map, t2map,
    t2 mapping, t2* map, t2star map, mapit, parametric map, mask, masks, maske, masque, maschera, mascara, masker,
    overlay, fat fraction, fatfraction, ff map, r2 map
  `),
  capture: list(
    `posdisp, pos disp, screenshot, screen shot, screen save, screensave, screen capture, screencapture, snapshot, capture, captura, key image, key images, keyimages, collage, secondary capture, report, dose report, exam report, protocol report`,
  ),
};

/** Meanings that decide nothing. The words are listed so that runs such as `T2TSESAG` can be split. */
export const SILENT: ReadonlySet<Meaning> = new Set(['spin_echo', 'neutral']);

/** The kind of a stack without a description, from its header, or why it has none. */

import { describe, expect, it } from 'vitest';
import { type Rejection, sortOut } from '../series/index.ts';
import {
  AXIAL,
  CORONAL,
  type Facts,
  GRADIENT,
  type Orientation,
  SAGITTAL,
  STIR,
  stack,
  T1,
  T2,
  tilted,
} from './support/series-units.ts';

/** What comes of a stack: its kind, or why it is none. */
function come(facts: Facts, orientation: Orientation = SAGITTAL): string {
  const { stacks, rejected } = sortOut(stack({ facts, orientation }));
  return stacks[0]?.assessment.kind ?? stacks[0]?.assessment.rejection ?? rejected[0]?.rejection ?? 'nothing';
}

const named = (seriesDescription: string, facts: Facts = {}): Facts => ({ ...facts, seriesDescription });

/** The timing that a description stands for, so that both say the same. */
const usual = (text: string): Facts => (/stir|tirm/i.test(text) ? STIR : /t1(?!\d)/i.test(text) ? T1 : T2);

describe('a description as vendors and hospitals write it, without and with timing', () => {
  it.each<[string, Orientation, string]>([
    // GE
    ['SAG T2 FSE', SAGITTAL, 'sagittal_t2'],
    ['Sag T2 frFSE', SAGITTAL, 'sagittal_t2'],
    ['SAG FRFSE T2 FAT SAT', SAGITTAL, 'sagittal_t2'],
    ['Sag T1 FLAIR', SAGITTAL, 'sagittal_t1'],
    ['SAG T1 FSE', SAGITTAL, 'sagittal_t1'],
    ['SAG STIR', SAGITTAL, 'sagittal_t2'],
    ['Sag STIR FSE-IR', SAGITTAL, 'sagittal_t2'],
    ['AX T2 FSE L-SPINE', AXIAL, 'axial_t2'],
    ['Ax T2 frFSE obl', AXIAL, 'axial_t2'],
    ['O-Ax T2 FSE', AXIAL, 'axial_t2'],
    ['Sag T2 PROPELLER', SAGITTAL, 'sagittal_t2'],
    ['Sag CUBE T2', SAGITTAL, 'sagittal_t2'],
    ['(FILT_CAN: SAG T2 FSE)', SAGITTAL, 'sagittal_t2'],
    ['AXIAL T2 L1-S1 STACK', AXIAL, 'axial_t2'],
    ['AX T2 L3-4 L4-5 L5-S1', AXIAL, 'axial_t2'],
    // Siemens
    ['t2_tse_sag', SAGITTAL, 'sagittal_t2'],
    ['t2_tse_sag_320', SAGITTAL, 'sagittal_t2'],
    ['t2_tse_sag_p2_dl', SAGITTAL, 'sagittal_t2'],
    ['t1_tse_sag', SAGITTAL, 'sagittal_t1'],
    ['t1_se_sag_p2', SAGITTAL, 'sagittal_t1'],
    ['t2_tirm_sag', SAGITTAL, 'sagittal_t2'],
    ['t2_stir_sag_fs', SAGITTAL, 'sagittal_t2'],
    ['t2_tse_tra_msma', AXIAL, 'axial_t2'],
    ['t2_tse_tra', AXIAL, 'axial_t2'],
    ['t2_blade_tra_4mm', AXIAL, 'axial_t2'],
    ['t2_spc_sag_p2_iso', SAGITTAL, 'sagittal_t2'],
    ['t2_tse_dixon_sag', SAGITTAL, 'sagittal_t2'],
    ['T2 sag HASTE', SAGITTAL, 'sagittal_t2'],
    ['t2_qtse_rst_tra', AXIAL, 'axial_t2'],
    // Philips
    ['T2W_TSE', SAGITTAL, 'sagittal_t2'],
    ['T2W_TSE SENSE', AXIAL, 'axial_t2'],
    ['sT1W_TSE', SAGITTAL, 'sagittal_t1'],
    ['T1W_TSE', SAGITTAL, 'sagittal_t1'],
    ['T2W/TSE/sag', SAGITTAL, 'sagittal_t2'],
    ['T2_TSE_SAG_DRIVE', SAGITTAL, 'sagittal_t2'],
    ['STIR_longTE', SAGITTAL, 'sagittal_t2'],
    ['T2 mDIXON SAG', SAGITTAL, 'sagittal_t2'],
    ['SAG T1 MV', SAGITTAL, 'sagittal_t1'],
    ['TRA T2 TSE 3D VISTA', AXIAL, 'axial_t2'],
    // Canon and Toshiba, Hitachi
    ['T2 SAG FSE', SAGITTAL, 'sagittal_t2'],
    ['FSE T2 Sag JET', SAGITTAL, 'sagittal_t2'],
    ['SAG T1 isoFSE', SAGITTAL, 'sagittal_t1'],
    ['FatSep STIR SAG', SAGITTAL, 'sagittal_t2'],
    ['T2WI AX', AXIAL, 'axial_t2'],
    ['T1WI SAG', SAGITTAL, 'sagittal_t1'],
    // The challenge's own words
    ['Sagittal T2/STIR', SAGITTAL, 'sagittal_t2'],
    ['Sagittal T1', SAGITTAL, 'sagittal_t1'],
    ['Axial T2', AXIAL, 'axial_t2'],
    // German
    ['T2 sagittal LWS', SAGITTAL, 'sagittal_t2'],
    ['T1 TSE sag. LWS nativ', SAGITTAL, 'sagittal_t1'],
    ['T2 gewichtet transversal', AXIAL, 'axial_t2'],
    ['LWS T2 tra L4/5', AXIAL, 'axial_t2'],
    ['STIR sag Lendenwirbelsäule', SAGITTAL, 'sagittal_t2'],
    // French
    ['SAG T2 LOMBAIRE', SAGITTAL, 'sagittal_t2'],
    ['T1 SAGITTALE RACHIS LOMBAIRE', SAGITTAL, 'sagittal_t1'],
    ['T2 AXIALE L4L5', AXIAL, 'axial_t2'],
    ['STIR SAG RACHIS', SAGITTAL, 'sagittal_t2'],
    ['T2S', SAGITTAL, 'sagittal_t2'],
    // Spanish
    ['T2 SAGITAL COLUMNA LUMBAR', SAGITTAL, 'sagittal_t2'],
    ['SAGITAL T1 TSE', SAGITTAL, 'sagittal_t1'],
    ['AXIAL T2 L3-S1', AXIAL, 'axial_t2'],
    // Italian
    ['T2 TSE SAGITTALE', SAGITTAL, 'sagittal_t2'],
    ['T1 SAG RACHIDE LOMBARE', SAGITTAL, 'sagittal_t1'],
    ['T2 ASSIALE', AXIAL, 'axial_t2'],
    ['T2 TRASVERSALE L5-S1', AXIAL, 'axial_t2'],
    // Portuguese
    ['SAG T2 COLUNA LOMBAR', SAGITTAL, 'sagittal_t2'],
    ['T1 SAGITAL', SAGITTAL, 'sagittal_t1'],
    // Dutch
    ['T2 sagittaal LWK', SAGITTAL, 'sagittal_t2'],
    ['T1 TSE sagittaal', SAGITTAL, 'sagittal_t1'],
    ['T2 transversaal', AXIAL, 'axial_t2'],
    // Words without spaces, and with names
    ['SAGT2', SAGITTAL, 'sagittal_t2'],
    ['sagT1', SAGITTAL, 'sagittal_t1'],
    ['T2SAG', SAGITTAL, 'sagittal_t2'],
    ['T2tra', AXIAL, 'axial_t2'],
    ['SagSTIR', SAGITTAL, 'sagittal_t2'],
    ['SAG T2 Greenville Hospital', SAGITTAL, 'sagittal_t2'],
    ['Locarno t2_tse_sag', SAGITTAL, 'sagittal_t2'],
    ['Bad Mergentheim T1 sag', SAGITTAL, 'sagittal_t1'],
    ['Adcock Medical AX T2', AXIAL, 'axial_t2'],
    ['T2 SAG Diffringen', SAGITTAL, 'sagittal_t2'],
    ['SAG T2 Pdraza Clinic', SAGITTAL, 'sagittal_t2'],
    // Words that are no weighting of their own
    ['SAG T2 POST OP', SAGITTAL, 'sagittal_t2'],
    ['Sag T2 flow comp', SAGITTAL, 'sagittal_t2'],
    ['SAG T2 HEAD FIRST', SAGITTAL, 'sagittal_t2'],
    ['Sag T2 spine/neck coil', SAGITTAL, 'sagittal_t2'],
    ['SAG T2 WHOLE SPINE', SAGITTAL, 'sagittal_t2'],
    ['SAG T2 T12-L1', SAGITTAL, 'sagittal_t2'],
    ['SAG T2 thoracolumbar', SAGITTAL, 'sagittal_t2'],
    ['T2 SAG HEAD FIRST', SAGITTAL, 'sagittal_t2'],
    ['T2 SAG FEET FIRST', SAGITTAL, 'sagittal_t2'],
    ['T2 sag LWS + ISG', SAGITTAL, 'sagittal_t2'],
    ['SAG T2 L-Spine/Sacrum', SAGITTAL, 'sagittal_t2'],
    ['SAG T1 SACRUM', SAGITTAL, 'sagittal_t1'],
    ['SAG T2 LUMBAR PLEXUS', SAGITTAL, 'sagittal_t2'],
    ['T2 SAG BWS/LWS', SAGITTAL, 'sagittal_t2'],
    ['T1 SAG Thoraco-Lumbar Spine', SAGITTAL, 'sagittal_t1'],
    ['SAG T2 C-T-L SPINE', SAGITTAL, 'sagittal_t2'],
    ['T2 TSE SAG DIXON W', SAGITTAL, 'sagittal_t2'],
    ['SAG T2 FRFSE', SAGITTAL, 'sagittal_t2'],
    ['T2 SAG PROPELLER', SAGITTAL, 'sagittal_t2'],
    ['SAG STIR LONG', SAGITTAL, 'sagittal_t2'],
    ['T2 sag MR WHOLE SPINE', SAGITTAL, 'sagittal_t2'],
  ])('%s', (text, orientation, kind) => {
    expect(come(named(text), orientation)).toBe(kind);
    expect(come(named(text, usual(text)), orientation)).toBe(kind);
    // ProtocolName counts where SeriesDescription says nothing of the contrast.
    expect(come({ protocolName: text, seriesDescription: '5' }, orientation)).toBe(kind);
  });
});

describe('what is not read', () => {
  it.each<[string, Orientation, Rejection, Facts?]>([
    // Localizers, in their languages
    ['3-Plane Localizer', SAGITTAL, 'localizer'],
    ['3 Plane Loc SSFSE', SAGITTAL, 'localizer'],
    ['localizer', SAGITTAL, 'localizer'],
    ['T2 LOC', SAGITTAL, 'localizer'],
    ['loc_haste_sag', SAGITTAL, 'localizer'],
    ['Scout', SAGITTAL, 'localizer'],
    ['AAHead_Scout', SAGITTAL, 'localizer'],
    ['Survey', SAGITTAL, 'localizer'],
    ['survey_BFFE', SAGITTAL, 'localizer'],
    ['SmartBrain', SAGITTAL, 'localizer'],
    ['ASSET Cal', AXIAL, 'localizer'],
    ['Calibration Scan', AXIAL, 'localizer'],
    ['Übersicht sag', SAGITTAL, 'localizer'],
    ['Planungsscan T2', SAGITTAL, 'localizer'],
    ['REPERAGE SAG', SAGITTAL, 'localizer'],
    ['Localisateur 3 plans', SAGITTAL, 'localizer'],
    ['LOCALIZADOR', SAGITTAL, 'localizer'],
    ['Localizzatore sag', SAGITTAL, 'localizer'],
    ['centratura T2', SAGITTAL, 'localizer'],
    ['Localizacao', SAGITTAL, 'localizer'],
    ['3 vlakken', SAGITTAL, 'localizer'],
    ['SAGLOC', SAGITTAL, 'localizer'],
    // Computed from other images
    ['t2_spc_MPR_tra', AXIAL, 'derived'],
    ['SAG T2 MIP', SAGITTAL, 'derived'],
    ['Reformatted T2 AX', AXIAL, 'derived'],
    ['SUB T1 SAG', SAGITTAL, 'derived'],
    ['Soustraction T1', SAGITTAL, 'derived'],
    ['ep2d_diff_ADC', AXIAL, 'derived'],
    ['T2 map', SAGITTAL, 'derived'],
    ['T2 phase map', SAGITTAL, 'derived'],
    ['PosDisp: [5] t2_tse_sag', SAGITTAL, 'capture'],
    ['Screen Save', SAGITTAL, 'capture'],
    // Other contrasts
    ['SAG PD', SAGITTAL, 'other_contrast'],
    ['PDw TSE SPAIR', SAGITTAL, 'other_contrast'],
    ['SAG DP FS', SAGITTAL, 'other_contrast'],
    ['Protonendichte sag', SAGITTAL, 'other_contrast'],
    ['AX T2* MERGE', AXIAL, 'other_contrast'],
    ['AX T2 star', AXIAL, 'other_contrast'],
    ['t2_me2d_tra', AXIAL, 'other_contrast'],
    ['AX GRE T2', AXIAL, 'other_contrast'],
    ['T2W_FFE', AXIAL, 'other_contrast'],
    ['t1_vibe_sag', SAGITTAL, 'other_contrast'],
    ['t1_fl2d_sag', SAGITTAL, 'other_contrast'],
    ['SAG DWI T2', SAGITTAL, 'other_contrast'],
    ['ep2d_diff_b800', AXIAL, 'other_contrast'],
    ['Diffusion sag', SAGITTAL, 'other_contrast', T2],
    ['difusión sagital', SAGITTAL, 'other_contrast', T2],
    ['RESOLVE_tracew', SAGITTAL, 'other_contrast', T2],
    ['MR Myelo', SAGITTAL, 'other_contrast', T2],
    ['mielografia', SAGITTAL, 'other_contrast', T2],
    ['t2_haste_myelo_cor', CORONAL, 'other_plane'],
    ['t2 dark-fluid sag', SAGITTAL, 'other_contrast', T2],
    ['DCE perf', SAGITTAL, 'other_contrast'],
    ['TOF', AXIAL, 'other_contrast'],
    // Planes
    ['AX T1', AXIAL, 'other_plane'],
    ['AX T1 POST GAD', AXIAL, 'other_plane'],
    ['COR T2', CORONAL, 'other_plane'],
    ['STIR koronar', CORONAL, 'other_plane'],
    // Other parts of the body
    ['SAG T2 C-SPINE', SAGITTAL, 'not_lumbar'],
    ['t2_tse_sag_HWS', SAGITTAL, 'not_lumbar'],
    ['T2 SAG CERVICAL', SAGITTAL, 'not_lumbar'],
    ['T2 sag BWS', SAGITTAL, 'not_lumbar'],
    ['SAG T1 T-SPINE', SAGITTAL, 'not_lumbar'],
    ['T2 SAG DORSAL', SAGITTAL, 'not_lumbar'],
    ['Sag PD Knee', SAGITTAL, 'not_lumbar'],
    ['T1 sag Knie', SAGITTAL, 'not_lumbar'],
    ['T2 SAG GENOU', SAGITTAL, 'not_lumbar'],
    ['T2 SAG RODILLA', SAGITTAL, 'not_lumbar'],
    ['SAG T1 BRAIN', SAGITTAL, 'not_lumbar'],
    ['T1 sag Schädel', SAGITTAL, 'not_lumbar'],
    ['AX T2 SI JOINTS', AXIAL, 'not_lumbar'],
    ['AX T2 HIP', AXIAL, 'not_lumbar'],
    ['AX T2 PROSTATE', AXIAL, 'not_lumbar'],
    ['AX T2 Schulter', AXIAL, 'not_lumbar'],
    // Nothing shows the kind
    ['', SAGITTAL, 'kind_unknown'],
    ['Sagittal', SAGITTAL, 'kind_unknown'],
    ['SAG T1 T2', SAGITTAL, 'kind_unknown'],
    ['Series 5', AXIAL, 'kind_unknown'],
  ])('"%s"', (text, orientation, rejection, facts = {}) => {
    expect(come(named(text, facts), orientation)).toBe(rejection);
  });
});

describe('timing, sequence and contrast of the header', () => {
  it.each<[string, Facts, Orientation, string]>([
    ['T2', { echoTimeMs: 105, repetitionTimeMs: 3500 }, SAGITTAL, 'sagittal_t2'],
    ['T2 of an axial series', { echoTimeMs: 100, repetitionTimeMs: 4000 }, AXIAL, 'axial_t2'],
    ['T2 angled by 45 degrees to L5/S1', T2, tilted(45), 'axial_t2'],
    ['T1', { echoTimeMs: 10, repetitionTimeMs: 600 }, SAGITTAL, 'sagittal_t1'],
    ['T1 of an axial series', T1, AXIAL, 'other_plane'],
    ['STIR', STIR, SAGITTAL, 'sagittal_t2'],
    ['T1 FLAIR', { echoTimeMs: 25, repetitionTimeMs: 2200, inversionTimeMs: 860 }, SAGITTAL, 'sagittal_t1'],
    ['dark fluid', { echoTimeMs: 100, repetitionTimeMs: 9000, inversionTimeMs: 2400 }, SAGITTAL, 'other_contrast'],
    ['an inversion of 0, which is none', { ...T2, inversionTimeMs: 0 }, SAGITTAL, 'sagittal_t2'],
    ['proton density', { echoTimeMs: 20, repetitionTimeMs: 3000 }, SAGITTAL, 'other_contrast'],
    ['neither', { echoTimeMs: 81, repetitionTimeMs: 1000, scanningSequence: ['SE'] }, SAGITTAL, 'kind_unknown'],
    ['a gradient echo', GRADIENT, SAGITTAL, 'other_contrast'],
    ['a gradient echo named T2', named('SAG T2', GRADIENT), SAGITTAL, 'other_contrast'],
    ['echo planar', { ...T2, scanningSequence: ['EP', 'SE'] }, SAGITTAL, 'other_contrast'],
    ['an enhanced gradient echo', { ...T2, scanningSequence: ['GRADIENT'] }, SAGITTAL, 'other_contrast'],
    ['an enhanced spin echo', { ...T2, scanningSequence: ['SPIN'] }, SAGITTAL, 'sagittal_t2'],
    ['a small flip angle', { echoTimeMs: 10, repetitionTimeMs: 500, flipAngle: 20 }, SAGITTAL, 'other_contrast'],
    ['AcquisitionContrast T1', { acquisitionContrast: 'T1' }, SAGITTAL, 'sagittal_t1'],
    ['AcquisitionContrast T2', { acquisitionContrast: 'T2' }, AXIAL, 'axial_t2'],
    ['AcquisitionContrast STIR', { acquisitionContrast: 'STIR' }, SAGITTAL, 'sagittal_t2'],
    ['AcquisitionContrast DIFFUSION', { acquisitionContrast: 'DIFFUSION' }, SAGITTAL, 'other_contrast'],
    ['AcquisitionContrast PROTON_DENSITY', { acquisitionContrast: 'PROTON_DENSITY' }, SAGITTAL, 'other_contrast'],
    ['AcquisitionContrast MIXED', { ...named('SAG T2'), acquisitionContrast: 'MIXED' }, SAGITTAL, 'sagittal_t2'],
    [
      'ImageType T1 of an enhanced image',
      { imageType: ['ORIGINAL', 'PRIMARY', 'T1', 'NONE'] },
      SAGITTAL,
      'sagittal_t1',
    ],
    ['ImageType STIR', { imageType: ['ORIGINAL', 'PRIMARY', 'STIR', 'NONE'] }, SAGITTAL, 'sagittal_t2'],
    ['ImageType T2_STAR', { imageType: ['ORIGINAL', 'PRIMARY', 'T2_STAR', 'NONE'] }, AXIAL, 'other_contrast'],
    [
      'an inverted gradient echo',
      named('SAG T1', { ...T1, scanningSequence: ['GR', 'IR'] }),
      SAGITTAL,
      'other_contrast',
    ],
    ['an inversion recovery', { ...STIR, scanningSequence: ['IR'] }, SAGITTAL, 'sagittal_t2'],
    [
      'a spin and gradient echo, GRASE',
      named('SAG T2', { ...T2, scanningSequence: ['SE', 'GR'] }),
      SAGITTAL,
      'sagittal_t2',
    ],
    ['GRASE without a name', { ...T2, scanningSequence: ['SE', 'GR'] }, SAGITTAL, 'kind_unknown'],
    ['both names, so by timing', named('SAG T1 T2', { echoTimeMs: 9, repetitionTimeMs: 500 }), SAGITTAL, 'sagittal_t1'],
    ['a company called Merge, a spin echo', named('Merge T2 sag', T2), SAGITTAL, 'sagittal_t2'],
    ['a name of T2 and the timing of T1', named('SAG T2', T1), SAGITTAL, 'sagittal_t1'],
    ['a name of PD and the timing of T2, of a spin echo', named('SAG PD', T2), SAGITTAL, 'sagittal_t2'],
    [
      'the same of a sequence that is not named',
      named('SAG PD', { ...T2, scanningSequence: [] }),
      SAGITTAL,
      'other_contrast',
    ],
    ['a protocol that says something else', named('SAG T2', { protocolName: 'LOC T1' }), SAGITTAL, 'sagittal_t2'],
    ['a sagittal stack turned by 40 degrees', T2, turnedAboutZ(40), 'sagittal_t2'],
    ['a sagittal stack turned by 50 degrees', T2, turnedAboutZ(50), 'other_plane'],
    ['no geometry', named('SAG T2', T2), [0, 0, 0, 0, 0, 0], 'kind_unknown'],
    ['oblique to all planes', T2, [0.8, -0.6, 0, 0.36, 0.48, -0.8], 'other_plane'],
  ])('%s', (_, facts, orientation, expected) => {
    expect(come(facts, orientation)).toBe(expected);
  });

  it('reads the medians of all images, not the first', () => {
    const odd: Facts = { echoTimeMs: 4, repetitionTimeMs: 9, scanningSequence: ['GR'], seriesDescription: 'T2*' };
    const { stacks } = sortOut(stack({ facts: (i) => (i === 0 ? odd : named('SAG T2', T2)) }));
    expect(stacks.map(({ assessment }) => assessment.kind)).toEqual(['sagittal_t2']);
  });

  it.each<[string, (i: number) => Facts]>([
    ['an echo-planar image', (i) => ({ ...T2, scanningSequence: i === 3 ? ['EP'] : ['SE'] })],
    ['an image of another name', (i) => named(i === 3 ? 'SAG T1' : 'SAG T2')],
    ['an image of another contrast', (i) => ({ acquisitionContrast: i === 3 ? 'T1' : 'T2' })],
    ['an image of another part', (i) => ({ ...T2, bodyPartExamined: i === 3 ? 'KNEE' : 'LSPINE' })],
    ['an image of another time', (i) => ({ ...T2, echoTimeMs: i === 3 ? 1e6 : 105 })],
  ])('is not led astray by %s among 15', (_, facts) => {
    const { stacks } = sortOut(stack({ facts }));
    expect(stacks.map(({ units, assessment }) => [units.length, assessment.kind])).toEqual([[15, 'sagittal_t2']]);
    expect(stacks[0]!.assessment.contradictions).toEqual([]);
  });

  it.each<[string, Facts]>([
    ['AcquisitionContrast', { acquisitionContrast: 'T1' }],
    ['value 3 of ImageType', { imageType: ['ORIGINAL', 'PRIMARY', 'T1', 'NONE'] }],
    ['a description', { seriesDescription: 'SAG T1' }],
    ['a protocol', { protocolName: 'SAG T1' }],
    ['timing', T1],
    ['echo time', { echoTimeMs: 11 }],
    ['a gradient echo', { ...GRADIENT }],
    ['a small flip angle', { flipAngle: 20 }],
    ['an inversion', STIR],
    ['a part of the body', { bodyPartExamined: 'KNEE' }],
    ['a part of the body in a text', { studyDescription: 'MRI BRAIN' }],
  ])('lets %s of some images not speak for those that say nothing', (_, facts) => {
    const silent: Facts = { repetitionTimeMs: 560, imageType: ['ORIGINAL', 'PRIMARY'] };
    const of = (some: number) =>
      sortOut(stack({ count: 10, facts: (i) => ({ ...silent, ...(i < some ? facts : {}) }) }));
    for (const some of [1, 5]) {
      const { stacks, rejected } = of(some);
      expect(rejected).toEqual([]);
      expect(stacks.map(({ assessment }) => assessment.rejection)).toEqual(['kind_unknown']);
    }
    expect(of(6).stacks.map(({ assessment }) => assessment.rejection)).not.toEqual(['kind_unknown']);
  });

  it.each<[string, Facts, string]>([
    ['of an echo time of T2 is T2', { ...T2, echoTimeMs: 120 }, 'sagittal_t2'],
    ['of an echo time of a myelogram is none', { ...T2, echoTimeMs: 700 }, 'other_contrast'],
    ['of which nothing but the name is known is none', {}, 'other_contrast'],
  ])('T2 sag myelo %s', (_, facts, expected) => {
    expect(come(named('T2_tse_sag_320 myelo', facts))).toBe(expected);
  });

  it('tells words that the timing disproves', () => {
    const { assessment } = sortOut(stack({ facts: named('SAG T2', T1) })).stacks[0]!;
    expect(assessment).toMatchObject({ kind: 'sagittal_t1', weighting: 't1', plane: 'sagittal' });
    expect(assessment.reasons).toContain('T1: EchoTime 11 ms, RepetitionTime 560 ms');
    expect(assessment.contradictions).toEqual(['read as T1, but the word "t2" in SeriesDescription means T2']);
  });

  it('tells a named plane that the geometry disproves', () => {
    const { assessment } = sortOut(stack({ facts: named('AX T2', T2) })).stacks[0]!;
    expect(assessment.kind).toBe('sagittal_t2');
    expect(assessment.contradictions).toEqual([
      'its planes are sagittal, but the word "ax" in SeriesDescription means axial',
    ]);
  });

  it('tells a sagittal stack that is too short for five levels, and reads it', () => {
    const short = sortOut(stack({ facts: { ...T2, rows: 100 } })).stacks[0]!.assessment;
    expect(short.kind).toBe('sagittal_t2');
    expect(short.tooShort).toBe('reaches 100 mm from head to feet, the lumbar spine takes 120 mm');
    expect(short.contradictions).toEqual([]);
    expect(sortOut(stack({ facts: { ...T2, rows: 121 } })).stacks[0]!.assessment.tooShort).toBeUndefined();
  });
});

describe('parts of the body', () => {
  const region = (facts: Facts) => come({ ...named('SAG T2', T2), ...facts });

  it.each<[string, Facts]>([
    ['nothing', {}],
    ...['SPINE', 'WHOLESPINE', 'ABDOMEN', 'PELVIS', '', 'LSPINE', 'LUMBAR SPINE', 'L_SPINE', 'LSSPINE', 'TLSPINE'].map(
      (bodyPartExamined): [string, Facts] => [`BodyPartExamined ${bodyPartExamined}`, { bodyPartExamined }],
    ),
    ...[
      'MRI LUMBAR SPINE',
      'MRT LWS',
      'IRM RACHIS LOMBAIRE',
      'RM columna',
      'RM SPINE W/O',
      'MRI spine leg pain',
      '',
    ].map((studyDescription): [string, Facts] => [studyDescription, { studyDescription }]),
    ['a body part left over', { bodyPartExamined: 'BRAIN', studyDescription: 'MRI LUMBAR SPINE W/O CONTRAST' }],
    ['a protocol left over', { protocolName: 'HEAD ROUTINE', bodyPartExamined: 'LSPINE' }],
    [
      'the lower part of two',
      { seriesDescription: 'SAG T2 LUMBAR', studyDescription: 'MRI CERVICAL AND LUMBAR SPINE' },
    ],
    ['two parts, the series says neither', { studyDescription: 'MRI CERVICAL AND LUMBAR SPINE' }],
    ['a hospital', { studyDescription: 'Kneeland Hospital MRI spine' }],
    ...[
      'LWS + ISG',
      'L-Spine/Sacrum',
      'LUMBAR PLEXUS',
      'Thoracolumbar',
      'BWS/LWS',
      'HWS/BWS/LWS',
      'MR WHOLE SPINE',
    ].flatMap((text): [string, Facts][] => [
      [`${text}, the series`, { seriesDescription: text }],
      [`${text}, the protocol`, { protocolName: text }],
      [`${text}, the study`, { studyDescription: text }],
    ]),
    ['a lumbar spine with sacroiliac joints', { seriesDescription: 't2_tse_sag', studyDescription: 'MRT LWS und ISG' }],
  ])('reads %s', (_, facts) => {
    expect(region(facts)).toBe('sagittal_t2');
  });

  it.each<[string, Facts]>([
    ...[
      'CSPINE',
      'TSPINE',
      'CTSPINE',
      'C-SPINE',
      'CERVICAL SPINE',
      'BRAIN',
      'HEAD',
      'KNEE',
      'HIP',
      'SHOULDER',
      'ANKLE',
      'HEART',
      'BREAST',
      'EXTREMITY',
      'NECK',
      'CHEST',
      'Kopf',
      'GENOU',
    ].map((bodyPartExamined): [string, Facts] => [`BodyPartExamined ${bodyPartExamined}`, { bodyPartExamined }]),
    ...[
      'MRI CERVICAL SPINE',
      'MRT HWS',
      'IRM CERVICALE',
      'RM COLUMNA CERVICAL',
      'MRI BRAIN',
      'MRT Schädel',
      'MRI Knee left',
      'RM GINOCCHIO DX',
      'IRM épaule',
      'RM cadera',
      'RM joelho',
      'MRI heup',
      'MRI THORACIC SPINE',
      'MR D-SPINE',
    ].map((studyDescription): [string, Facts] => [studyDescription, { studyDescription }]),
    ['a cervical protocol', { protocolName: 'C-SPINE ROUTINE' }],
    // A lumbar word in another attribute does not count if the series names its own region.
    ['the upper part of two', { seriesDescription: 'SAG T2 HWS', studyDescription: 'MRT HWS und LWS' }],
    ['the upper part of two, filed as lumbar', { seriesDescription: 'SAG T2 C-SPINE', bodyPartExamined: 'LSPINE' }],
    ['a body part where the study names two', { bodyPartExamined: 'BRAIN', studyDescription: 'MRI BRAIN AND LUMBAR' }],
  ])('rejects %s', (_, facts) => {
    expect(region(facts)).toBe('not_lumbar');
  });

  it('says which word in which attribute', () => {
    const { assessment } = sortOut(stack({ facts: { ...T2, bodyPartExamined: 'KNEE' } })).stacks[0]!;
    expect(assessment.reasons[0]).toBe('the word "knee" in BodyPartExamined');
  });
});

describe('images that are foreign one by one', () => {
  it.each<[string, Facts, Rejection, string]>([
    ['a CT', { modality: 'CT' }, 'not_mr', 'Modality CT'],
    ['a modality that is none', { modality: 'Doe John' }, 'not_mr', 'Modality other than MR'],
    [
      'a CT without Modality',
      { modality: undefined, sopClassUid: '1.2.840.10008.5.1.4.1.1.2' },
      'not_mr',
      'SOPClassUID of another kind of image than MR',
    ],
    ['RGB', { photometricInterpretation: 'RGB', samplesPerPixel: 3 }, 'colour', 'PhotometricInterpretation RGB'],
    ['YBR', { photometricInterpretation: 'YBR_FULL_422' }, 'colour', 'PhotometricInterpretation YBR_FULL_422'],
    ['a palette', { photometricInterpretation: 'PALETTE COLOR' }, 'colour', 'PhotometricInterpretation PALETTE COLOR'],
    ['three samples', { photometricInterpretation: undefined, samplesPerPixel: 3 }, 'colour', 'SamplesPerPixel 3'],
    ['enhanced colour', { sopClassUid: '1.2.840.10008.5.1.4.1.1.4.3' }, 'colour', 'SOPClassUID of Enhanced MR Color'],
    ...['7', '7.1', '7.2', '7.4', '11.1', '88.11', '104.1', '4.2', '66', '66.4', '9.1.1'].map(
      (tail): [string, Facts, Rejection, string] => [
        `SOP class ${tail}`,
        { sopClassUid: `1.2.840.10008.5.1.4.1.1.${tail}` },
        'capture',
        'SOPClassUID of a secondary capture, report or other object without slices',
      ],
    ),
    ['ImageType LOCALIZER', { imageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] }, 'localizer', 'ImageType LOCALIZER'],
    ['ImageType in lower case', { imageType: ['derived', 'secondary', 'mpr'] }, 'derived', 'ImageType MPR'],
    ...[
      'MPR',
      'PROJECTION IMAGE',
      'MIP',
      'MAX_IP',
      'SUBTRACTION',
      'SUB',
      'ADC',
      'DIFFUSION',
      'TRACEW',
      'PHASE MAP',
      'P',
      'MASK',
      'T2 MAP',
      'MOSAIC',
      'VELOCITY',
      'IMAGINARY',
      'RESAMPLED',
    ].map((value): [string, Facts, Rejection, string] => [
      `ImageType ${value}`,
      { imageType: ['DERIVED', 'PRIMARY', 'M', value] },
      'derived',
      `ImageType ${value}`,
    ]),
    ['fat of a Dixon', { imageType: ['DERIVED', 'PRIMARY', 'DIXON', 'FAT'] }, 'other_contrast', 'ImageType FAT'],
    ['a word', { seriesDescription: 'Scout T2' }, 'localizer', 'the word "scout" in SeriesDescription'],
    ['a word of the protocol', { protocolName: 'localizer' }, 'localizer', 'the word "localizer" in ProtocolName'],
  ])('%s', (_, facts, rejection, reason) => {
    const slices = stack({ facts: named('SAG T2', T2), count: 9 });
    const [foreign] = stack({ facts: { ...T2, ...facts }, count: 1, instance: 0 });
    // First, in the middle, last: it never speaks for the others.
    for (const at of [0, 4, 9]) {
      const { stacks, rejected } = sortOut(slices.toSpliced(at, 0, foreign!));
      expect(stacks.map(({ units, assessment }) => [units.length, assessment.kind])).toEqual([[9, 'sagittal_t2']]);
      expect(rejected).toEqual([{ units: [foreign], rejection, reason }]);
    }
  });

  it.each<[string, Facts]>([
    ['DERIVED alone', { imageType: ['DERIVED', 'SECONDARY', 'OTHER'] }],
    ['distortion corrected', { imageType: ['DERIVED', 'PRIMARY', 'M', 'DIS2D'] }],
    ['Siemens', { imageType: ['ORIGINAL', 'PRIMARY', 'M', 'NORM', 'DIS2D'] }],
    ['Philips', { imageType: ['ORIGINAL', 'PRIMARY', 'M_SE', 'M', 'SE'] }],
    ['water of a Dixon', { imageType: ['DERIVED', 'PRIMARY', 'DIXON', 'WATER'] }],
    ['MONOCHROME1', { photometricInterpretation: 'MONOCHROME1' }],
    ['enhanced MR', { sopClassUid: '1.2.840.10008.5.1.4.1.1.4.1' }],
    ['legacy converted MR', { sopClassUid: '1.2.840.10008.5.1.4.1.1.4.4' }],
    [
      'a header that was emptied',
      { sopClassUid: undefined, modality: undefined, imageType: [], photometricInterpretation: undefined },
    ],
  ])('takes %s for a slice', (_, facts) => {
    expect(come({ ...T2, ...facts })).toBe('sagittal_t2');
  });
});

/** A sagittal orientation turned about the long axis of the body by degrees. */
function turnedAboutZ(degrees: number): Orientation {
  const angle = (degrees * Math.PI) / 180;
  return [-Math.sin(angle), Math.cos(angle), 0, 0, 0, -1];
}

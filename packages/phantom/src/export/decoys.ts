/**
 * Series that must not be read, or not be preferred, one row per series: localizers, derived images, other contrasts,
 * other parts of the body, captures and documents. To add one, add a row here and name it in `studies.ts`.
 */

import type { Sequence } from '../anatomy/tissue.ts';
import type { DicomDataset } from '../dicom-writer.ts';
import type { StudyPlan } from '../study-plan.ts';
import { presentationState, report, scannedPaper, screenCapture } from './documents.ts';
import type { ImageDraft, Outcome, SeriesDraft } from './draft.ts';
import type { Language } from './languages.ts';
import { type DecoyPlane, thumbnail } from './thumbnails.ts';

interface Decoy {
  readonly outcome: Outcome;
  /** A text, or the key of a word in the study's language. */
  readonly description: string | { readonly word: keyof Language };
  /** Number of slices per plane; none for a document. */
  readonly slices: Readonly<Partial<Record<DecoyPlane, number>>>;
  readonly sequence?: Sequence;
  readonly header?: DicomDataset;
  /** The whole stack once for each of these, such as points in time. */
  readonly repeats?: readonly DicomDataset[];
  readonly document?: (plan: StudyPlan) => DicomDataset;
  readonly localizer?: boolean;
  /** Gets the first series number. */
  readonly first?: boolean;
}

const GRADIENT_ECHO: DicomDataset = { ScanningSequence: 'GR', SequenceVariant: 'SP', EchoTrainLength: 1 };
const SCOUT: DicomDataset = { ...GRADIENT_ECHO, RepetitionTime: 8.6, EchoTime: 4, FlipAngle: 20 };
const DIFFUSION: DicomDataset = { ScanningSequence: 'EP', RepetitionTime: 4800, EchoTime: 83, EchoTrainLength: 64 };
const T1: DicomDataset = { RepetitionTime: 560, EchoTime: 11 };
const T2: DicomDataset = { RepetitionTime: 3500, EchoTime: 105 };
/** Reformations, subtractions and the like may lack acquisition times or keep them; both occur. */
const NO_TIMES: DicomDataset = { RepetitionTime: undefined, EchoTime: undefined, EchoTrainLength: undefined };
const CT: DicomDataset = {
  SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
  Modality: 'CT',
  ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
  KVP: 120,
  ConvolutionKernel: 'B30s',
  RescaleIntercept: -1024,
  RescaleSlope: 1,
  RescaleType: 'HU',
  ...NO_TIMES,
  ...Object.fromEntries(
    [
      'ScanningSequence',
      'SequenceVariant',
      'SequenceName',
      'ScanOptions',
      'MRAcquisitionType',
      'MagneticFieldStrength',
      'InPlanePhaseEncodingDirection',
      'SpacingBetweenSlices',
      'FlipAngle',
      'PixelPaddingValue',
      'InversionTime',
    ].map((keyword) => [keyword, undefined]),
  ),
};
const NECK: DicomDataset = { BodyPartExamined: 'CSPINE', StudyDescription: 'MRT HWS nativ' };
const KNEE: DicomDataset = { BodyPartExamined: 'KNEE', StudyDescription: 'MRI KNEE LEFT' };

const localizer = (what: string): Outcome => ({ rejected: ['localizer'], what });
const derived = (what: string, ...fair: ('other_contrast' | 'other_plane' | 'kind_unknown')[]): Outcome => ({
  rejected: ['derived', ...fair],
  what,
});
const notLumbar = (what: string): Outcome => ({ rejected: ['not_lumbar'], what });

export const DECOYS = {
  localizer: {
    outcome: localizer('a localizer of three planes in a series of its own'),
    description: { word: 'localizer' },
    slices: { sagittal: 3, coronal: 3, axial: 3 },
    header: SCOUT,
    localizer: true,
    first: true,
  },
  // Without words or an ImageType only the three planes of gradient echoes show that it is a localizer.
  wordless_localizer: {
    outcome: {
      rejected: ['localizer', 'other_contrast', 'other_plane', 'kind_unknown'],
      what: 'a localizer without words',
    },
    description: '',
    slices: { sagittal: 1, coronal: 1, axial: 1 },
    header: SCOUT,
    first: true,
  },
  sagittal_scout: {
    outcome: localizer('a sagittal scout that sorts first'),
    description: 'Scout SAG',
    slices: { sagittal: 5 },
    header: SCOUT,
    first: true,
  },
  calibration: {
    outcome: {
      rejected: ['other_contrast', 'localizer', 'derived', 'other_plane', 'kind_unknown'],
      what: 'a calibration of the coil',
    },
    description: 'ASSET Cal',
    slices: { axial: 6 },
    header: { ...SCOUT, RepetitionTime: 150, EchoTime: 2.1 },
    first: true,
  },
  stir: {
    outcome: { alternative: 'sagittal_t2', what: 'a STIR beside a plain T2' },
    description: 'SAG STIR',
    slices: { sagittal: 9 },
    sequence: 'stir',
  },
  t1_contrast_fat_saturated: {
    outcome: { alternative: 'sagittal_t1', what: 'a T1 after contrast agent with fat saturation beside a plain T1' },
    description: 'SAG T1 FS +C',
    slices: { sagittal: 9 },
    sequence: 't1',
    header: { ...T1, ContrastBolusAgent: 'Gadolinium', ScanOptions: 'FS' },
  },
  axial_t1: {
    outcome: { rejected: ['other_plane', 'other_contrast'], what: 'an axial T1' },
    description: 'AX T1 FSE',
    slices: { axial: 12 },
    sequence: 't1',
    header: T1,
  },
  coronal_t2: {
    outcome: { rejected: ['other_plane'], what: 'a coronal T2' },
    description: 'COR T2 FSE',
    slices: { coronal: 9 },
    header: T2,
  },
  axial_gradient_echo: {
    outcome: { rejected: ['other_contrast', 'other_plane'], what: 'an axial T2* gradient echo' },
    description: 'AX T2* MEDIC',
    slices: { axial: 12 },
    header: { ...GRADIENT_ECHO, RepetitionTime: 640, EchoTime: 17, FlipAngle: 30 },
  },
  diffusion: {
    outcome: { rejected: ['other_contrast', 'derived'], what: 'diffusion at two b values' },
    description: 'SAG DWI b0 b600',
    slices: { sagittal: 6 },
    header: { ...DIFFUSION, ImageType: ['ORIGINAL', 'PRIMARY', 'DIFFUSION', 'NONE'] },
    repeats: [{ AcquisitionNumber: 1 }, { AcquisitionNumber: 2 }],
  },
  adc: {
    outcome: derived('an ADC map', 'other_contrast'),
    description: 'SAG ADC',
    slices: { sagittal: 6 },
    header: { ...DIFFUSION, ImageType: ['DERIVED', 'PRIMARY', 'DIFFUSION', 'ADC'] },
  },
  dynamic: {
    outcome: { rejected: ['other_plane', 'other_contrast'], what: 'an axial T1 gradient echo at three points in time' },
    description: 'AX DYN T1 VIBE',
    slices: { axial: 6 },
    sequence: 't1',
    header: { ...GRADIENT_ECHO, RepetitionTime: 4.6, EchoTime: 1.7, FlipAngle: 12, NumberOfTemporalPositions: 3 },
    repeats: [1, 2, 3].map((at) => ({ TemporalPositionIdentifier: at, AcquisitionNumber: at })),
  },
  axial_reformation: {
    outcome: derived('an axial reformation of a sagittal stack'),
    description: 'T2 MPR tra',
    slices: { axial: 14 },
    header: { ...T2, ImageType: ['DERIVED', 'SECONDARY', 'MPR'] },
  },
  unnamed_reformation: {
    outcome: derived('an axial reformation that only ImageType tells of', 'kind_unknown'),
    description: 'AX T2',
    slices: { axial: 14 },
    header: { ...NO_TIMES, ImageType: ['DERIVED', 'SECONDARY', 'REFORMATTED'] },
  },
  myelogram: {
    outcome: derived('a maximum intensity projection of a myelogram', 'other_plane', 'other_contrast'),
    description: 'MYELO MIP',
    slices: { coronal: 4 },
    header: { RepetitionTime: 8000, EchoTime: 700, ImageType: ['DERIVED', 'SECONDARY', 'PROJECTION IMAGE'] },
  },
  subtraction: {
    outcome: derived('a subtraction of T1 before and after contrast agent', 'other_contrast'),
    description: 'SAG T1 SUB',
    slices: { sagittal: 9 },
    sequence: 't1',
    header: { ...T1, ImageType: ['DERIVED', 'SECONDARY', 'OTHER', 'SUBTRACT'] },
  },
  neck_t2: {
    outcome: notLumbar('a T2 of the neck'),
    description: 't2_tse_sag HWS',
    slices: { sagittal: 11 },
    header: { ...T2, ...NECK },
  },
  neck_t1: {
    outcome: notLumbar('a T1 of the neck'),
    description: 't1_tse_sag HWS',
    slices: { sagittal: 11 },
    sequence: 't1',
    header: { ...T1, ...NECK },
  },
  neck_axial: {
    outcome: notLumbar('an axial T2 of the neck'),
    description: 't2_tse_tra HWS',
    slices: { axial: 15 },
    header: { ...T2, ...NECK },
  },
  knee_t2: {
    outcome: notLumbar('a T2 of a knee'),
    description: 'SAG T2 FS',
    slices: { sagittal: 14 },
    header: { ...T2, ...KNEE, ScanOptions: 'FS' },
  },
  knee_t1: {
    outcome: notLumbar('a T1 of a knee'),
    description: 'SAG T1',
    slices: { sagittal: 14 },
    sequence: 't1',
    header: { ...T1, ...KNEE },
  },
  knee_axial: {
    outcome: { rejected: ['not_lumbar', 'other_contrast'], what: 'an axial proton density of a knee' },
    description: 'AX PD FS',
    slices: { axial: 14 },
    header: { ...KNEE, RepetitionTime: 2800, EchoTime: 30, ScanOptions: 'FS' },
  },
  ct_axial: {
    outcome: { rejected: ['not_mr'], what: 'an axial CT of the lumbar spine' },
    description: 'LWS 3.0 B30s',
    slices: { axial: 16 },
    header: CT,
  },
  ct_sagittal: {
    outcome: { rejected: ['not_mr'], what: 'a sagittal reformation of a CT of the lumbar spine' },
    description: 'LWS SAG',
    slices: { sagittal: 12 },
    header: { ...CT, ImageType: ['DERIVED', 'SECONDARY', 'AXIAL', 'CT_SOM5 MPR'] },
  },
  screen_capture: {
    outcome: { rejected: ['colour', 'capture', 'not_mr'], what: 'a colour screen capture' },
    description: 'SCREEN SAVE',
    slices: {},
    document: screenCapture,
  },
  scanned_paper: {
    outcome: { rejected: ['capture', 'not_mr'], what: 'a scanned sheet of paper' },
    description: 'Request form',
    slices: {},
    document: scannedPaper,
  },
  report: {
    outcome: { rejected: ['capture', 'not_mr'], what: 'a structured report' },
    description: 'Report',
    slices: {},
    document: (plan) => report(plan, false),
  },
  dose_report: {
    outcome: { rejected: ['capture', 'not_mr'], what: 'a radiation dose report' },
    description: 'Dose Report',
    slices: {},
    document: (plan) => report(plan, true),
  },
  presentation_state: {
    outcome: { rejected: ['capture', 'not_mr'], what: 'a presentation state' },
    description: 'Marks',
    slices: {},
    document: presentationState,
  },
} as const satisfies Record<string, Decoy>;
export type DecoyName = keyof typeof DECOYS;

/** A decoy as a series of a study. */
export function decoySeries(plan: StudyPlan, name: DecoyName, language: Language): SeriesDraft {
  const decoy: Decoy = DECOYS[name];
  const { description } = decoy;
  return {
    name,
    description: typeof description === 'string' ? description : language[description.word],
    images: decoyImages(plan, name),
    ...(decoy.first && { first: true }),
  };
}

/** The images of a decoy. A series may also hold them together with others. */
export function decoyImages(plan: StudyPlan, name: DecoyName): ImageDraft[] {
  const { outcome, slices, sequence = 't2', header, repeats = [{}], document, localizer }: Decoy = DECOYS[name];
  if (document) return [{ outcome, build: async () => document(plan), transferSyntax: 'explicit_little' }];
  const planes = Object.entries(slices) as [DecoyPlane, number][];
  return repeats.flatMap((repeat) =>
    planes.flatMap(([plane, count]) =>
      Array.from({ length: count }, (_, at): ImageDraft => ({
        outcome,
        build: () => thumbnail(plan, name, plane, sequence, at, count),
        header: { ...header, ...repeat },
        picture: { plane, sequence, ...(localizer && { localizer }) },
        transferSyntax: 'explicit_little',
      })),
    ),
  );
}

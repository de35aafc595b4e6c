/**
 * The forty studies of an export, one row per study: its vendor, language, folder, additional series, and what is odd
 * about the series to be read. To add a study, add a row at the end.
 */

import type { Kind } from '@spineline/shared/domain';
import type { TransferSyntax } from '../transfer-syntaxes.ts';
import type { Variation } from '../variation.ts';
import type { DecoyName } from './decoys.ts';
import type { LanguageName } from './languages.ts';
import type { FileNameStyle, LayoutName } from './layouts.ts';
import type { TwistName } from './twists.ts';
import type { VendorName } from './vendors.ts';

export interface ExportStudy {
  /** Unique among the rows; names the study in `expected.json`. */
  readonly name: string;
  readonly vendor: VendorName;
  readonly language: LanguageName;
  readonly layout: LayoutName;
  /** Default `uid`; media have their own names. */
  readonly names?: FileNameStyle;
  readonly beside: readonly DecoyName[];
  readonly twist?: TwistName;
  /** The kinds of its series; default all three. */
  readonly kinds?: readonly Kind[];
  /** Name of an earlier study of the same patient. */
  readonly patientOf?: string;
  /** Name of a hospital or town at the start of SeriesDescription and in InstitutionName. */
  readonly hospital?: string;
  /** Default `explicit_little`. */
  readonly transferSyntax?: TransferSyntax;
  /** One enhanced file per series. */
  readonly enhanced?: boolean;
  readonly variation?: Pick<Variation, 'padding' | 'storedAs'>;
}

const NONE: readonly Kind[] = [];

export const EXPORT_STUDIES: readonly ExportStudy[] = [
  // Two media of a PACS, with a DICOMDIR each.
  study('plain', 'siemens', 'german', 'cd-1', ['localizer', 'screen_capture']),
  study('follow-up', 'siemens', 'german', 'cd-1', ['localizer', 't1_contrast_fat_saturated'], { patientOf: 'plain' }),
  study('reformations', 'siemens', 'german', 'cd-1', [
    'localizer',
    'axial_reformation',
    'myelogram',
    'presentation_state',
  ]),
  study('beside STIR', 'ge', 'english', 'cd-1', ['localizer', 'calibration', 'stir']),
  study('diffusion', 'philips', 'shorthand', 'cd-1', ['localizer', 'diffusion', 'adc']),
  study('CT', 'hitachi', 'german', 'cd-1', ['ct_axial', 'ct_sagittal', 'dose_report'], { kinds: NONE }),
  study('axial T1', 'ge', 'english', 'cd-2', ['localizer', 'axial_t1', 'subtraction'], {
    transferSyntax: 'jpeg_lossless',
  }),
  study('knee', 'ge', 'english', 'cd-2', ['localizer', 'knee_t2', 'knee_t1', 'knee_axial'], { kinds: NONE }),
  study('japanese', 'canon', 'japanese', 'cd-2', ['localizer'], { transferSyntax: 'rle' }),
  study('enhanced', 'philips', 'dutch', 'cd-2', ['localizer'], { enhanced: true }),
  // A PACS that exports everything into one folder, named by SOPInstanceUID.
  study('flat, french', 'siemens', 'french', 'pacs-flat', ['localizer', 'diffusion', 'adc']),
  study('flat, implicit', 'ge', 'english', 'pacs-flat', ['localizer', 'screen_capture'], {
    transferSyntax: 'implicit_little',
  }),
  study('flat, coronal', 'philips', 'spanish', 'pacs-flat', ['localizer', 'coronal_t2']),
  study('flat, gradient echo', 'canon', 'english', 'pacs-flat', ['localizer', 'axial_gradient_echo']),
  study('no words', 'hitachi', 'italian', 'pacs-flat', ['wordless_localizer'], { twist: 'no_words' }),
  study('neck', 'siemens', 'german', 'pacs-flat', ['localizer', 'neck_t2', 'neck_t1', 'neck_axial'], { kinds: NONE }),
  study(
    'documents',
    'ge',
    'english',
    'pacs-flat',
    ['screen_capture', 'scanned_paper', 'report', 'presentation_state'],
    { kinds: NONE },
  ),
  // An archive with folders of patients, studies and series. Names of hospitals begin like words that reject a series.
  study('Locarno', 'siemens', 'italian', 'archive', ['localizer'], { hospital: 'Locarno', names: 'ima' }),
  study('Greenville', 'ge', 'english', 'archive', ['localizer', 't1_contrast_fat_saturated'], {
    hospital: 'Greenville',
    names: 'letter_i',
  }),
  study('Medical', 'philips', 'portuguese', 'archive', ['localizer', 'axial_t1'], {
    hospital: 'Medical Centre',
    names: 'im',
  }),
  study('Adcock, confused', 'canon', 'english', 'archive', ['localizer'], {
    hospital: 'Adcock',
    names: 'im_dcm',
    twist: 'confused',
  }),
  study('Pdraza, dual echo', 'hitachi', 'spanish', 'archive', ['localizer'], {
    hospital: 'Pdraza',
    names: 'mr',
    twist: 'dual_echo',
  }),
  study('second visit, repeated', 'ge', 'english', 'archive', ['localizer'], {
    patientOf: 'Greenville',
    names: 'letter_i',
    twist: 'repeated_series',
  }),
  study('two planes in one series', 'siemens', 'german', 'archive', ['localizer'], {
    names: 'ima',
    twist: 'one_series_two_planes',
  }),
  // Folders named by UIDs.
  study('localizer inside', 'philips', 'shorthand', 'uids', ['scanned_paper'], {
    names: 'uid_dcm',
    twist: 'localizer_inside',
  }),
  study('capture inside', 'ge', 'english', 'uids', ['localizer'], { twist: 'capture_inside' }),
  study('repeated in series', 'canon', 'english', 'uids', ['localizer'], {
    names: 'uid_dcm',
    twist: 'repeated_in_series',
  }),
  study('axial halves', 'hitachi', 'italian', 'uids', ['sagittal_scout'], { twist: 'axial_halves' }),
  study('dynamic', 'siemens', 'french', 'uids', ['localizer', 'dynamic'], { names: 'uid_dcm' }),
  study('padding', 'philips', 'dutch', 'uids', ['localizer'], { variation: { padding: { value: -2000 } } }),
  study('localizers only', 'ge', 'english', 'uids', ['localizer', 'sagittal_scout'], { kinds: NONE }),
  // A workstation: one folder per study, with the files of all its series.
  study('scout first', 'siemens', 'german', 'workstation', ['sagittal_scout'], { names: 'ima' }),
  study('prone', 'ge', 'english', 'workstation', ['localizer'], {
    names: 'letter_i',
    variation: { storedAs: { axial: 'turned-180', sagittal: 'mirrored' } },
  }),
  study('T1 only', 'philips', 'shorthand', 'workstation', ['localizer'], { names: 'mr', kinds: ['sagittal_t1'] }),
  study('no axial', 'canon', 'english', 'workstation', ['localizer', 'unnamed_reformation'], {
    names: 'im_dcm',
    kinds: ['sagittal_t2', 'sagittal_t1'],
  }),
  study('truncated slice', 'hitachi', 'italian', 'workstation', ['localizer'], {
    names: 'dicom',
    twist: 'truncated_slice',
  }),
  // Folders that agree with UIDs one to one.
  study('one to one', 'siemens', 'french', 'inbox', [], { names: 'im_dcm' }),
  study('one to one, myelogram', 'ge', 'english', 'inbox', ['localizer', 'myelogram', 'report'], { names: 'mrdcm' }),
  study('one to one, paper', 'philips', 'dutch', 'inbox', ['localizer', 'scanned_paper'], { names: 'im' }),
  study(
    'everything',
    'canon',
    'japanese',
    'inbox',
    [
      'localizer',
      'stir',
      't1_contrast_fat_saturated',
      'axial_t1',
      'coronal_t2',
      'diffusion',
      'adc',
      'axial_reformation',
      'myelogram',
      'subtraction',
      'screen_capture',
      'report',
    ],
    { names: 'mr', transferSyntax: 'jpeg_2000' },
  ),
];

function study(
  name: string,
  vendor: VendorName,
  language: LanguageName,
  layout: LayoutName,
  beside: readonly DecoyName[],
  more: Omit<Partial<ExportStudy>, 'name' | 'vendor' | 'language' | 'layout' | 'beside'> = {},
): ExportStudy {
  return { name, vendor, language, layout, beside, ...more };
}

/**
 * Finds images that are no slices to score, image by image: captures, other modalities, localizers, and images computed
 * from other images.
 *
 * Hard grounds (another modality, colour, a capture) cannot be overruled, since there are no MR slices to read. Soft
 * grounds (ImageType and words) can be overruled: some scanners and most anonymisers write them wrongly. Source:
 * docs/pipeline.md, "Which series".
 */

import type { InstanceFacts } from '../dicom/index.ts';
import type { Meaning } from './lexicon.ts';
import type { Rejection } from './series-stack.ts';
import { quote, type Texts } from './texts.ts';

export interface Ground {
  readonly rejection: Rejection;
  /** A noun phrase made of header figures and known words, such as `ImageType MPR`. */
  readonly reason: string;
  readonly hard: boolean;
}

/** The ground on which an image is rejected, the strongest one, or `undefined` if it may be a slice. */
export function groundOf(facts: InstanceFacts, texts: Texts): Ground | undefined {
  return hardGround(facts) ?? imageTypeGround(facts) ?? wordGround(facts, texts);
}

const MR_IMAGES = new Set([
  '1.2.840.10008.5.1.4.1.1.4',
  '1.2.840.10008.5.1.4.1.1.4.1',
  // Legacy Converted Enhanced MR.
  '1.2.840.10008.5.1.4.1.1.4.4',
]);
const ENHANCED_MR_COLOUR = '1.2.840.10008.5.1.4.1.1.4.3';
const STANDARD_STORAGE = '1.2.840.10008.5.1.4.1.1.';
/**
 * Storage classes without slices (PS3.4 annex B.5): secondary capture, presentation states, waveforms, raw data and
 * segmentations, structured reports, documents, MR spectroscopy; and Philips' private objects that accompany MR series.
 */
const NO_SLICES = [
  `${STANDARD_STORAGE}7`,
  `${STANDARD_STORAGE}11`,
  `${STANDARD_STORAGE}9`,
  `${STANDARD_STORAGE}66`,
  `${STANDARD_STORAGE}67`,
  `${STANDARD_STORAGE}68`,
  `${STANDARD_STORAGE}88`,
  `${STANDARD_STORAGE}104`,
  `${STANDARD_STORAGE}4.2`,
  '1.3.46.670589.11.0.0.12',
];

/** Absent attributes are no ground: anonymisers remove them. */
function hardGround(facts: InstanceFacts): Ground | undefined {
  const { sopClassUid: sop, photometricInterpretation, samplesPerPixel } = facts;
  if (sop !== undefined && NO_SLICES.some((root) => sop === root || sop.startsWith(`${root}.`))) {
    return hard('capture', 'SOPClassUID of a secondary capture, report or other object without slices');
  }
  const modality = facts.modality?.trim().toUpperCase();
  // A value that is no code may be any text, even a name, so it is not shown.
  if (modality && modality !== 'MR') {
    return hard('not_mr', /^[A-Z]{1,16}$/.test(modality) ? `Modality ${modality}` : 'Modality other than MR');
  }
  if (sop === ENHANCED_MR_COLOUR) return hard('colour', 'SOPClassUID of Enhanced MR Color');
  if (sop?.startsWith(STANDARD_STORAGE) && !MR_IMAGES.has(sop)) {
    return hard('not_mr', 'SOPClassUID of another kind of image than MR');
  }
  const photometric = photometricInterpretation?.trim().toUpperCase();
  if (photometric && !/^MONOCHROME[12]$/.test(photometric)) {
    return hard(
      'colour',
      `PhotometricInterpretation ${/^[A-Z0-9_ ]{1,16}$/.test(photometric) ? photometric : 'of colour'}`,
    );
  }
  if (samplesPerPixel !== undefined && samplesPerPixel > 1) return hard('colour', `SamplesPerPixel ${samplesPerPixel}`);
  return undefined;
}

function hard(rejection: Rejection, reason: string): Ground {
  return { rejection, reason, hard: true };
}

/**
 * Values of ImageType, values 1 and 2 (pixel data and patient examination) aside: PS3.3 C.8.3.1.1.1 (MR), C.8.13.1.1.1
 * (enhanced MR), and what GE, Siemens, Philips and Canon write. DERIVED alone is no ground: it is also written for
 * slices that were only filtered or corrected for distortion. It only lowers the preference (`preference.ts`).
 */
const IMAGE_TYPES: Readonly<Partial<Record<Rejection, ReadonlySet<string>>>> = {
  localizer: new Set(['LOCALIZER', 'LOCALISER', 'SCOUT', 'SURVEY']),
  derived: new Set(
    [
      'MPR|CPR|REFORMATTED|RESAMPLED|CURVED|VRT|VOLUME RENDERING|MOSAIC',
      'PROJECTION IMAGE|PROJECTION|MIP|MINIP|MAX_IP|MIN_IP|MAXIMUM|MINIMUM|MEAN|STD_DEVIATION',
      'SUBTRACTION|SUB|DIVISION|MULTIPLICATION|MASK|MASKED',
      'ADC|EADC|ADC_UNSPECIFIED|DIFFUSION|DIFFUSION_ANISO|DIFFUSION_ATTNTD|FA|TRACE|TRACEW|ISOTROPIC|TENSOR|AVERAGE_DC',
      'PERFUSION|RCBF|RCBV|MTT|TTP|FMRI|T_TEST|Z_SCORE',
      'PHASE MAP|PHASE|PHASE_MAP|VELOCITY|VELOCITY MAP|VELOCITY_MAP|IMAGINARY|P|I|P_SE|P_FFE|P_IR|I_SE|I_FFE|I_IR',
      'B0 MAP|B1 MAP|FIELD MAP|FIELD_MAP|T1 MAP|T1_MAP|T2 MAP|T2_MAP|T2_STAR_MAP|T2_STAR MAP|R2 MAP|R2_MAP|R2_STAR MAP',
      'R_COEFFICIENT|RHO|SCM|SNR_MAP|METABOLITE_MAP|FAT_FRACTION|FAT FRACTION|TEMPERATURE',
    ].flatMap((line) => line.split('|')),
  ),
  // The fat image of a Dixon sequence does not show discs and canal as T1 or T2 do.
  other_contrast: new Set(['FAT', 'F']),
  capture: new Set(['SCREEN SAVE', 'SCREENSHOT', 'SCREEN CAPTURE', 'SECONDARY CAPTURE']),
};

function imageTypeGround(facts: InstanceFacts): Ground | undefined {
  if (facts.imageType.length < 3) return undefined;
  const values = facts.imageType.slice(2).map((value) => value.trim().toUpperCase());
  for (const [rejection, known] of Object.entries(IMAGE_TYPES)) {
    const value = values.find((one) => known.has(one));
    if (value !== undefined) return { rejection: rejection as Rejection, reason: `ImageType ${value}`, hard: false };
  }
  return undefined;
}

const WORD_GROUNDS: readonly (readonly [Meaning, Rejection])[] = [
  ['localizer', 'localizer'],
  ['derived', 'derived'],
  ['capture', 'capture'],
];

function wordGround(facts: InstanceFacts, texts: Texts): Ground | undefined {
  const words = texts.kindWords(facts);
  for (const [meaning, rejection] of WORD_GROUNDS) {
    const said = words.find((word) => word.meaning === meaning);
    if (said) return { rejection, reason: quote(said), hard: false };
  }
  return undefined;
}

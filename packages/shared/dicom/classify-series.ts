/**
 * What kind of series an image belongs to, for datasets that do not say. A wrong kind is worse than none, so whatever
 * is not clearly one of the three kinds is none of them.
 */

import type { Kind } from '../domain/index.ts';
import type { DicomHeader } from './header.ts';

type Plane = 'sagittal' | 'axial';
type Weighting = 't1' | 't2';

/** The kind of an image's series, or `undefined` if it is none of the three, or if that cannot be told. */
export function classifySeries(header: DicomHeader): Kind | undefined {
  if (header.modality !== undefined && header.modality !== 'MR') return undefined;
  const words = wordsOf(header.seriesDescription);
  if (isNoDiagnosticSeries(header, words)) return undefined;
  const plane = planeOf(header);
  if (plane === undefined) return undefined;
  const weighting = weightingOf(header, words);
  if (plane === 'sagittal' && weighting !== undefined) return weighting === 't1' ? 'sagittal_t1' : 'sagittal_t2';
  return plane === 'axial' && weighting === 't2' ? 'axial_t2' : undefined;
}

/** A description in lower-case words: `Sag_T2-FSE` is ` sag t2 fse `. The star of T2* is kept. */
function wordsOf(description: string | undefined): string {
  return ` ${(description ?? '').toLowerCase().replace(/[^a-z0-9*]+/g, ' ')} `;
}

const NO_DIAGNOSTIC_WORDS =
  / (loc|locs|localizer|localiser|scout|survey|calib|calibration|asset|shim|dwi|adc|trace|diff|diffusion|perf|perfusion|fmri|bold|mip|myelo|myelogram) /;
const NO_DIAGNOSTIC_IMAGES = new Set(['LOCALIZER', 'PROJECTION IMAGE', 'MIP', 'ADC', 'DIFFUSION', 'PHASE MAP']);

function isNoDiagnosticSeries(header: DicomHeader, words: string): boolean {
  return (
    NO_DIAGNOSTIC_WORDS.test(words) ||
    / (3|three) ?(plane|pl) /.test(words) ||
    header.imageType.some((value) => NO_DIAGNOSTIC_IMAGES.has(value.toUpperCase()))
  );
}

/** cos 45 degrees: sagittal stacks are turned by little. */
const SAGITTAL_AT_LEAST = 0.7;
/** cos 53 degrees: axial blocks follow the discs, at L5/S1 by 45 degrees and more. */
const AXIAL_AT_LEAST = 0.6;

/** The plane that all frames lie in; frames of several planes are a localizer. */
function planeOf(header: DicomHeader): Plane | undefined {
  const planes = new Set(header.frames.map((frame) => frame.orientation && planeOfOrientation(frame.orientation)));
  return planes.size === 1 ? [...planes][0] : undefined;
}

function planeOfOrientation(orientation: readonly [number, number, number, number, number, number]): Plane | undefined {
  const [a, b, c, d, e, f] = orientation;
  if (Math.abs(b * f - c * e) >= SAGITTAL_AT_LEAST) return 'sagittal';
  return Math.abs(a * e - b * d) >= AXIAL_AT_LEAST ? 'axial' : undefined;
}

/** By what people wrote, by AcquisitionContrast, by the timing of the sequence, in this order. */
function weightingOf(header: DicomHeader, words: string): Weighting | undefined {
  if (/ (t2\*|t2star|swi|gre|medic|merge|pd|pdw|proton) ?/.test(words)) return undefined;
  if (/ (stir|tirm) /.test(words)) return 't2';
  const t1 = / t1[a-z]* /.test(words);
  const t2 = / t2[a-z]* /.test(words);
  if (t1 !== t2) return t1 ? 't1' : 't2';

  const contrast = header.acquisitionContrast?.toUpperCase();
  if (contrast === 'T1') return 't1';
  if (contrast === 'T2' || contrast === 'STIR') return 't2';
  if (contrast !== undefined && contrast !== 'UNKNOWN' && contrast !== 'MIXED') return undefined;
  return weightingOfTiming(header);
}

/**
 * Spin echoes at 1.5 T and 3 T: T1 has short TE and TR, T2 long ones, proton density a short TE and a long TR. An
 * inversion of about 150-250 ms takes fat away (STIR); one of about 700-1000 ms with a short TE is T1 FLAIR.
 */
function weightingOfTiming(header: DicomHeader): Weighting | undefined {
  const { echoTimeMs: te, repetitionTimeMs: tr, inversionTimeMs: ti } = header;
  const gradientOrPlanar = header.scanningSequence.some((value) => /^(GR|EP|GRADIENT|BOTH)$/i.test(value));
  if (gradientOrPlanar || te === undefined || tr === undefined) return undefined;
  if (ti !== undefined && ti >= 80 && ti <= 300 && tr >= 1500) return 't2';
  if (ti !== undefined && ti >= 400 && ti <= 1300 && te <= 45) return 't1';
  if (te >= 60 && tr >= 1500) return 't2';
  return te <= 35 && tr <= 1200 ? 't1' : undefined;
}

/** Makes stacks of images from header facts, without files, as input for `sortOut`. */

import type { FrameFacts, InstanceFacts } from '../../dicom/index.ts';
import type { Unit } from '../../series/index.ts';

export type Facts = Partial<Omit<InstanceFacts, 'frames'>>;
export type Orientation = NonNullable<FrameFacts['orientation']>;

export const SAGITTAL: Orientation = [0, 1, 0, 0, 0, -1];
export const AXIAL: Orientation = [1, 0, 0, 0, 1, 0];
export const CORONAL: Orientation = [1, 0, 0, 0, 0, -1];

/** Timings of usual sequences at 1.5 T and 3 T. */
export const T1: Facts = { echoTimeMs: 11, repetitionTimeMs: 560, scanningSequence: ['SE'] };
export const T2: Facts = { echoTimeMs: 105, repetitionTimeMs: 3500, scanningSequence: ['SE'] };
export const STIR: Facts = {
  echoTimeMs: 48,
  repetitionTimeMs: 4200,
  inversionTimeMs: 160,
  scanningSequence: ['SE', 'IR'],
};
export const GRADIENT: Facts = { echoTimeMs: 14, repetitionTimeMs: 500, scanningSequence: ['GR'] };

const MR_IMAGE = '1.2.840.10008.5.1.4.1.1.4';

/** A unit that a test can name. */
export interface NamedUnit extends Unit {
  readonly name: string;
}

export interface StackSpec {
  readonly orientation?: Orientation | undefined;
  /** Default 15. */
  readonly count?: number;
  /** Position of the first slice along the normal, mm; default -2 * count. */
  readonly from?: number;
  /** Distance between slices, mm; default 4. */
  readonly step?: number;
  /** Instance number of the first slice; default 1. */
  readonly instance?: number;
  /** Facts of all slices, or of each. */
  readonly facts?: Facts | ((i: number) => Facts);
  readonly frame?: Partial<FrameFacts> | ((i: number) => Partial<FrameFacts>);
  readonly series?: string;
}

/** A stack of 256 x 256 slices of 1 mm pixels. */
export function stack(spec: StackSpec = {}): NamedUnit[] {
  const { orientation = SAGITTAL, count = 15, from = -2 * count, step = 4, instance = 1, series = '1.2.3' } = spec;
  const normal = cross(orientation);
  return Array.from({ length: count }, (_, i) => {
    const facts = typeof spec.facts === 'function' ? spec.facts(i) : (spec.facts ?? {});
    const frame = typeof spec.frame === 'function' ? spec.frame(i) : (spec.frame ?? {});
    const at = from + step * i;
    const place: FrameFacts = {
      position: [at * normal[0] - 128, at * normal[1] - 128, at * normal[2] + 128],
      orientation,
      spacing: [1, 1],
      echoTimeMs: facts.echoTimeMs,
      ...frame,
    };
    return {
      name: `${series} ${instance + i}`,
      facts: {
        sopClassUid: MR_IMAGE,
        sopInstanceUid: `${series}.${instance + i}`,
        studyInstanceUid: '1.2',
        seriesInstanceUid: series,
        modality: 'MR',
        instanceNumber: instance + i,
        imageType: ['ORIGINAL', 'PRIMARY', 'OTHER'],
        photometricInterpretation: 'MONOCHROME2',
        samplesPerPixel: 1,
        rows: 256,
        columns: 256,
        scanningSequence: [],
        scanOptions: [],
        contrastAgent: false,
        ...facts,
        frames: [place],
      },
      frame: place,
    };
  });
}

/** An axial orientation rotated about the left-right axis by degrees, like a block angled to a disc. */
export function tilted(degrees: number): Orientation {
  const angle = (degrees * Math.PI) / 180;
  return [1, 0, 0, 0, Math.cos(angle), -Math.sin(angle)];
}

/** The same units in another order, the same for a seed. */
export function shuffled<T>(values: readonly T[], seed: number): T[] {
  const mixed = [...values];
  let state = seed >>> 0 || 1;
  for (let i = mixed.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = state % (i + 1);
    [mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
  }
  return mixed;
}

function cross([a, b, c, d, e, f]: Orientation): [number, number, number] {
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

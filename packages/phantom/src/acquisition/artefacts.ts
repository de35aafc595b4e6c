/**
 * Image artefacts: ghosts of periodic motion, motion of the patient, and metal. Most affected images stay readable.
 * Ghosts and motion artefacts appear along the phase-encoding direction, which is along rows or columns.
 *
 * Sources: Wood and Henkelman, "MR image artifacts from periodic motion", Med Phys 1985 (ghosts); Zaitsev et al.,
 * "Motion artifacts in MRI", JMRI 2015; Hargreaves et al., "Metal-induced artifacts in MRI", AJR 2011.
 */

import type { Anatomy } from '../anatomy/anatomy.ts';
import type { Random } from '../random.ts';
import { drawMetal, type Metal } from './metal.ts';
import type { Stack } from './stack.ts';

/** Shares of series with ghosts and with motion, and of studies with metal. */
export const ARTEFACT_SHARES = { ghosting: 0.15, motion: 0.1, metal: 0.03 } as const;

export const GHOST_SOURCES = ['breathing', 'csf flow'] as const;
export type GhostSource = (typeof GHOST_SOURCES)[number];

export interface Ghosting {
  readonly source: GhostSource;
  /**
   * Distance of neighbouring ghosts as a share of the field of view: the period of the motion in phase-encoding lines.
   */
  readonly apart: number;
  /** Complex amplitudes of the ghosts at ±1, ±2, ... times that distance, relative to the moving tissue. */
  readonly amplitudes: readonly { readonly real: number; readonly imaginary: number }[];
}

/**
 * Motion of the patient while outer lines of k-space were acquired. The middle lines determine the position in the
 * image.
 */
export interface Motion {
  /** Instance numbers of the affected slices. */
  readonly instances: ReadonlySet<number>;
  /** Half width of the middle of k-space without motion, as a share of the half width of k-space. */
  readonly still: number;
  /**
   * Position of the patient, in mm, in each further part of k-space, from the middle outwards: on the negative and the
   * positive side.
   */
  readonly shiftsMm: readonly (readonly [number, number])[];
}

export interface Artefacts {
  /** `rows`: the column index is phase-encoded, as with DICOM's InPlanePhaseEncodingDirection ROW. */
  readonly phase: 'rows' | 'columns';
  readonly ghosting: Ghosting | undefined;
  readonly motion: Motion | undefined;
  readonly metal: Metal | undefined;
}

export const NO_ARTEFACTS: Artefacts = { phase: 'columns', ghosting: undefined, motion: undefined, metal: undefined };

/** The metal of a study; `undefined` for most studies. */
export function drawStudyMetal(random: Random, anatomy: Anatomy): Metal | undefined {
  return random.chance(ARTEFACT_SHARES.metal) ? drawMetal(random, anatomy) : undefined;
}

/** The artefacts of a series. The same number of random values is drawn whether an artefact occurs or not. */
export function drawArtefacts(random: Random, stack: Stack, metal: Metal | undefined): Artefacts {
  // Sagittal: head to feet, so that ghosts of CSF and belly do not cover the spine; axial: front to back.
  const phase = random.chance(0.8) ? 'columns' : 'rows';
  const [ghosts, moves] = [random.chance(ARTEFACT_SHARES.ghosting), random.chance(ARTEFACT_SHARES.motion)];
  const ghosting = drawGhosting(random, stack);
  const motion = drawMotion(random, stack);
  return { phase, ghosting: ghosts ? ghosting : undefined, motion: moves ? motion : undefined, metal };
}

/** Texts for `phantom.json` about the artefacts of a series, without metal, which belongs to the study. */
export function describeArtefacts({ ghosting, motion }: Artefacts): string[] {
  return [
    ...(ghosting ? [`ghosting: ${ghosting.source}`] : []),
    ...(motion ? [`motion: ${motion.instances.size} ${motion.instances.size === 1 ? 'slice' : 'slices'}`] : []),
  ];
}

function drawGhosting(random: Random, stack: Stack): Ghosting {
  // CSF is dark in T1, and so are its ghosts.
  const source: GhostSource = random.chance(0.6) || stack.sequence === 't1' ? 'breathing' : 'csf flow';
  const strength = source === 'breathing' ? random.uniform(0.14, 0.38) : random.uniform(0.12, 0.32);
  return {
    source,
    apart: random.uniform(0.07, 0.3),
    amplitudes: [1, 0.45, 0.2].map((share) => {
      const angle = random.uniform(0, 2 * Math.PI);
      return { real: share * strength * Math.cos(angle), imaginary: share * strength * Math.sin(angle) };
    }),
  };
}

function drawMotion(random: Random, stack: Stack): Motion {
  const share = random.uniform(0.15, 0.5);
  const moved = stack.planes.filter(() => random.chance(share));
  const planes = moved.length ? moved : [random.pick(stack.planes)];
  const shift = () => (random.chance(0.5) ? 1 : -1) * random.uniform(0.7, 2.6);
  return {
    instances: new Set(planes.map((plane) => plane.instance)),
    still: random.uniform(0.16, 0.34),
    shiftsMm: Array.from({ length: random.integer(1, 3) }, () => [shift(), shift()] as const),
  };
}

/** An image before the magnitude is taken: [rows, columns], float32 each. */
export interface ComplexImage {
  readonly real: Float32Array;
  readonly imaginary: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/**
 * Adds ghosts: copies of moving tissue, shifted along the phase-encoding direction and wrapped around the field of
 * view.
 *
 * @param weights how much each pixel moves, in [0, 1], [rows, columns].
 */
export function addGhosts(
  image: ComplexImage,
  weights: Float32Array,
  ghosting: Ghosting,
  phase: Artefacts['phase'],
): void {
  const { rows, columns, real } = image;
  const moving = real.map((signal, index) => signal * weights[index]!);
  const length = phase === 'columns' ? rows : columns;
  ghosting.amplitudes.forEach((amplitude, order) => {
    for (const side of [1, -1]) {
      const shift = Math.round(side * (order + 1) * ghosting.apart * length);
      // The ghosts on the two sides are complex conjugates of each other, except for a phase of 180 degrees.
      addShifted(image, moving, shift, phase, side * amplitude.real, amplitude.imaginary, true);
    }
  });
}

/**
 * Adds `re + i im` times a real image, shifted along the phase-encoding direction. Beyond the edge it is wrapped or
 * extended.
 */
function addShifted(
  { real, imaginary, rows, columns }: ComplexImage,
  source: Float32Array,
  shift: number,
  phase: Artefacts['phase'],
  re: number,
  im: number,
  wrap: boolean,
): void {
  const length = phase === 'columns' ? rows : columns;
  const from = Int32Array.from({ length }, (_, at) =>
    wrap ? (((at - shift) % length) + length) % length : Math.max(0, Math.min(length - 1, at - shift)),
  );
  for (let row = 0; row < rows; row++) {
    const first = row * columns;
    const sourceRow = phase === 'columns' ? from[row]! * columns : first;
    for (let column = 0; column < columns; column++) {
      const signal = source[phase === 'columns' ? sourceRow + column : sourceRow + from[column]!]!;
      real[first + column]! += re * signal;
      imaginary[first + column]! += im * signal;
    }
  }
}

/** Half width of the motion kernel in pixels. Its tails beyond that are below the noise. */
const KERNEL_REACH = 16;

/**
 * Adds blur and ringing along the phase-encoding direction. A shift of the patient during part of k-space changes the
 * phase of that part. All lines of the image are treated alike, so this is a convolution with a complex kernel: the
 * inverse Fourier transform of these phases.
 */
export function move(image: ComplexImage, motion: Motion, phase: Artefacts['phase'], pixelMm: number): void {
  const { rows, columns, real, imaginary } = image;
  const kernel = motionKernel(motion, pixelMm, phase === 'columns' ? rows : columns);
  const still = real.slice();
  real.fill(0);
  imaginary.fill(0);
  for (let tap = -KERNEL_REACH; tap <= KERNEL_REACH; tap++) {
    const at = tap + KERNEL_REACH;
    addShifted(image, still, tap, phase, kernel.real[at]!, kernel.imaginary[at]!, false);
  }
}

function motionKernel(motion: Motion, pixelMm: number, length: number) {
  const real = new Float64Array(2 * KERNEL_REACH + 1);
  const imaginary = new Float64Array(2 * KERNEL_REACH + 1);
  const { still, shiftsMm } = motion;
  const half = length / 2;
  for (let line = -Math.floor(half); line < half; line++) {
    const outward = (Math.abs(line) / half - still) / (1 - still);
    const stretch = Math.min(shiftsMm.length - 1, Math.floor(outward * shiftsMm.length));
    const shift = outward < 0 ? 0 : shiftsMm[stretch]![line < 0 ? 0 : 1] / pixelMm;
    for (let tap = -KERNEL_REACH; tap <= KERNEL_REACH; tap++) {
      const angle = (2 * Math.PI * line * (tap - shift)) / length;
      real[tap + KERNEL_REACH]! += Math.cos(angle) / length;
      imaginary[tap + KERNEL_REACH]! += Math.sin(angle) / length;
    }
  }
  return { real, imaginary };
}

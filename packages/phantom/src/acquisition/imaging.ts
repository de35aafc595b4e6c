/** Takes the picture of one slice: sampling, coil, noise, matrix, and the numbers that are stored. */

import type { Anatomy } from '../anatomy/anatomy.ts';
import { SIGNALS } from '../anatomy/tissue.ts';
import { add } from '../anatomy/vector.ts';
import type { Random } from '../random.ts';
import { type AcquiredGrid, sampleSlice } from './sampling.ts';
import { double, expose, type Scanner } from './scanner.ts';
import type { Plane, Stack } from './stack.ts';

/** How a series stores its values: value = stored * slope + intercept. */
export interface PixelEncoding {
  readonly bitsStored: 12 | 16;
  readonly signed: boolean;
  /** `undefined`: the rescale attributes are left out, as most MR images do. */
  readonly rescale: { readonly slope: number; readonly intercept: number } | undefined;
  /** The value of the brightest tissue. */
  readonly amplitude: number;
}

export function drawEncoding(random: Random): PixelEncoding {
  const signed = random.chance(0.35);
  const rescale = random.chance(0.2)
    ? { slope: random.pick([0.5, 1, 2.4, 0.2442]), intercept: signed ? random.pick([0, 512]) : random.pick([0, -64]) }
    : undefined;
  const bitsStored = random.chance(0.7) ? 12 : 16;
  // Twice the brightest tissue, as beside a coil, must still fit.
  const room = (signed ? 2047 : 4095) * (bitsStored === 12 ? 1 : 4) * Math.min(1, rescale?.slope ?? 1);
  return { bitsStored, signed, rescale, amplitude: random.uniform(0.22, 0.46) * room };
}

/** Matrices above this many pixels are interpolated from half the rows and columns, as scanners do. */
const INTERPOLATED_FROM = 180_000;

/** Little-endian 16-bit words [rows, columns] of one slice. */
export function takePicture(
  anatomy: Anatomy,
  stack: Stack,
  plane: Plane,
  scanner: Scanner,
  encoding: PixelEncoding,
  random: Random,
): Uint8Array {
  const factor = stack.rows * stack.columns > INTERPOLATED_FROM ? 2 : 1;
  const grid: AcquiredGrid = {
    rows: stack.rows / factor,
    columns: stack.columns / factor,
    betweenRowsMm: stack.pixelSpacing[0] * factor,
    betweenColumnsMm: stack.pixelSpacing[1] * factor,
    thicknessMm: stack.thicknessMm,
  };
  // The first coarse pixel's middle is between the first fine ones'.
  const shift = (factor - 1) / 2;
  const across = add(plane.origin, plane.rowDirection, shift * stack.pixelSpacing[1]);
  const acquired: Plane = { ...plane, origin: add(across, plane.columnDirection, shift * stack.pixelSpacing[0]) };
  const look = {
    signals: SIGNALS[stack.sequence],
    blurMm: 0.6 * Math.max(grid.betweenRowsMm, grid.betweenColumnsMm),
  };
  const image = sampleSlice(anatomy, acquired, grid, look);
  expose(image, anatomy, acquired, grid, scanner, random);
  return store(factor === 2 ? double(image, grid.rows, grid.columns) : image, encoding);
}

function store(image: Float32Array, encoding: PixelEncoding): Uint8Array {
  const { bitsStored, signed, amplitude } = encoding;
  const { slope, intercept } = encoding.rescale ?? { slope: 1, intercept: 0 };
  const [low, high] = signed ? [-(2 ** (bitsStored - 1)), 2 ** (bitsStored - 1) - 1] : [0, 2 ** bitsStored - 1];
  const words = new Int16Array(image.length);
  const scale = amplitude / slope;
  const offset = 0.5 - intercept / slope;
  for (let index = 0; index < image.length; index++) {
    const stored = Math.floor(image[index]! * scale + offset);
    words[index] = stored < low ? low : Math.min(stored, high);
  }
  // Typed arrays are little-endian on every machine that Node runs on.
  return new Uint8Array(words.buffer);
}

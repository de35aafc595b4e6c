/**
 * The effects of a scanner on the signals: sensitivity of the surface coil, a saturation band in front of the spine,
 * Rician noise, and interpolation to a finer matrix. Source for the noise: Gudbjartsson and Patz, Magn Reson Med 1995.
 */

import type { Anatomy } from '../anatomy/anatomy.ts';
import { smoothStep } from '../anatomy/signed-distance.ts';
import { add } from '../anatomy/vector.ts';
import { Random } from '../random.ts';
import type { AcquiredGrid } from './sampling.ts';
import type { Plane } from './stack.ts';

export interface Scanner {
  /** Standard deviation of the noise, relative to the brightest tissue. */
  readonly noise: number;
  /** 0 is a body coil or a corrected image, 1 a bare surface coil. */
  readonly surface: number;
  /** Distance in mm from the back wall of the spine to the saturation band in front of it; `undefined` for none. */
  readonly bandMm: number | undefined;
  /** Slow change of the sensitivity, as a share per 100 mm, along x and z. */
  readonly drift: readonly [number, number];
}

export function drawScanner(random: Random, sagittal: boolean): Scanner {
  return {
    noise: random.uniform(0.012, 0.032),
    surface: random.uniform(0.15, 0.65),
    bandMm: sagittal && random.chance(0.75) ? random.uniform(46, 60) : undefined,
    drift: [random.around(0, 0.06), random.around(0, 0.06)],
  };
}

/** Sensitivity varies slowly, so it is computed at one pixel per block of this side and interpolated. */
const BLOCK = 12;

/** Multiplies a slice by the coil's sensitivity, in place. */
export function sense(image: Float32Array, anatomy: Anatomy, plane: Plane, grid: AcquiredGrid, scanner: Scanner): void {
  const gains = sensitivities(anatomy, plane, grid, scanner);
  const width = Math.ceil(grid.columns / BLOCK) + 1;
  const { rows, columns } = grid;
  const gain = new Float32Array(width);
  for (let row = 0; row < rows; row++) {
    const above = Math.floor(row / BLOCK) * width;
    const down = (row % BLOCK) / BLOCK;
    for (let block = 0; block < width; block++) {
      gain[block] = gains[above + block]! * (1 - down) + gains[above + width + block]! * down;
    }
    for (let block = 0; block * BLOCK < columns; block++) {
      const slope = (gain[block + 1]! - gain[block]!) / BLOCK;
      const first = row * columns + block * BLOCK;
      const count = Math.min(BLOCK, columns - block * BLOCK);
      for (let step = 0; step < count; step++) image[first + step]! *= gain[block]! + step * slope;
    }
  }
}

/** Turns a complex picture into its magnitude with noise in both parts, in place of `real`: Rician noise. */
export function detect(real: Float32Array, imaginary: Float32Array | undefined, noise: number, random: Random): void {
  const table = gaussians();
  let state = random.bits() | 1;
  for (let index = 0; index < real.length; index++) {
    // xorshift32 picks two entries of a table of Gaussian values, which is ten times faster than drawing them.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const re = real[index]! + noise * table[state & 0xffff]!;
    const im = (imaginary ? imaginary[index]! : 0) + noise * table[state >>> 16]!;
    real[index] = Math.sqrt(re * re + im * im);
  }
}

function sensitivities(anatomy: Anatomy, plane: Plane, grid: AcquiredGrid, scanner: Scanner): Float32Array {
  const width = Math.ceil(grid.columns / BLOCK) + 1;
  const height = Math.ceil(grid.rows / BLOCK) + 1;
  const out = new Float32Array(width * height);
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < width; c++) {
      const down = add(plane.origin, plane.columnDirection, r * BLOCK * grid.betweenRowsMm);
      const [x, y, z] = add(down, plane.rowDirection, c * BLOCK * grid.betweenColumnsMm);
      const depth = Math.max(0, anatomy.soft.skinAt(z) - y);
      const coil = 1 - scanner.surface + scanner.surface * 1.75 * Math.exp(-depth / 105);
      const ends = 1 - 0.55 * smoothStep(105, 190, Math.abs(z + 10));
      const band = scanner.bandMm;
      const before = band === undefined ? 0 : anatomy.soft.wallAt(z) - y - band;
      const saturated = band === undefined ? 1 : 1 - 0.82 * smoothStep(0, 16, before);
      out[r * width + c] = coil * ends * saturated * (1 + (scanner.drift[0] * x + scanner.drift[1] * z) / 100);
    }
  }
  return out;
}

let table: Float32Array | undefined;

function gaussians(): Float32Array {
  if (!table) {
    const random = new Random('gaussians');
    table = Float32Array.from({ length: 65536 }, () => random.normal());
  }
  return table;
}

/** Doubles rows and columns, bilinear with half-pixel centres, as a scanner's own interpolation does. */
export function double(image: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(4 * rows * columns);
  for (let row = 0; row < 2 * rows; row++) {
    const near = row >> 1;
    const far = Math.max(0, Math.min(rows - 1, near + (row & 1 ? 1 : -1)));
    for (let column = 0; column < 2 * columns; column++) {
      const c = column >> 1;
      const d = Math.max(0, Math.min(columns - 1, c + (column & 1 ? 1 : -1)));
      out[row * 2 * columns + column] =
        0.5625 * image[near * columns + c]! +
        0.1875 * (image[near * columns + d]! + image[far * columns + c]!) +
        0.0625 * image[far * columns + d]!;
    }
  }
  return out;
}

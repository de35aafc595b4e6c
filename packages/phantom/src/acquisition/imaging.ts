/** Makes the image of one slice: sampling, metal, coil, motion, ghosts, noise, matrix, and stored values. */

import type { Anatomy } from '../anatomy/anatomy.ts';
import { smoothStep } from '../anatomy/signed-distance.ts';
import { SIGNALS } from '../anatomy/tissue.ts';
import { add } from '../anatomy/vector.ts';
import type { Random } from '../random.ts';
import { type Artefacts, addGhosts, type ComplexImage, type Ghosting, move } from './artefacts.ts';
import { eraseAroundMetal } from './metal.ts';
import { type AcquiredGrid, sampleSlice } from './sampling.ts';
import { detect, double, type Scanner, sense } from './scanner.ts';
import type { Plane, Stack } from './stack.ts';

/** How a series stores its values: value = stored * slope + intercept. */
export interface PixelEncoding {
  readonly bitsStored: 12 | 16;
  readonly signed: boolean;
  /** `undefined`: the rescale attributes are left out, as in most MR images. */
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
  // Twice the brightest tissue, as near a coil, must still fit.
  const room = (signed ? 2047 : 4095) * (bitsStored === 12 ? 1 : 4) * Math.min(1, rescale?.slope ?? 1);
  return { bitsStored, signed, rescale, amplitude: random.uniform(0.22, 0.46) * room };
}

/** Matrices above this many pixels are interpolated from half the rows and columns, as scanners do. */
const INTERPOLATED_FROM = 180_000;

/** How a series is acquired. */
export interface Acquisition {
  readonly stack: Stack;
  readonly scanner: Scanner;
  readonly encoding: PixelEncoding;
  readonly artefacts: Artefacts;
}

/** Little-endian 16-bit words [rows, columns] of one slice. */
export function takePicture(anatomy: Anatomy, acquisition: Acquisition, plane: Plane, random: Random): Uint8Array {
  const { stack, scanner, encoding, artefacts } = acquisition;
  const factor = stack.rows * stack.columns > INTERPOLATED_FROM ? 2 : 1;
  const grid: AcquiredGrid = {
    rows: stack.rows / factor,
    columns: stack.columns / factor,
    betweenRowsMm: stack.pixelSpacing[0] * factor,
    betweenColumnsMm: stack.pixelSpacing[1] * factor,
    thicknessMm: stack.thicknessMm,
  };
  // The centre of the first coarse pixel is between the centres of the first fine pixels.
  const shift = (factor - 1) / 2;
  const across = add(plane.origin, plane.rowDirection, shift * stack.pixelSpacing[1]);
  const acquired: Plane = { ...plane, origin: add(across, plane.columnDirection, shift * stack.pixelSpacing[0]) };
  const look = {
    signals: SIGNALS[stack.sequence],
    blurMm: 0.6 * Math.max(grid.betweenRowsMm, grid.betweenColumnsMm),
  };
  const image = sampleSlice(anatomy, acquired, grid, look);
  if (artefacts.metal) {
    const frequency = artefacts.phase === 'columns' ? acquired.rowDirection : acquired.columnDirection;
    eraseAroundMetal(image, acquired, grid, artefacts.metal, frequency);
  }
  sense(image, anatomy, acquired, grid, scanner);
  const imaginary = spoil(image, anatomy, acquired, grid, artefacts);
  detect(image, imaginary, scanner.noise, random);
  return store(factor === 2 ? double(image, grid.rows, grid.columns) : image, encoding);
}

/** Adds motion and ghosts to an image, in place. Returns the imaginary part, if there is one. */
function spoil(
  real: Float32Array,
  anatomy: Anatomy,
  plane: Plane,
  grid: AcquiredGrid,
  { phase, motion, ghosting }: Artefacts,
): Float32Array | undefined {
  const moved = motion?.instances.has(plane.instance);
  if (!ghosting && !moved) return undefined;
  const image: ComplexImage = {
    real,
    imaginary: new Float32Array(real.length),
    rows: grid.rows,
    columns: grid.columns,
  };
  const weights = ghosting && movingShares(real, anatomy, plane, grid, ghosting);
  if (motion && moved) move(image, motion, phase, phase === 'columns' ? grid.betweenRowsMm : grid.betweenColumnsMm);
  if (ghosting && weights) addGhosts(image, weights, ghosting, phase);
  return image.imaginary;
}

/** How much each pixel moves: with breathing the belly most and the back a little, or the pulsating CSF. */
function movingShares(
  image: Float32Array,
  anatomy: Anatomy,
  plane: Plane,
  grid: AcquiredGrid,
  { source }: Ghosting,
): Float32Array {
  const out = new Float32Array(image.length);
  const breathing = source === 'breathing';
  for (let row = 0; row < grid.rows; row++) {
    const [, y, z] = add(plane.origin, plane.columnDirection, row * grid.betweenRowsMm);
    for (let column = 0, index = row * grid.columns; column < grid.columns; column++, index++) {
      const along = column * grid.betweenColumnsMm;
      const behind = y + along * plane.rowDirection[1] - anatomy.soft.wallAt(z + along * plane.rowDirection[2]);
      if (breathing) out[index] = 0.3 + 0.7 * smoothStep(-35, -60, behind);
      else if (behind > -6 && behind < 26) out[index] = smoothStep(0.8, 0.95, image[index]!);
    }
  }
  return out;
}

function store(image: Float32Array, encoding: PixelEncoding): Uint8Array {
  const { bitsStored, signed, amplitude } = encoding;
  const { slope, intercept } = encoding.rescale ?? { slope: 1, intercept: 0 };
  const [low, high] = signed ? [-(2 ** (bitsStored - 1)), 2 ** (bitsStored - 1) - 1] : [0, 2 ** bitsStored - 1];
  const words = new Int16Array(image.length);
  const scale = amplitude / slope;
  const offset = 0.5 - intercept / slope;
  for (let index = 0; index < image.length; index++) {
    const stored = image[index]! * scale + offset;
    words[index] = stored <= low ? low : stored >= high ? high : Math.floor(stored);
  }
  // Typed arrays are little-endian on every machine that Node runs on.
  return new Uint8Array(words.buffer);
}

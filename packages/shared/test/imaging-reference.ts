/**
 * Runs training/reference/compare.py, the independent numpy and torch implementation, and reads its results.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type CropSpace, type Image, type Point, resizeBilinear, type WindowReach } from '../imaging/index.ts';
import { readNpy, writeNpy } from './support/npy.ts';
import { plainValues } from './support/plain-pixels.ts';
import { pythonWith } from './support/python-with.ts';

export const ROOT = resolve(import.meta.dirname, '../../..');
export const TEST_DATA = resolve(ROOT, process.env.SPINELINE_TEST_DATA ?? '../shared/data');
export const NO_PYTHON = 'no python3 with numpy, torch and pydicom here';

let found: { python: string | undefined } | undefined;

/** A Python that can run the reference, or `undefined`. Searched once, and only if a test needs it. */
export function python(): string | undefined {
  found ??= {
    python: pythonWith('numpy', 'torch', 'pydicom'),
  };
  return found.python;
}

/** One run of the reference, with a temporary folder for input and output arrays. */
export class Reference {
  readonly folder = mkdtempSync(join(tmpdir(), 'spineline-reference-'));
  readonly #requests: object[] = [];

  /** Saves an image for the reference. @returns its path. */
  save(name: string, image: Image): string {
    const path = join(this.folder, `${name}.npy`);
    writeFileSync(path, writeNpy(image.data, [image.height, image.width]));
    return path;
  }

  ask(request: { name: string; task: string; [field: string]: unknown }): void {
    this.#requests.push(request);
  }

  /** Runs all requests. @returns the report by name of request. */
  run(): Record<string, unknown> {
    const request = join(this.folder, 'request.json');
    writeFileSync(request, JSON.stringify({ out: this.folder, requests: this.#requests }));
    execFileSync(python()!, [join(ROOT, 'training/reference/compare.py'), request], {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', OMP_NUM_THREADS: '1' },
    });
    return JSON.parse(readFileSync(join(this.folder, 'report.json'), 'utf8'));
  }

  /** A float32 array that the reference wrote. */
  array(name: string): { data: Float32Array; shape: number[] } {
    const { data, shape } = readNpy(readFileSync(join(this.folder, `${name}.npy`)));
    if (!(data instanceof Float32Array)) throw new Error(`${name} is not float32`);
    return { data, shape };
  }

  image(name: string): Image {
    const { data, shape } = this.array(name);
    return { data, height: shape[0]!, width: shape[1]! };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The largest absolute difference; infinite if the lengths differ or a value is not a number. */
export function largestDifference(a: Float32Array, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest;
}

/** Seeded random numbers in [0, 1). */
export { mulberry32 as randomNumbers } from '../evaluation/mulberry32.ts';

/** Something like a scan: whole numbers, a bright ellipse on noise, a few very bright pixels. */
export function randomImage(random: () => number, height: number, width: number): Image {
  const data = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = (x / width - 0.5) ** 2 + (y / height - 0.4) ** 2 < 0.1;
      const value = (inside ? 900 : 40) * (0.5 + random()) + (random() < 0.001 ? 3000 : 0);
      data[y * width + x] = Math.floor(value);
    }
  }
  return { data, height, width };
}

/** Largest error of a crop, whose pixels are stored in 12 bits. */
export const TWELVE_BITS = 1 / 8190 + 1e-6;

/** A crop without quantising: float64 pixels, zero outside the space, resized. float32 [slices, ...window.to]. */
export function unquantisedCrop(
  space: CropSpace,
  centre: Point,
  window: WindowReach,
  antialias: boolean,
): Float32Array {
  const { low, high } = space;
  const slices = space.slices.map(plainValues);
  const height = window.top + window.bottom;
  const width = window.left + window.right;
  const [top, left] = [Math.floor(centre.y + 0.5) - window.top, Math.floor(centre.x + 0.5) - window.left];
  const pixel = (slice: Float32Array, y: number, x: number) => {
    if (y < 0 || x < 0 || y >= space.space || x >= space.space) return 0;
    const value = slice[y * space.space + x]!;
    return value > low ? Math.min(1, (value - low) / (high - low)) : 0;
  };
  const resized = slices.map((slice) => {
    const data = Float32Array.from({ length: height * width }, (_, i) =>
      pixel(slice, top + Math.floor(i / width), left + (i % width)),
    );
    return resizeBilinear({ data, height, width }, window.to[0], window.to[1], { antialias });
  });
  return Float32Array.from(resized.flatMap((one) => [...one]));
}

/** A whole space, normalised: float32 [slices, space, space]. */
export function wholeSpace(space: CropSpace): Float32Array {
  const half = space.space / 2;
  const window = { left: half, right: half, top: half, bottom: half, to: [space.space, space.space] } as const;
  return unquantisedCrop(space, { x: half, y: half }, window, true);
}

/**
 * Bilinear resizing with half-pixel centres, as a separable filter whose weights are computed once per size. The rule
 * is that of `torch.nn.functional.interpolate(mode='bilinear', align_corners=False, antialias=...)`, so that training
 * can check it.
 *
 * Output pixel i looks at input coordinate (i + 0.5) * in / out. Without antialiasing it mixes the two input pixels
 * around it. With antialiasing the triangle filter is widened by the reduction factor, so that every input pixel counts
 * when an image shrinks; when it grows, both rules are the same. Weights outside the image are left out, and the others
 * are scaled to sum to 1.
 *
 * Source: docs/pipeline.md, "Normalising and resizing".
 */

import { checkImage, checkSize, type Image } from './image.ts';

/**
 * For each output index: the first input index, and `width` weights (zero where the filter is narrower). When an image
 * grows, `width` is 2.
 */
interface Taps {
  readonly input: number;
  readonly output: number;
  readonly width: number;
  readonly first: Int32Array;
  readonly weights: Float64Array;
}

/** Writes a resized image, shape [height, width] of the resizer, to `out` from `offset` on. */
export type Resizer = (image: Image, out: Float32Array, offset: number) => void;

/**
 * Resizes one image.
 *
 * @returns float32 [height, width]; a copy if the size does not change.
 * @throws {RangeError} if the image's length does not fit its size, or a size is not a positive integer.
 */
export function resizeBilinear(
  image: Image,
  height: number,
  width: number,
  options: { readonly antialias: boolean },
): Float32Array {
  const out = new Float32Array(height * width);
  stackResizer(height, width, options.antialias)(image, out, 0);
  return out;
}

/** A resizer for many images: weights and scratch memory are reused for images of the same size. */
export function stackResizer(height: number, width: number, antialias: boolean): Resizer {
  checkSize(height, width);
  let across: Taps | undefined;
  let down: Taps | undefined;
  let scratch = new Float32Array(0);
  return (image, out, offset) => {
    checkImage(image);
    if (image.height === height && image.width === width) {
      out.set(image.data, offset);
      return;
    }
    if (across?.input !== image.width) across = tapsOf(image.width, width, antialias);
    if (down?.input !== image.height) down = tapsOf(image.height, height, antialias);
    if (scratch.length < image.height * width) scratch = new Float32Array(image.height * width);
    resizeRows(image, across, scratch);
    resizeColumns(scratch, width, down, out, offset);
  };
}

/**
 * A resized pixel is padding if at least this share of its input is. When an image grows, the nearest input pixel
 * decides.
 */
const PADDING_AT_LEAST = 0.5;

/**
 * A resizer for images that may have padding. Padding is interpolated as the lowest tissue value. Pixels that are
 * mostly padding become NaN: percentiles skip them, and normalising makes them 0.
 */
export function paddedStackResizer(height: number, width: number, antialias: boolean): Resizer {
  const resize = stackResizer(height, width, antialias);
  const share = new Float32Array(height * width);
  return (image, out, offset) => {
    resize(image, out, offset);
    if (!image.padding) return;
    resize({ data: Float32Array.from(image.padding), height: image.height, width: image.width }, share, 0);
    for (let i = 0; i < share.length; i++) if (share[i]! >= PADDING_AT_LEAST) out[offset + i] = Number.NaN;
  };
}

/** [rows, input] -> [rows, output], along each row. */
function resizeRows({ data, height, width }: Image, taps: Taps, out: Float32Array): void {
  const { first, weights, output, width: count } = taps;
  if (count === 2) {
    // As the general loop below; `0 +` turns a sum of two -0 into 0, as that loop does.
    for (let row = 0; row < height; row++) {
      const from = row * width;
      const to = row * output;
      for (let x = 0; x < output; x++) {
        const start = from + first[x]!;
        out[to + x] = 0 + weights[2 * x]! * data[start]! + weights[2 * x + 1]! * data[start + 1]!;
      }
    }
    return;
  }
  for (let row = 0; row < height; row++) {
    const from = row * width;
    const to = row * output;
    for (let x = 0; x < output; x++) {
      const start = from + first[x]!;
      const weight = x * count;
      let sum = 0;
      for (let tap = 0; tap < count; tap++) sum += weights[weight + tap]! * data[start + tap]!;
      out[to + x] = sum;
    }
  }
}

/** [input, columns] -> [output, columns], along each column. */
function resizeColumns(data: Float32Array, columns: number, taps: Taps, out: Float32Array, offset: number): void {
  const { first, weights, output, width: count } = taps;
  // Row by row, so that memory is read in order; sums are float64, in the order of the taps.
  const sums = new Float64Array(columns);
  for (let y = 0; y < output; y++) {
    const from = first[y]! * columns;
    const to = offset + y * columns;
    if (count === 2) {
      const above = weights[2 * y]!;
      const below = weights[2 * y + 1]!;
      for (let x = 0; x < columns; x++) {
        out[to + x] = 0 + above * data[from + x]! + below * data[from + columns + x]!;
      }
      continue;
    }
    sums.fill(0);
    for (let tap = 0; tap < count; tap++) {
      const weight = weights[y * count + tap]!;
      const at = from + tap * columns;
      for (let x = 0; x < columns; x++) sums[x]! += weight * data[at + x]!;
    }
    for (let x = 0; x < columns; x++) out[to + x] = sums[x]!;
  }
}

function tapsOf(input: number, output: number, antialias: boolean): Taps {
  const scale = input / output;
  // Half the width of the triangle, in input pixels.
  const support = antialias ? Math.max(scale, 1) : 1;
  const fromOf = (centre: number) => Math.max(0, Math.floor(centre - support + 0.5));
  const toOf = (centre: number) => Math.min(input, Math.floor(centre + support + 0.5));
  let width = 1;
  for (let i = 0; i < output; i++) {
    const centre = scale * (i + 0.5);
    width = Math.max(width, toOf(centre) - fromOf(centre));
  }
  const first = new Int32Array(output);
  const weights = new Float64Array(output * width);
  for (let i = 0; i < output; i++) {
    const centre = scale * (i + 0.5);
    const from = fromOf(centre);
    const to = toOf(centre);
    // Every output index has `width` weights. Near the end of the image the first index moves back and the weights move
    // up.
    const start = Math.min(from, input - width);
    first[i] = start;
    let sum = 0;
    for (let j = from; j < to; j++) {
      const weight = Math.max(0, 1 - Math.abs(j + 0.5 - centre) / support);
      weights[i * width + j - start] = weight;
      sum += weight;
    }
    for (let tap = i * width; tap < (i + 1) * width; tap++) weights[tap]! /= sum;
  }
  return { input, output, width, first, weights };
}

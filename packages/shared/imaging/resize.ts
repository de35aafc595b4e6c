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

import type { PixelData } from '../domain/index.ts';
import { checkImage, checkSize, type Image } from './image.ts';
import { type Address, type KernelMemory, withKernels } from './kernel-memory.ts';

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

/** Writes a resized image, float32 [height, width] of the resizer, to `out` from `offset` on. */
export type Resizer = (image: Image<PixelData>, out: Float32Array, offset: number) => void;

/** float32 [height, width] in the memory of the kernels. */
export interface StoredImage {
  readonly at: Address;
  readonly height: number;
  readonly width: number;
}

/**
 * Resizes one image.
 *
 * @returns float32 [height, width]; a copy if the size does not change.
 * @throws {RangeError} if the image's length does not fit its size, or a size is not a positive integer.
 */
export function resizeBilinear(
  image: Image<PixelData>,
  height: number,
  width: number,
  options: { readonly antialias: boolean },
): Float32Array {
  const out = new Float32Array(height * width);
  stackResizer(height, width, options.antialias)(image, out, 0);
  return out;
}

/** A resizer for many images: weights are computed once for images of the same size. It takes no account of padding. */
export function stackResizer(height: number, width: number, antialias: boolean): Resizer {
  const resize = storedResizer(height, width, antialias);
  return (image, out, offset) => {
    checkImage(image);
    withKernels((memory) => {
      const to = memory.area(4 * height * width);
      resize(memory, image, to);
      out.set(memory.float32(to, height * width), offset);
    });
  };
}

/**
 * A resized pixel is padding if at least this share of its input is. When an image grows, the nearest input pixel
 * decides.
 */
const PADDING_AT_LEAST = 0.5;

/**
 * A resizer for images that may have padding, which writes to an address in the memory of the kernels. Padding is
 * interpolated as the lowest tissue value. Pixels that are mostly padding become NaN: percentiles skip them, and
 * normalising makes them 0.
 */
export function paddedStackResizer(
  height: number,
  width: number,
  antialias: boolean,
): (memory: KernelMemory, image: Image<PixelData>, to: Address) => void {
  const resize = storedResizer(height, width, antialias);
  return (memory, image, to) => {
    checkImage(image);
    const { padding, ...size } = image;
    withKernels(() => {
      resize(memory, image, to);
      if (!padding) return;
      const share = memory.area(4 * height * width);
      resize(memory, { ...size, data: bytesOf(padding) }, share);
      memory.run.markPadding(share, height * width, PADDING_AT_LEAST, to);
    });
  };
}

/** Bytes as pixel values. */
function bytesOf(samples: Uint8Array): PixelData {
  return { samples, signed: false, left: 0, right: 0, slope: 1, intercept: 0 };
}

/** As {@link stackResizer}, to the memory of the kernels, where the image may also be. */
export function storedResizer(
  height: number,
  width: number,
  antialias: boolean,
): (memory: KernelMemory, image: StoredImage | Image<PixelData>, to: Address) => void {
  checkSize(height, width);
  let across: Taps | undefined;
  let down: Taps | undefined;
  return (memory, image, to) => {
    if (image.height === height && image.width === width) {
      if ('at' in image) memory.copy(image.at, 4 * height * width, to);
      else memory.writePixels(image.data, 0, height * width, to);
      return;
    }
    if (across?.input !== image.width) across = tapsOf(image.width, width, antialias);
    if (down?.input !== image.height) down = tapsOf(image.height, height, antialias);
    resizeWith(memory, image, across, down, to);
  };
}

/** Bytes of float32 rows that are copied and resized at a time: they stay in the second cache. */
const PART = 1 << 17;

function resizeWith(
  memory: KernelMemory,
  image: StoredImage | Image<PixelData>,
  across: Taps,
  down: Taps,
  to: Address,
): void {
  const { height, width } = image;
  withKernels(() => {
    const between = memory.area(4 * height * across.output);
    /** Four rows of float64. */
    const strip = memory.area(4 * 8 * width);
    const copyOf = ({ first, weights }: Taps) => [memory.copyOf(first), memory.copyOf(weights)] as const;
    const [acrossFirst, acrossWeights] = copyOf(across);
    const resizeRows = (at: Address, rows: number, row: number) => {
      const { output, width: taps } = across;
      const into = between + 4 * row * output;
      memory.run.resizeRows(at, rows, width, acrossFirst, acrossWeights, taps, output, strip, into);
    };
    if ('at' in image) {
      resizeRows(image.at, height, 0);
    } else {
      // The kernel takes four rows at a time.
      const most = 4 * Math.ceil(PART / (4 * 4 * width));
      const part = memory.area(4 * Math.min(most, height) * width);
      for (let row = 0; row < height; row += most) {
        const rows = Math.min(most, height - row);
        memory.writePixels(image.data, row * width, rows * width, part);
        resizeRows(part, rows, row);
      }
    }
    memory.run.resizeColumns(between, across.output, ...copyOf(down), down.width, down.output, to);
  });
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

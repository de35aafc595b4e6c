/**
 * The pixel values of one slice, row by row. Everything in this folder returns row-major Float32Arrays. What the pipeline
 * gets its tensors from also takes the samples of a file.
 */

import { type PixelData, pixelCount } from '../domain/index.ts';

/**
 * An image: `data[y * width + x]`, so shape [height, width].
 *
 * `Image` has float32 values. `Image<PixelData>` may also have the samples of a file, which are converted in the memory
 * of the kernels.
 */
export interface Image<Data extends PixelData = Float32Array> {
  readonly data: Data;
  /**
   * uint8 [height, width]: 1 for padding, 0 for tissue. Padding has the lowest tissue value in `data`, is not counted
   * in percentiles, and is 0 after normalising. Absent if no pixel is padding. Source: docs/pipeline.md, "Padding".
   */
  readonly padding?: Uint8Array | undefined;
  readonly height: number;
  readonly width: number;
}

/** Percentiles in [0, 100] between which pixel values are scaled to [0, 1]; a bundle's `normalise`. */
export interface NormaliseSettings {
  readonly low: number;
  readonly high: number;
}

/** A bundle's `resize`. */
export interface ResizeSettings {
  /** Whether the triangle filter is widened by the reduction factor when an image shrinks. */
  readonly antialias: boolean;
}

/** @throws {RangeError} if the array's length is not height x width, or either is not a positive integer. */
export function checkImage({ data, padding, height, width }: Image<PixelData>): void {
  checkSize(height, width);
  const count = pixelCount(data);
  if (padding && padding.length !== count) {
    throw new RangeError(`an image of ${count} values has as many of padding; found ${padding.length}`);
  }
  if (count !== height * width) {
    throw new RangeError(`an image of ${height} x ${width} has ${height * width} values; found ${count}`);
  }
}

/** @throws {RangeError} if either is not a positive integer. */
export function checkSize(height: number, width: number): void {
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0)) {
    throw new RangeError(`height and width are positive integers; found ${height} x ${width}`);
  }
}

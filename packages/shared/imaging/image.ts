/**
 * The pixel values of one slice, row by row. Everything in this folder takes and returns row-major Float32Arrays;
 * resizing also takes the integers of a file.
 */

/** An image: `data[y * width + x]`, so shape [height, width]. */
export interface Image {
  readonly data: Float32Array;
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
export function checkImage({ data, padding, height, width }: Omit<Image, 'data'> & { data: ArrayLike<number> }): void {
  checkSize(height, width);
  if (padding && padding.length !== data.length) {
    throw new RangeError(`an image of ${data.length} values has as many of padding; found ${padding.length}`);
  }
  if (data.length !== height * width) {
    throw new RangeError(`an image of ${height} x ${width} has ${height * width} values; found ${data.length}`);
  }
}

/** @throws {RangeError} if either is not a positive integer. */
export function checkSize(height: number, width: number): void {
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0)) {
    throw new RangeError(`height and width are positive integers; found ${height} x ${width}`);
  }
}

/**
 * One slice's pixel values, row by row. Everything in this concern takes and gives row-major Float32Arrays.
 */

/** An image: `data[y * width + x]`, so shape [height, width]. */
export interface Image {
  readonly data: Float32Array;
  /**
   * 1 for pixels that are padding and no tissue, [height, width]; they hold the lowest tissue value in `data`, count in no
   * percentile, and are 0 after normalising. Absent where no pixel is padding.
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
  /** Whether the triangle filter widens by the factor of reduction. */
  readonly antialias: boolean;
}

/** @throws {RangeError} if the array's length is not height x width, or either is not a positive integer. */
export function checkImage({ data, padding, height, width }: Image): void {
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

/** Pixels as a file holds them: what dicom/ reads and imaging/ converts to float32 just before it computes. */

/**
 * The samples of a frame, and what makes values of them: float32(slope * stored + intercept), computed in float64. The
 * stored value is `(sample << left) >> right` if it is signed, else `(sample << left) >>> right`.
 */
export interface StoredPixels {
  /** Row by row, unsigned; may be a view into a file. Nobody writes to it. */
  readonly samples: Uint8Array | Uint16Array;
  readonly signed: boolean;
  readonly left: number;
  readonly right: number;
  readonly slope: number;
  readonly intercept: number;
}

/** The pixel values of an image: as float32, or as they are stored. */
export type PixelData = Float32Array | StoredPixels;

/** How many pixels there are. */
export function pixelCount(data: PixelData): number {
  return data instanceof Float32Array ? data.length : data.samples.length;
}

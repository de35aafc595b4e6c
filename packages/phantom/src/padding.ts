/**
 * Padding: pixels outside the field of view without a measured signal, such as the corners of an image that a scanner
 * has corrected or rotated. PixelPaddingValue and its range limit: DICOM PS3.3 C.7.5.1.1.2.
 */

import type { PixelEncoding } from './acquisition/imaging.ts';

export const FIELDS_OF_VIEW = ['circle', 'turned'] as const;
/** The area that is not padded: a circle around the middle, or the rectangle of the image rotated by ten degrees. */
export type FieldOfView = (typeof FIELDS_OF_VIEW)[number];

export interface Padding {
  /** The stored value of padding, -32768 to 32767: PixelPaddingValue. */
  readonly value: number;
  /** PixelPaddingRangeLimit: padding has all values from `value` to this one. Default none: only `value`. */
  readonly rangeLimit?: number | undefined;
  /** Default `circle`. */
  readonly field?: FieldOfView | undefined;
  /**
   * Whether the header declares the padding. `false` is for control tests: the reader cannot recognise it. Default
   * `true`.
   */
  readonly declared?: boolean | undefined;
}

const TURN = (10 * Math.PI) / 180;

/** How a padded image is stored: in 16 bits, and signed if the padding is below zero. Rescaling stays the same. */
export function paddedEncoding(encoding: PixelEncoding, { value, rangeLimit = value }: Padding): PixelEncoding {
  return { ...encoding, bitsStored: 16, signed: encoding.signed || Math.min(value, rangeLimit) < 0 };
}

/**
 * Replaces pixels outside the field of view, in place.
 *
 * @param pixels stored values [rows, columns]; unsigned values as the same 16 bits.
 */
export function pad(
  pixels: Int16Array,
  rows: number,
  columns: number,
  pixelSpacing: readonly [number, number],
  encoding: PixelEncoding,
  padding: Padding,
): void {
  const low = Math.min(padding.value, padding.rangeLimit ?? padding.value);
  const values = Math.abs((padding.rangeLimit ?? padding.value) - padding.value) + 1;
  const inside = insideOf(padding.field ?? 'circle', rows, columns, pixelSpacing);
  const becomesSigned = !encoding.signed && low < 0;
  for (let row = 0, index = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, index++) {
      if (!inside(row, column)) pixels[index] = low + ((7 * row + 3 * column) % values);
      // Values above 32767 of an unsigned image would become negative.
      else if (becomesSigned && pixels[index]! < 0) pixels[index] = 32767;
    }
  }
}

function insideOf(
  field: FieldOfView,
  rows: number,
  columns: number,
  [betweenRows, betweenColumns]: readonly [number, number],
): (row: number, column: number) => boolean {
  const halfHeight = (rows * betweenRows) / 2;
  const halfWidth = (columns * betweenColumns) / 2;
  const place = (row: number, column: number) =>
    [(column + 0.5) * betweenColumns - halfWidth, (row + 0.5) * betweenRows - halfHeight] as const;
  if (field === 'circle') {
    // The longer side is the diameter: a circle in the shorter one would cut off the spine's ends.
    const radius = Math.max(halfHeight, halfWidth);
    return (row, column) => Math.hypot(...place(row, column)) <= radius;
  }
  const [cos, sin] = [Math.cos(TURN), Math.sin(TURN)];
  return (row, column) => {
    const [x, y] = place(row, column);
    return Math.abs(x * cos + y * sin) <= halfWidth && Math.abs(y * cos - x * sin) <= halfHeight;
  };
}

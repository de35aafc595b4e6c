/**
 * Pixels that are no part of the image: outside of a round or turned field of view, writers put a value that the header
 * names in PixelPaddingValue, or one of a range up to PixelPaddingRangeLimit, both ends included and in either order
 * (PS3.3 C.7.5.1.1.2).
 *
 * They are the only attributes of PS3.3 that name values outside of the field of view for the integer pixels of MR.
 * (FloatPixelPaddingValue and its kin are for float pixel data, which no MR image has; a display shutter hides pixels and
 * gives them no value.)
 */

import type { DicomHeader } from './header.ts';

/** A frame's samples before and after their bits were told apart. */
export interface PaddingInput {
  /** Stored values, before any inversion. */
  readonly stored: Int32Array;
  /** The whole allocated words, bits above BitsStored included; `undefined` where a codec does not keep them. */
  readonly words: Uint8Array | Uint16Array | Uint32Array | undefined;
}

/**
 * Which pixels are padding.
 *
 * Some writers name a padding value that BitsStored cannot hold, and write it into the whole word; so words are compared
 * where the header names such a value.
 *
 * @returns 1 for padding, 0 for others [rows * columns]; `undefined` if no pixel is padding
 */
export function findPadding(header: DicomHeader, { stored, words }: PaddingInput): Uint8Array | undefined {
  if (header.padding === undefined) return undefined;
  const [lowest, highest] = header.padding;
  const { signed, bitsStored, bitsAllocated } = header;
  const low = signed ? -(2 ** (bitsStored - 1)) : 0;
  const high = signed ? 2 ** (bitsStored - 1) - 1 : 2 ** bitsStored - 1;
  const whole = lowest < low || highest > high ? words : undefined;

  const padding = new Uint8Array(stored.length);
  const unused = 32 - bitsAllocated;
  let count = 0;
  for (let i = 0; i < stored.length; i++) {
    let value = stored[i]!;
    let inside = value >= lowest && value <= highest;
    if (!inside && whole !== undefined) {
      value = signed ? (whole[i]! << unused) >> unused : whole[i]!;
      inside = value >= lowest && value <= highest;
    }
    if (!inside) continue;
    padding[i] = 1;
    count += 1;
  }
  return count > 0 ? padding : undefined;
}

/** Sets padding to the lowest of the other values, to 0 if there is no other. `values` is changed. */
export function levelPadding(values: Float32Array, padding: Uint8Array): void {
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    if (padding[i] === 0 && values[i]! < lowest) lowest = values[i]!;
  }
  const level = Number.isFinite(lowest) ? lowest : 0;
  for (let i = 0; i < values.length; i++) {
    if (padding[i] === 1) values[i] = level;
  }
}

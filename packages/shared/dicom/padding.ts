/**
 * Padding: pixels outside of a round or turned field of view, where nothing was measured. The header names their stored
 * value in PixelPaddingValue, or a range from it to PixelPaddingRangeLimit, both ends included, in either order (PS3.3
 * C.7.5.1.1.2). What later steps do with padding: docs/pipeline.md, "Padding".
 *
 * No other attribute of PS3.3 names such values for MR: FloatPixelPaddingValue and the like are for float pixel data,
 * which MR images do not have, and a display shutter hides pixels without giving them a value.
 */

import type { DicomHeader } from './header.ts';
import type { StoredFrame } from './stored-values.ts';

/**
 * Which pixels are padding.
 *
 * Some writers name a padding value that BitsStored cannot hold, and write it into the whole allocated word. If the
 * header names such a value, whole words are compared, too.
 *
 * @returns uint8 [rows * columns]: 1 for padding, 0 for all others; `undefined` if no pixel is padding
 */
export function findPadding(header: DicomHeader, frame: StoredFrame): Uint8Array | undefined {
  if (header.padding === undefined) return undefined;
  const { samples, left, right, wholeWords } = frame;
  const [lowest, highest] = header.padding;
  const { signed, bitsStored, bitsAllocated } = header;
  const low = signed ? -(2 ** (bitsStored - 1)) : 0;
  const high = signed ? 2 ** (bitsStored - 1) - 1 : 2 ** bitsStored - 1;
  const comparesWords = wholeWords && (lowest < low || highest > high);

  const padding = new Uint8Array(samples.length);
  const unused = 32 - bitsAllocated;
  let count = 0;
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i]!;
    let value = signed ? (sample << left) >> right : (sample << left) >>> right;
    let inside = value >= lowest && value <= highest;
    if (!inside && comparesWords) {
      value = signed ? (sample << unused) >> unused : sample;
      inside = value >= lowest && value <= highest;
    }
    if (!inside) continue;
    padding[i] = 1;
    count += 1;
  }
  return count > 0 ? padding : undefined;
}

/** Sets padding to the lowest of the other values, or to 0 if all pixels are padding. Changes `values`. */
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

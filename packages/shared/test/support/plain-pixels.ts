/** Pixel values by a plain loop, to test how they are made elsewhere. */

import type { PixelData } from '../../domain/index.ts';

/** float32; the array itself if the values are float32 already. */
export function plainValues(data: PixelData): Float32Array {
  if (data instanceof Float32Array) return data;
  const { samples, signed, left, right, slope, intercept } = data;
  return Float32Array.from(samples, (sample) => {
    const stored = signed ? (sample << left) >> right : (sample << left) >>> right;
    return slope * stored + intercept;
  });
}

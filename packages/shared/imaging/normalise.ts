/**
 * Scales pixel values to [0, 1]: clipped at two values, usually the 1st and 99th percentile of a stack. Source:
 * docs/pipeline.md, "Normalising and resizing".
 */

import type { NormaliseSettings } from './image.ts';
import { percentiles } from './percentiles.ts';

/**
 * Replaces every value v by (v - low) / (high - low), clipped to [0, 1]. Values that are not finite become 0. If `high`
 * is not above `low`, all values become 0.
 */
export function normaliseInPlace(data: Float32Array, low: number, high: number): void {
  normaliseInto(data, 0, data.length, data, 0, low, high);
}

/** As {@link normaliseInPlace}, for `count` values starting at `data[from]`, written to `out` starting at `out[to]`. */
export function normaliseInto(
  data: Float32Array,
  from: number,
  count: number,
  out: Float32Array,
  to: number,
  low: number,
  high: number,
): void {
  if (!(high > low)) {
    out.fill(0, to, to + count);
    return;
  }
  const range = high - low;
  for (let i = 0; i < count; i++) {
    const scaled = (data[from + i]! - low) / range;
    // NaN fails both comparisons. Infinities are faulty pixels, not bright ones.
    out[to + i] = scaled > 0 && scaled < Infinity ? Math.min(scaled, 1) : 0;
  }
}

/**
 * Normalises several stacks with the percentiles over all of them together.
 *
 * @param measured the stacks among `stacks` that the percentiles are taken over; default: all.
 * @returns whether all values between the two percentiles were equal, so that the stacks became zeros.
 */
export function normaliseTogether(
  stacks: readonly Float32Array[],
  settings: NormaliseSettings,
  measured = stacks,
): boolean {
  const { low, high } = percentiles(measured, settings.low, settings.high);
  for (const stack of stacks) normaliseInPlace(stack, low, high);
  return !(high > low);
}

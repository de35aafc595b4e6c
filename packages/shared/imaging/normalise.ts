/**
 * Pixel values to [0, 1]: clipped at two values, usually the 1st and 99th percentile of a stack, and scaled between.
 */

import type { NormaliseSettings } from './image.ts';
import { percentiles } from './percentiles.ts';

/**
 * Replaces every value v by (v - low) / (high - low), clipped to [0, 1]. Values that are not finite become 0; if `high`
 * is not above `low` nothing can be told apart and all values become 0.
 */
export function normaliseInPlace(data: Float32Array, low: number, high: number): void {
  normaliseInto(data, 0, data.length, data, 0, low, high);
}

/** As {@link normaliseInPlace}, of `count` values from `from` on, written to `out` from `to` on. */
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
    // NaN fails both comparisons; both infinities are faults of the pixel, not brightness.
    out[to + i] = scaled > 0 && scaled < Infinity ? Math.min(scaled, 1) : 0;
  }
}

/**
 * Normalises stacks over all of them together.
 *
 * @param measured the stacks whose percentiles count, where they are not all; they are among `stacks`.
 * @returns whether they were constant between the two percentiles and therefore became zeros.
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

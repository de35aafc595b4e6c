/**
 * Scales pixel values to [0, 1]: clipped at two values, usually the 1st and 99th percentile of a stack. Source:
 * docs/pipeline.md, "Normalising and resizing".
 */

import type { NormaliseSettings } from './image.ts';
import { type Address, type KernelMemory, withKernels } from './kernel-memory.ts';
import { percentiles, type StoredValues } from './percentiles.ts';

/** Values that are copied into the memory of the kernels at a time. */
const PART = 1 << 16;

/**
 * Replaces every value v by (v - low) / (high - low), clipped to [0, 1]. Values that are not finite become 0. If `high`
 * is not above `low`, all values become 0. In float32: results differ from float64 by less than 2e-7.
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
  withKernels((memory) => {
    const at = memory.area(4 * Math.min(count, PART));
    for (let done = 0; done < count; done += PART) {
      const length = Math.min(PART, count - done);
      const part = memory.float32(at, length);
      part.set(data.subarray(from + done, from + done + length));
      normaliseStored(memory, { at, count: length }, low, high);
      out.set(part, to + done);
    }
  });
}

/** As {@link normaliseInPlace}, for values in the memory of the kernels. */
function normaliseStored(memory: KernelMemory, { at, count }: StoredValues, low: number, high: number): void {
  normaliseRows(memory, { at, stride: count, rows: 1, columns: count }, { at, stride: count }, low, high);
}

/**
 * As {@link normaliseInPlace}, for a part of an image in the memory of the kernels.
 *
 * @param from `stride` is how far its rows are apart, in values; `to` likewise.
 */
export function normaliseRows(
  { run }: KernelMemory,
  from: { readonly at: Address; readonly stride: number; readonly rows: number; readonly columns: number },
  to: { readonly at: Address; readonly stride: number },
  low: number,
  high: number,
): void {
  // A quotient that is NaN becomes 0.
  const range = high > low ? high - low : Number.NaN;
  run.normalise(from.at, from.stride, from.rows, from.columns, low, range, to.at, to.stride);
}

/**
 * Normalises several stacks in the memory of the kernels with the percentiles over all of them together.
 *
 * @param measured the stacks among `stacks` that the percentiles are taken over; default: all.
 * @returns whether all values between the two percentiles were equal, so that the stacks became zeros.
 */
export function normaliseTogether(
  memory: KernelMemory,
  stacks: readonly StoredValues[],
  settings: NormaliseSettings,
  measured = stacks,
): boolean {
  const { low, high } = percentiles(measured, settings.low, settings.high);
  for (const stack of stacks) normaliseStored(memory, stack, low, high);
  return !(high > low);
}

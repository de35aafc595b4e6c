/**
 * Which slices of a series a model gets: a fixed number out of any number of slices, or a few around one slice.
 */

/**
 * Stage 1: which slice of the series fills each position of a tensor of `depth` slices. Source: docs/pipeline.md,
 * "Level slices".
 *
 * @returns for more slices than `depth`: `depth` indices, the slice nearest to the middle of each position, floor((i +
 *   0.5) * count / depth). Otherwise all `count` indices (the rest of the tensor is padding).
 * @throws {RangeError} if `count` is negative, `depth` not positive, or either not an integer.
 */
export function nearestSliceOfDepth(count: number, depth: number): Int32Array {
  if (!(Number.isInteger(count) && count >= 0 && Number.isInteger(depth) && depth > 0)) {
    throw new RangeError(`expected a number of slices and a depth; found ${count} and ${depth}`);
  }
  if (count <= depth) return Int32Array.from({ length: count }, (_, index) => index);
  // Written with whole numbers, (2 i + 1) * count / (2 * depth), so that it is rounded only once.
  return Int32Array.from({ length: depth }, (_, i) => Math.floor(((2 * i + 1) * count) / (2 * depth)));
}

/**
 * Indices index - radius .. index + radius, each clamped to the series, so that slices at the ends can occur twice.
 * Source: docs/pipeline.md, "Crop plan".
 *
 * @throws {RangeError} if `index` is not one of `count` slices.
 */
export function centralSlices(index: number, radius: number, count: number): number[] {
  if (!(Number.isInteger(index) && index >= 0 && index < count)) {
    throw new RangeError(`slice ${index} is not among ${count} slices`);
  }
  return Array.from({ length: 2 * radius + 1 }, (_, i) => Math.min(count - 1, Math.max(0, index - radius + i)));
}

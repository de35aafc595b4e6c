/**
 * Which slices of a series a model is given: a fixed depth out of any number of slices, or a few around one.
 */

/**
 * Stage 1: the real slice of each position of a tensor of `depth` slices.
 *
 * @returns for more slices than `depth`: `depth` indices, the nearest slice to each position's middle,
 *   floor((i + 0.5) * count / depth). Otherwise the `count` slices as they are (the rest of the tensor is padding).
 * @throws {RangeError} if `count` is negative, `depth` not positive, or either not an integer.
 */
export function nearestSliceOfDepth(count: number, depth: number): Int32Array {
  if (!(Number.isInteger(count) && count >= 0 && Number.isInteger(depth) && depth > 0)) {
    throw new RangeError(`expected a number of slices and a depth; found ${count} and ${depth}`);
  }
  if (count <= depth) return Int32Array.from({ length: count }, (_, index) => index);
  // The half first, in whole numbers: (2 i + 1) * count / (2 * depth) is then rounded once only.
  return Int32Array.from({ length: depth }, (_, i) => Math.floor(((2 * i + 1) * count) / (2 * depth)));
}

/**
 * Indices index - radius .. index + radius, each clamped to the series, so that slices at the ends are given twice.
 *
 * @throws {RangeError} if `index` is not one of `count` slices.
 */
export function centralSlices(index: number, radius: number, count: number): number[] {
  if (!(Number.isInteger(index) && index >= 0 && index < count)) {
    throw new RangeError(`slice ${index} is not among ${count} slices`);
  }
  return Array.from({ length: 2 * radius + 1 }, (_, i) => Math.min(count - 1, Math.max(0, index - radius + i)));
}

/**
 * The numeric steps of imaging/ as plain loops: what the kernels in WebAssembly are compared with, bit by bit.
 */

import type { Image } from '../../imaging/index.ts';

/** Bilinear with half-pixel centres, along rows, then along columns; each result is rounded to float32. */
export function plainResize({ data, height, width }: Image, to: readonly [number, number], antialias: boolean) {
  const [toHeight, toWidth] = to;
  if (height === toHeight && width === toWidth) return data.slice();
  const rows = resizeLines(data, { count: height, length: width, step: 1, next: width }, toWidth, antialias);
  const columns = { count: toWidth, length: height, step: toWidth, next: 1 };
  const resized = resizeLines(rows, columns, toHeight, antialias);
  // Lines of the second call are columns.
  return Float32Array.from(
    { length: toHeight * toWidth },
    (_, i) => resized[(i % toWidth) * toHeight + Math.floor(i / toWidth)]!,
  );
}

/** As `normaliseInPlace`, as a copy. Each difference and quotient is rounded to float32. */
export function plainNormalise(data: Float32Array, low: number, high: number): Float32Array {
  const { fround } = Math;
  const head = fround(low);
  const rest = fround(low - head);
  return data.map((value) => {
    const scaled = fround(fround(fround(value - head) - rest) / fround(high - low));
    return high > low && scaled > 0 && value < Infinity ? Math.min(scaled, 1) : 0;
  });
}

/** As `plainNormalise`, in float64. */
export function exactNormalise(data: Float32Array, low: number, high: number): number[] {
  return Array.from(data, (value) => {
    const scaled = (value - low) / (high - low);
    return high > low && scaled > 0 && value < Infinity ? Math.min(scaled, 1) : 0;
  });
}

/** numpy.percentile's definition, by sorting all finite values. */
export function plainPercentile(stacks: readonly Float32Array[], percentile: number): number {
  const sorted = Float32Array.from(
    stacks.flatMap((stack) => [...stack].filter((value) => Number.isFinite(value))),
  ).sort();
  if (sorted.length === 0) return 0;
  const rank = ((sorted.length - 1) * percentile) / 100;
  const below = sorted[Math.floor(rank)]!;
  return below + (sorted[Math.ceil(rank)]! - below) * (rank % 1);
}

/** First the transpose, then the flips of its result. */
export function plainTurn(
  { data, height, width }: Image,
  { transpose, flipX, flipY }: { transpose: boolean; flipX: boolean; flipY: boolean },
): Float32Array {
  const [toHeight, toWidth] = transpose ? [width, height] : [height, width];
  return Float32Array.from({ length: data.length }, (_, i) => {
    const x = i % toWidth;
    const y = Math.floor(i / toWidth);
    const across = flipX ? toWidth - 1 - x : x;
    const down = flipY ? toHeight - 1 - y : y;
    return transpose ? data[across * width + down]! : data[down * width + across]!;
  });
}

/** Resizes `count` lines of `length` values to `to` values each: float32 [count, to]. */
function resizeLines(
  data: Float32Array,
  { count, length, step, next }: { count: number; length: number; step: number; next: number },
  to: number,
  antialias: boolean,
): Float32Array {
  const scale = length / to;
  const support = antialias ? Math.max(scale, 1) : 1;
  const centres = Array.from({ length: to }, (_, i) => scale * (i + 0.5));
  const fromOf = (centre: number) => Math.max(0, Math.floor(centre - support + 0.5));
  const endOf = (centre: number) => Math.min(length, Math.floor(centre + support + 0.5));
  // Every output has as many weights, zeros among them: a NaN or an infinity counts also where its weight is zero.
  const taps = Math.max(1, ...centres.map((centre) => endOf(centre) - fromOf(centre)));
  const out = new Float32Array(count * to);
  centres.forEach((centre, i) => {
    const from = Math.min(fromOf(centre), length - taps);
    const weights = Array.from({ length: taps }, (_, tap) => {
      const isSeen = from + tap >= fromOf(centre) && from + tap < endOf(centre);
      return isSeen ? Math.max(0, 1 - Math.abs(from + tap + 0.5 - centre) / support) : 0;
    });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let line = 0; line < count; line++) {
      let sum = 0;
      weights.forEach((weight, tap) => {
        sum += (weight / total) * data[line * next + (from + tap) * step]!;
      });
      out[line * to + i] = sum;
    }
  });
  return out;
}

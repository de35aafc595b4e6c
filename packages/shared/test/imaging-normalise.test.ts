import { describe, expect, it } from 'vitest';
import { normaliseInPlace, percentiles } from '../imaging/index.ts';
import { randomNumbers } from './imaging-reference.ts';

/** numpy.percentile's definition, by sorting. */
function bySorting(values: Float32Array, percentile: number): number {
  const sorted = values.toSorted();
  const rank = ((sorted.length - 1) * percentile) / 100;
  const below = sorted[Math.floor(rank)]!;
  return below + (sorted[Math.ceil(rank)]! - below) * (rank % 1);
}

describe('percentiles', () => {
  it('interpolate between the two values around the rank', () => {
    expect(percentiles([Float32Array.of(4, 1, 3, 2)], 25, 50)).toEqual({ low: 1.75, high: 2.5 });
    expect(percentiles([Float32Array.of(10, -10)], 0, 100)).toEqual({ low: -10, high: 10 });
    expect(percentiles([Float32Array.of(5)], 1, 99)).toEqual({ low: 5, high: 5 });
  });

  it('are exact for negative, tiny, huge and repeated values', () => {
    const random = randomNumbers(5);
    const values = Float32Array.from({ length: 5003 }, (_, i) =>
      i % 3 === 0 ? Math.floor(random() * 8) - 4 : (random() - 0.5) * 10 ** (random() * 60 - 30),
    );
    values.set([0, -0, 1e-45, -1e-45, 3.4e38, -3.4e38]);
    for (const [low, high] of [
      [0, 100],
      [1, 99],
      [12.5, 50],
      [49.9, 50.1],
      [99.99, 100],
    ] as const) {
      expect(percentiles([values], low, high)).toEqual({ low: bySorting(values, low), high: bySorting(values, high) });
    }
  });

  it('pool all stacks, also views into one buffer', () => {
    const all = Float32Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000);
    const parts = [all.subarray(0, 13), all.subarray(13, 700), all.subarray(700)];
    expect(percentiles(parts, 1, 99)).toEqual(percentiles([all], 1, 99));
  });

  it('leave out values that are not finite', () => {
    const values = Float32Array.of(Number.NaN, 1, Infinity, 2, -Infinity, 3);
    expect(percentiles([values], 0, 100)).toEqual({ low: 1, high: 3 });
    expect(percentiles([Float32Array.of(Number.NaN)], 1, 99)).toEqual({ low: 0, high: 0 });
    expect(percentiles([], 1, 99)).toEqual({ low: 0, high: 0 });
  });

  it('are refused out of order or range', () => {
    expect(() => percentiles([], 99, 1)).toThrow(RangeError);
    expect(() => percentiles([], -1, 50)).toThrow(RangeError);
    expect(() => percentiles([], 1, Number.NaN)).toThrow(RangeError);
  });
});

describe('normalising', () => {
  it('scales between the two values and clips outside', () => {
    const values = Float32Array.of(-5, 10, 15, 20, 99);
    normaliseInPlace(values, 10, 20);
    expect([...values]).toEqual([0, 0, 0.5, 1, 1]);
  });

  it('makes zeros where nothing can be told apart', () => {
    const values = Float32Array.of(1, 2, 3);
    normaliseInPlace(values, 7, 7);
    expect([...values]).toEqual([0, 0, 0]);
  });

  it('makes zeros of values that are not finite', () => {
    const values = Float32Array.of(Number.NaN, Infinity, -Infinity, 5);
    normaliseInPlace(values, 0, 10);
    expect([...values]).toEqual([0, 0, 0, 0.5]);
  });
});

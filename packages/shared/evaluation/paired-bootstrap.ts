/**
 * Confidence intervals for a difference between two runs, by a percentile bootstrap. It draws studies with replacement,
 * since the targets of a study are correlated. It uses the same draw for both runs, since a difficult study is
 * difficult for both.
 *
 * Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentile intervals).
 */

import { mulberry32 } from './mulberry32.ts';
import { percentile } from './spread.ts';

export const RESAMPLES = 2000;

/** Lower and upper end of a 95 % interval. */
export type Interval = readonly [number, number];

export interface BootstrapOptions {
  /**
   * Number of resamples. With 2,000 the ends of the interval are accurate to some hundredths of its width. Default
   * 2,000.
   */
  readonly resamples?: number;
  /** The same seed gives the same intervals; default 1. */
  readonly seed?: number;
}

/**
 * Draws resamples of the same number of studies and returns the ratios of each. The loss of a metric part is such a
 * ratio of two sums over studies. So is the difference of two runs' losses, since their weights are the same.
 *
 * @param sums [studies, parts, 2]: what a study adds to the numerator and to the denominator of a part.
 * @param parts how many ratios.
 * @returns [parts][resamples]; NaN if a resample has no study with the part.
 */
export function resampledRatios(
  sums: Float64Array,
  parts: number,
  { resamples = RESAMPLES, seed = 1 }: BootstrapOptions = {},
): Float64Array[] {
  const width = 2 * parts;
  const studies = sums.length / width;
  const random = mulberry32(seed);
  const totals = new Float64Array(width);
  const ratios = Array.from({ length: parts }, () => new Float64Array(resamples));
  for (let resample = 0; resample < resamples; resample++) {
    totals.fill(0);
    for (let draw = 0; draw < studies; draw++) {
      const study = width * Math.floor(random() * studies);
      for (let i = 0; i < width; i++) totals[i]! += sums[study + i]!;
    }
    for (let part = 0; part < parts; part++) ratios[part]![resample] = totals[2 * part]! / totals[2 * part + 1]!;
  }
  return ratios;
}

/**
 * The 95 % percentile interval of a figure over resamples. Resamples without the figure (NaN) are left out.
 *
 * @returns `undefined` without any.
 */
export function percentileInterval(values: Float64Array): Interval | undefined {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  return sorted.length === 0 ? undefined : [percentile(sorted, 2.5), percentile(sorted, 97.5)];
}

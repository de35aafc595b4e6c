/**
 * How sure is a difference between two runs? A percentile bootstrap that draws studies with replacement, since the targets
 * of one study go together, and takes the same draw for both runs, since what makes a study hard is hard for both.
 *
 * Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentile intervals).
 */

import { mulberry32 } from './mulberry32.ts';
import { percentile } from './spread.ts';

export const RESAMPLES = 2000;

/** Lower and upper end of a 95 % interval. */
export type Interval = readonly [number, number];

export interface BootstrapOptions {
  /** How many datasets are drawn; the ends of 2,000 are good to some hundredths of the width. Default 2,000. */
  readonly resamples?: number;
  /** The same seed gives the same intervals; default 1. */
  readonly seed?: number;
}

/**
 * Draws datasets of as many studies and gives the ratios of each. A metric part's loss is such a ratio, a sum over studies
 * over another, and so is the difference of two runs' losses, since their weights are the same.
 *
 * @param sums [studies, parts, 2]: what a study adds to a part's numerator, then to its denominator.
 * @param parts how many ratios.
 * @returns [parts][resamples]; NaN where a resample has no study of the part.
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
 * The 95 % percentile interval of a figure over resamples. Resamples that do not have the figure (NaN) do not count.
 *
 * @returns `undefined` without any.
 */
export function percentileInterval(values: Float64Array): Interval | undefined {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  return sorted.length === 0 ? undefined : [percentile(sorted, 2.5), percentile(sorted, 97.5)];
}

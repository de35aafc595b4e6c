/** Series of a study's index, by kind and by name. */

import type { IndexedSeries, IndexedSlice, SeriesIndex } from './artefacts.ts';

/** The series of a sagittal kind that the stages read. */
export function usedSeries(index: SeriesIndex, kind: 'sagittal_t2' | 'sagittal_t1'): IndexedSeries | undefined {
  return index.series.find((series) => series.used && series.kind === kind);
}

/** @throws {RangeError} if the index has no such series. */
export function seriesOf(index: SeriesIndex, series: string): IndexedSeries {
  const found = index.series.find((one) => one.series === series);
  if (!found) throw new RangeError(`series ${series} is not in the index`);
  return found;
}

/** The slices of a series, in spatial order. @throws as {@link seriesOf}. */
export function slicesOf(index: SeriesIndex, series: string): readonly IndexedSlice[] {
  return seriesOf(index, series).slices;
}

/**
 * Which axial slice belongs to a level: the one whose plane is nearest to the level's point in space. Source of the
 * rules: docs/pipeline.md, "Axial slices".
 */

import { type Flag, LEVELS, round } from '../domain/index.ts';
import { nearestPlane, pixelToPatient } from '../geometry/index.ts';
import type { AxialSlice, SeriesIndex, ZArtefact } from './artefacts.ts';
import { slicesOf, usedSeries } from './indexed-series.ts';
import { type Fractions, storedPixels } from './turned-points.ts';

/**
 * If a level's point is farther than this from the nearest axial plane, the level is flagged. Slices are usually closer
 * together.
 */
const DISTANT_PLANE_MM = 10;

/**
 * A level's point in its sagittal T2 slice: index of the slice in the spatial order, and fractions x/width, y/height of
 * the stored slice.
 */
export interface SagittalPoint {
  readonly index: number;
  readonly x: number;
  readonly y: number;
}

/**
 * The axial slice of each level: the one whose plane is nearest to the level's point, among all axial slices in the
 * frame of reference of the sagittal slice. null if the point or such a slice is missing.
 */
export function axialSlices(index: SeriesIndex, points: readonly (SagittalPoint | null)[]): (AxialSlice | null)[] {
  const t2 = usedSeries(index, 'sagittal_t2');
  const axial = index.series.filter(({ kind, used }) => used && kind === 'axial_t2');
  const candidates = axial.flatMap(({ series, slices }) => slices.map((slice, place) => ({ ...slice, series, place })));
  return LEVELS.map((_, level) => {
    const point = points[level];
    const slice = point && t2?.slices[point.index];
    if (!point || !slice || slice.frameOfReference === null) return null;
    const inFrame = candidates.filter(({ frameOfReference }) => frameOfReference === slice.frameOfReference);
    const nearest = nearestPlane(inFrame, pixelToPatient(slice, point.x * slice.columns, point.y * slice.rows));
    if (!nearest) return null;
    const { series, place, instance } = nearest.plane;
    return { series, index: place, instance, distanceMm: round(nearest.distanceMm, 2) };
  });
}

/** Flags for axial slices that are far from their level. */
export function flagsOfAxial(axial: readonly (AxialSlice | null)[]): Flag[] {
  return axial.flatMap((slice, level) =>
    slice && slice.distanceMm > DISTANT_PLANE_MM
      ? [
          {
            code: 'axial_plane_distant' as const,
            series: slice.series,
            instance: slice.instance,
            level: LEVELS[level]!,
            detail: `${slice.distanceMm} mm`,
          },
        ]
      : [],
  );
}

/** The axial slice of each level, by the SCS points of stage 2. */
export function axialOfPoints(index: SeriesIndex, z: ZArtefact, scs: Fractions | undefined): (AxialSlice | null)[] {
  const points = z.scs?.levels.map(({ index: place }, level): SagittalPoint | null => {
    if (!scs) return null;
    const slice = slicesOf(index, z.scs!.series)[place]!;
    const { x, y } = storedPixels(slice, scs[level]!);
    return { index: place, x: x / slice.columns, y: y / slice.rows };
  });
  return axialSlices(index, points ?? []);
}

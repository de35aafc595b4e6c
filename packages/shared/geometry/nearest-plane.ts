/**
 * The projection from sagittal to axial: which of several planes a point in space lies nearest to. The planes may come
 * from several series as long as they share a frame of reference, which the caller sees to.
 */

import { distanceToPlaneMm, type SlicePlane, type Vec3 } from './slice-plane.ts';

/** Distances that differ by less are equal, and the earlier plane wins: rounding must not choose between series. */
const TIE_MM = 1e-6;

/**
 * The plane with the least perpendicular distance to `point`, its index and that distance; `undefined` for no planes.
 *
 * @param point patient coordinates, mm.
 */
export function nearestPlane<P extends SlicePlane>(
  planes: readonly P[],
  point: Vec3,
): { plane: P; index: number; distanceMm: number } | undefined {
  let nearest: { plane: P; index: number; distanceMm: number } | undefined;
  planes.forEach((plane, index) => {
    const distanceMm = distanceToPlaneMm(plane, point);
    if (!nearest || distanceMm < nearest.distanceMm - TIE_MM) nearest = { plane, index, distanceMm };
  });
  return nearest;
}

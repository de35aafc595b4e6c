/**
 * The projection from sagittal to axial: finds the plane that is nearest to a point in space. The planes may come from
 * several series. The caller makes sure that they share a frame of reference.
 *
 * Source: docs/pipeline.md, "Axial slices".
 */

import { distanceToPlaneMm, type SlicePlane, type Vec3 } from './slice-plane.ts';

/**
 * Distances that differ by less count as equal, and the earlier plane is taken: rounding must not choose between
 * series.
 */
const TIE_MM = 1e-6;

/**
 * The plane with the smallest perpendicular distance to `point`, its index and that distance; `undefined` if there are
 * no planes.
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

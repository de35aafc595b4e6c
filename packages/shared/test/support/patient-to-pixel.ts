import { dot, normalOf, type SlicePlane, subtract, type Vec3 } from '../../geometry/slice-plane.ts';

/**
 * Projects a point onto a plane: column and row (fractions; may be outside the image), and the signed distance from the
 * plane along `normalOf(plane.orientation)`, mm.
 *
 * Exact inverse of `pixelToPatient` for points of the plane, even if rounded orientations are not exactly orthogonal.
 *
 * @throws {RangeError} if the orientation spans no plane.
 */
export function patientToPixel(plane: SlicePlane, point: Vec3): { x: number; y: number; distanceMm: number } {
  const [a, b, c, d, e, f] = plane.orientation;
  const row: Vec3 = [a, b, c];
  const column: Vec3 = [d, e, f];
  const offset = subtract(point, plane.position);
  const distanceMm = dot(offset, normalOf(plane.orientation));
  // Least squares on the two directions: solves [rr rc; rc cc] [u v] = [offset.row offset.column].
  const rr = dot(row, row);
  const rc = dot(row, column);
  const cc = dot(column, column);
  const alongRow = dot(offset, row);
  const alongColumn = dot(offset, column);
  const determinant = rr * cc - rc * rc;
  return {
    x: (alongRow * cc - alongColumn * rc) / determinant / plane.spacing[1],
    y: (alongColumn * rr - alongRow * rc) / determinant / plane.spacing[0],
    distanceMm,
  };
}

/**
 * Where a slice lies in the patient, and the conversion of its pixels to points in space. All points are in mm in the
 * patient coordinate system (LPS: +x to the patient's left, +y to the back, +z to the head).
 *
 * Source: DICOM PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1 (Image Position and Image Orientation), and PS3.3 10.7.1.3
 * (Pixel Spacing: the first value is the spacing between rows, the second between columns).
 */

/** A point in mm, or a direction. */
export type Vec3 = readonly [number, number, number];

/** The directions of a slice: along a row (x grows), then along a column (y grows), as unit vectors. */
export type Orientation = readonly [number, number, number, number, number, number];

/** Where a slice lies. */
export interface SlicePlane {
  readonly rows: number;
  readonly columns: number;
  /** Image Position (Patient): the centre of the first pixel, mm. */
  readonly position: Vec3;
  /** Image Orientation (Patient). */
  readonly orientation: Orientation;
  /** Pixel Spacing, mm: [between rows, between columns]. */
  readonly spacing: readonly [number, number];
}

/** Largest accepted deviation of the two directions of an orientation from unit length and from a right angle. */
const ORIENTATION_TOLERANCE = 0.01;

/**
 * The patient position of a pixel's centre, mm.
 *
 * @param x column index, from 0; fractions are between pixel centres.
 * @param y row index, from 0.
 */
export function pixelToPatient(plane: SlicePlane, x: number, y: number): Vec3 {
  const [row, column] = directionsOf(plane.orientation);
  const alongRow = x * plane.spacing[1];
  const alongColumn = y * plane.spacing[0];
  return [
    plane.position[0] + alongRow * row[0] + alongColumn * column[0],
    plane.position[1] + alongRow * row[1] + alongColumn * column[1],
    plane.position[2] + alongRow * row[2] + alongColumn * column[2],
  ];
}

/** The distance of a point from the plane, mm, never negative. The plane continues beyond the image. */
export function distanceToPlaneMm(plane: SlicePlane, point: Vec3): number {
  return Math.abs(dot(subtract(point, plane.position), normalOf(plane.orientation)));
}

/**
 * The unit normal of a slice: row direction x column direction. Its sign depends on how the scanner wrote the slice. A
 * caller that needs a fixed sign must choose one, as `orderSlices` does.
 *
 * @throws {RangeError} if the two directions are not finite or are parallel.
 */
export function normalOf(orientation: Orientation): Vec3 {
  const [row, column] = directionsOf(orientation);
  const normal: Vec3 = [
    row[1] * column[2] - row[2] * column[1],
    row[2] * column[0] - row[0] * column[2],
    row[0] * column[1] - row[1] * column[0],
  ];
  const length = Math.hypot(normal[0], normal[1], normal[2]);
  if (!(length > 1e-6) || !Number.isFinite(length)) {
    throw new RangeError(`orientation ${orientation.join('\\')} spans no plane`);
  }
  return [normal[0] / length, normal[1] / length, normal[2] / length];
}

/** The anatomical plane that a slice is closest to, by the dominant axis of its normal (ties: sagittal, then axial). */
export function planeKind(orientation: Orientation): 'sagittal' | 'axial' | 'coronal' {
  const [x, y, z] = normalOf(orientation).map(Math.abs) as [number, number, number];
  if (x >= y && x >= z) return 'sagittal';
  return z >= y ? 'axial' : 'coronal';
}

/** The middle of the image, mm. */
export function centreOf(plane: SlicePlane): Vec3 {
  return pixelToPatient(plane, (plane.columns - 1) / 2, (plane.rows - 1) / 2);
}

/**
 * Whether a slice can be placed in space: finite position, two orthogonal unit directions (within 0.01), positive
 * spacing. Every other function of this folder expects such planes.
 */
export function isPlaceable(plane: SlicePlane): boolean {
  if (![...plane.position, ...plane.orientation].every(Number.isFinite)) return false;
  if (!plane.spacing.every((spacing) => Number.isFinite(spacing) && spacing > 0)) return false;
  const [row, column] = directionsOf(plane.orientation);
  return (
    Math.abs(Math.sqrt(dot(row, row)) - 1) <= ORIENTATION_TOLERANCE &&
    Math.abs(Math.sqrt(dot(column, column)) - 1) <= ORIENTATION_TOLERANCE &&
    Math.abs(dot(row, column)) <= ORIENTATION_TOLERANCE
  );
}

export function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function subtract(a: Vec3, b: Vec3): Vec3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function directionsOf(orientation: Orientation): [Vec3, Vec3] {
  return [
    [orientation[0], orientation[1], orientation[2]],
    [orientation[3], orientation[4], orientation[5]],
  ];
}

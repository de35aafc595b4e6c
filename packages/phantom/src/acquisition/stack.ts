/**
 * A stack: the planes of one series in body coordinates, with their sizes and instance numbers. `stack-planning.ts`
 * plans it, `sampling.ts` samples it.
 */

import type { Kind } from '@spineline/shared/domain';
import type { Sequence } from '../anatomy/tissue.ts';
import { add, cross, dot, subtract, type Vector } from '../anatomy/vector.ts';

export interface Plane {
  /** The centre of the pixel in column 0 and row 0. */
  readonly origin: Vector;
  /** Unit vector along a row, in the direction of growing column index. */
  readonly rowDirection: Vector;
  /** Unit vector along a column, in the direction of growing row index. */
  readonly columnDirection: Vector;
  readonly instance: number;
}

export interface Stack {
  readonly kind: Kind;
  readonly sequence: Sequence;
  readonly planes: readonly Plane[];
  readonly rows: number;
  readonly columns: number;
  /** As in PixelSpacing: between rows, then between columns, in mm. */
  readonly pixelSpacing: readonly [betweenRows: number, betweenColumns: number];
  readonly thicknessMm: number;
  /** Distance between the middles of neighbouring slices within a block. */
  readonly spacingMm: number;
}

export function normalOf(plane: Plane): Vector {
  return cross(plane.rowDirection, plane.columnDirection);
}

/** Distance of a point from a plane in mm, without sign. */
export function distanceTo(plane: Plane, point: Vector): number {
  return Math.abs(dot(subtract(point, plane.origin), normalOf(plane)));
}

/** Column and row of a point projected onto a plane. The centre of the first pixel is 0; fractions are allowed. */
export function pixelOf(stack: Stack, plane: Plane, point: Vector): { x: number; y: number } {
  const offset = subtract(point, plane.origin);
  return {
    x: dot(offset, plane.rowDirection) / stack.pixelSpacing[1],
    y: dot(offset, plane.columnDirection) / stack.pixelSpacing[0],
  };
}

/** The point of a pixel: DICOM PS3.3 C.7.6.2.1.1. */
export function pointOf(stack: Stack, plane: Plane, x: number, y: number): Vector {
  const across = add(plane.origin, plane.rowDirection, x * stack.pixelSpacing[1]);
  return add(across, plane.columnDirection, y * stack.pixelSpacing[0]);
}

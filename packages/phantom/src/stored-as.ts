/**
 * The eight ways to store one image: rotated by multiples of 90 degrees, and possibly mirrored first. The stored image
 * shows the same points in space, since the geometry changes with the pixels: PS3.3 C.7.6.2.1.1.
 */

import type { Plane } from './acquisition/stack.ts';
import { add, type Vector } from './anatomy/vector.ts';

/**
 * How the acquired column and row (x, y) become the stored ones: first exchanged if `transposed`, then counted from the
 * other end if reversed.
 */
interface Way {
  readonly transposed: boolean;
  readonly reversedX: boolean;
  readonly reversedY: boolean;
}

/** Rotated clockwise by so many degrees; if mirrored, left and right are exchanged before the rotation. */
export const STORED_AS = {
  identity: { transposed: false, reversedX: false, reversedY: false },
  'turned-90': { transposed: true, reversedX: true, reversedY: false },
  'turned-180': { transposed: false, reversedX: true, reversedY: true },
  'turned-270': { transposed: true, reversedX: false, reversedY: true },
  mirrored: { transposed: false, reversedX: true, reversedY: false },
  'mirrored-turned-90': { transposed: true, reversedX: true, reversedY: true },
  'mirrored-turned-180': { transposed: false, reversedX: false, reversedY: true },
  'mirrored-turned-270': { transposed: true, reversedX: false, reversedY: false },
} as const satisfies Record<string, Way>;
export type StoredAs = keyof typeof STORED_AS;

/** The matrix of an image, and its pixel spacing in mm: between rows, between columns. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly pixelSpacing: readonly [betweenRows: number, betweenColumns: number];
}

/** The matrix of the stored image. */
export function storedMatrix({ rows, columns, pixelSpacing }: Matrix, as: StoredAs): Matrix {
  if (!STORED_AS[as].transposed) return { rows, columns, pixelSpacing };
  return { rows: columns, columns: rows, pixelSpacing: [pixelSpacing[1], pixelSpacing[0]] };
}

/** The plane of the stored image, whose first pixel is a different one of the acquired image. */
export function storedPlane<P extends Plane>(plane: P, matrix: Matrix, as: StoredAs): P {
  if (as === 'identity') return plane;
  const { transposed, reversedX, reversedY } = STORED_AS[as];
  const stored = storedMatrix(matrix, as);
  const [alongX, alongY] = transposed
    ? [plane.columnDirection, plane.rowDirection]
    : [plane.rowDirection, plane.columnDirection];
  const across = reversedX ? (stored.columns - 1) * stored.pixelSpacing[1] : 0;
  const down = reversedY ? (stored.rows - 1) * stored.pixelSpacing[0] : 0;
  return {
    ...plane,
    origin: add(add(plane.origin, alongX, across), alongY, down),
    rowDirection: reversedX ? negative(alongX) : alongX,
    columnDirection: reversedY ? negative(alongY) : alongY,
  };
}

/**
 * Converts a point of the acquired image to column and row of the stored image; fractions are between pixel centres.
 */
export function storedPoint(
  { x, y }: { readonly x: number; readonly y: number },
  matrix: Matrix,
  as: StoredAs,
): { x: number; y: number } {
  const { transposed, reversedX, reversedY } = STORED_AS[as];
  const stored = storedMatrix(matrix, as);
  const [u, v] = transposed ? [y, x] : [x, y];
  return { x: reversedX ? stored.columns - 1 - u : u, y: reversedY ? stored.rows - 1 - v : v };
}

/** The pixels [rows, columns] as stored; the same array if nothing changes. */
export function storedPixels(pixels: Int16Array, matrix: Matrix, as: StoredAs): Int16Array {
  if (as === 'identity') return pixels;
  const stored = storedMatrix(matrix, as);
  const out = new Int16Array(pixels.length);
  for (let row = 0, index = 0; row < matrix.rows; row++) {
    for (let column = 0; column < matrix.columns; column++, index++) {
      const { x, y } = storedPoint({ x: column, y: row }, matrix, as);
      out[y * stored.columns + x] = pixels[index]!;
    }
  }
  return out;
}

function negative(vector: Vector): Vector {
  // Not -0, which would be written as `-0`.
  return [0 - vector[0], 0 - vector[1], 0 - vector[2]];
}

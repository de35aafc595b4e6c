/**
 * The plane of a stack from the normals of all its images, and its length from head to feet. Patient coordinates are
 * LPS in mm (PS3.3 C.7.6.2.1.1): a sagittal normal points to the side, an axial one to head or feet.
 */

import type { FrameFacts } from '../dicom/index.ts';
import type { Vec3 } from '../geometry/index.ts';
import { lowerMedian } from './majority.ts';
import type { Unit } from './series-stack.ts';

export type Plane = 'sagittal' | 'axial' | 'coronal';

/** cos 45 degrees: sagittal stacks are angled only a little. */
const SAGITTAL_AT_LEAST = 0.7;
/** cos 53 degrees: axial blocks are angled to the discs, at L5/S1 by 45 degrees and more. */
const AXIAL_AT_LEAST = 0.6;
/** cos 45 degrees. */
const CORONAL_AT_LEAST = 0.7;

/** The unit normal of an image, or `undefined` if position or orientation are absent or unusable. */
export function normalOfFrame({ position, orientation }: FrameFacts): Vec3 | undefined {
  if (!position?.every(Number.isFinite) || !orientation?.every(Number.isFinite)) return undefined;
  const [a, b, c, d, e, f] = orientation;
  const normal: Vec3 = [b * f - c * e, c * d - a * f, a * e - b * d];
  const length = Math.hypot(...normal);
  // The cross product of two orthogonal unit vectors has length 1. Less than half of that is no rounding error.
  return length > 0.5 && length < 2 ? [normal[0] / length, normal[1] / length, normal[2] / length] : undefined;
}

/**
 * The plane of a stack, by its mean normal, so that blocks angled to the discs count together.
 *
 * @returns no `plane` if the stack is oblique to all three, or if no image has a usable geometry (`placed` 0).
 */
export function planeOfStack(units: readonly Unit[]): { plane: Plane | undefined; placed: number } {
  let sum: Vec3 | undefined;
  let placed = 0;
  for (const { frame } of units) {
    const normal = normalOfFrame(frame);
    if (!normal) continue;
    placed++;
    sum = sum ? plus(sum, turnedTo(sum, normal)) : normal;
  }
  if (!sum) return { plane: undefined, placed };
  const length = Math.hypot(...sum);
  const [x, y, z] = sum.map((value) => Math.abs(value / length)) as [number, number, number];
  if (x >= SAGITTAL_AT_LEAST) return { plane: 'sagittal', placed };
  if (z >= AXIAL_AT_LEAST) return { plane: 'axial', placed };
  return { plane: y >= CORONAL_AT_LEAST ? 'coronal' : undefined, placed };
}

/** `normal` or its opposite: the one that points to the same side as `side`. */
export function turnedTo(side: Vec3, normal: Vec3): Vec3 {
  const on = side[0] * normal[0] + side[1] * normal[1] + side[2] * normal[2];
  return on < 0 ? [-normal[0], -normal[1], -normal[2]] : normal;
}

export function plus(a: Vec3, b: Vec3): Vec3 {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

/**
 * The length of a stack from head to feet, mm: from the median of the lower edges of its images to the median of the
 * upper ones. `undefined` if no image has size and position.
 */
export function headToFeetMm(units: readonly Unit[]): number | undefined {
  const lower: number[] = [];
  const upper: number[] = [];
  for (const { facts, frame } of units) {
    const { position, orientation, spacing } = frame;
    if (!position || !orientation || !spacing || !facts.rows || !facts.columns) continue;
    if (![...position, ...orientation, ...spacing].every(Number.isFinite)) continue;
    // The corners of the image lie at position + {0, row} + {0, column}.
    const alongRow = orientation[2] * facts.columns * spacing[1];
    const alongColumn = orientation[5] * facts.rows * spacing[0];
    lower.push(position[2] + Math.min(0, alongRow) + Math.min(0, alongColumn));
    upper.push(position[2] + Math.max(0, alongRow) + Math.max(0, alongColumn));
  }
  return lower.length > 0 ? lowerMedian(upper)! - lowerMedian(lower)! : undefined;
}

/**
 * Samples an anatomy at the voxels of a slice: soft tissue once per pixel, structures at two depths of the slice, for
 * the partial-volume effect of thick slices. Every other pixel of every other row is sampled first. Pixels between them
 * are sampled only if their neighbours differ, which saves half the work in air, fat and marrow.
 */

import type { Anatomy } from '../anatomy/anatomy.ts';
import { type Look, type Structure, Voxel } from '../anatomy/structure.ts';
import { add, dot, subtract, type Vector } from '../anatomy/vector.ts';
import { type Plane, normalOf } from './stack.ts';

/** The grid on which a slice is acquired. It may be coarser than the stored one. */
export interface AcquiredGrid {
  readonly rows: number;
  readonly columns: number;
  readonly betweenRowsMm: number;
  readonly betweenColumnsMm: number;
  readonly thicknessMm: number;
}

/**
 * Depths at which structures are sampled, as a share of the slice thickness from its middle: the middle of each half.
 */
const DEPTH = 0.25;

/** If the neighbours of a pixel differ by less than this, about the noise, the pixel gets their mean. */
const FLAT = 0.05;

/** Signals [rows, columns], float32, relative to the brightest tissue, without noise. */
export function sampleSlice(anatomy: Anatomy, plane: Plane, grid: AcquiredGrid, look: Look): Float32Array {
  const { rows, columns } = grid;
  const near = new Float32Array(rows * columns);
  const far = new Float32Array(rows * columns);
  const wanted = new Uint8Array(rows * columns);
  sampleWanted(anatomy, plane, grid, look, { near, far, wanted, step: 2 });
  fillFlat(near, wanted, rows, columns);
  sampleWanted(anatomy, plane, grid, look, { near, far, wanted, step: 1 });
  return near;
}

/** The state of sampling: every other pixel of every other row (`step` 2), or the wanted pixels (`step` 1). */
interface Layers {
  readonly near: Float32Array;
  readonly far: Float32Array;
  readonly wanted: Uint8Array;
  readonly step: 1 | 2;
}

/** Samples pixels at both depths. Afterwards `near` holds the mean. */
function sampleWanted(anatomy: Anatomy, plane: Plane, grid: AcquiredGrid, look: Look, layers: Layers): void {
  const { near, far, wanted, step } = layers;
  sampleSoftTissue(anatomy, plane, grid, look, layers);
  const normal = normalOf(plane);
  const paintAt = (depth: number, layer: Float32Array) => {
    const deep = { ...plane, origin: add(plane.origin, normal, depth * grid.thicknessMm) };
    for (const structure of anatomy.structures) paint(structure, deep, normal, grid, look, layer, wanted, step);
  };
  paintAt(-DEPTH, near);
  paintAt(DEPTH, far);
  for (let row = 0; row < grid.rows; row += step) {
    const end = (row + 1) * grid.columns;
    for (let index = row * grid.columns; index < end; index += step) {
      if (step === 2 || wanted[index] === 1) near[index] = (near[index]! + far[index]!) / 2;
    }
  }
}

/** Fills pixels between sampled ones with their mean if these hardly differ. Marks the others as wanted. */
function fillFlat(image: Float32Array, wanted: Uint8Array, rows: number, columns: number): void {
  for (let row = 0; row < rows; row++) {
    const down = row & 1;
    for (let column = 0, index = row * columns; column < columns; column++, index++) {
      const across = column & 1;
      wanted[index] = across | down;
      if ((across | down) === 0 || column + across >= columns || row + down >= rows) continue;
      const above = index - down * columns;
      const below = index + down * columns;
      const a = image[above - across]!;
      const b = image[above + across]!;
      const c = image[below - across]!;
      const d = image[below + across]!;
      const mean = (a + b + c + d) / 4;
      const low = mean - FLAT / 2;
      const high = mean + FLAT / 2;
      if (a < low || b < low || c < low || d < low || a > high || b > high || c > high || d > high) continue;
      image[index] = mean;
      wanted[index] = 0;
    }
  }
}

function sampleSoftTissue(anatomy: Anatomy, plane: Plane, grid: AcquiredGrid, look: Look, layers: Layers): void {
  const { rows, columns, betweenRowsMm, betweenColumnsMm } = grid;
  const { near, far, wanted, step } = layers;
  const voxel = new Voxel();
  const [dx, dy, dz] = scaled(plane.rowDirection, betweenColumnsMm);
  for (let row = 0; row < rows; row += step) {
    const [x, y, z] = add(plane.origin, plane.columnDirection, row * betweenRowsMm);
    for (let column = 0, index = row * columns; column < columns; column += step, index += step) {
      if (step === 1 && wanted[index] === 0) continue;
      voxel.x = x + column * dx;
      voxel.y = y + column * dy;
      voxel.z = z + column * dz;
      anatomy.soft.shade(voxel, look);
      near[index] = voxel.signal;
      far[index] = voxel.signal;
    }
  }
}

function scaled(vector: Vector, by: number): Vector {
  return [vector[0] * by, vector[1] * by, vector[2] * by];
}

/** Paints one structure over the sampled pixels of `layer`, within the part of its box that the slice cuts. */
function paint(
  structure: Structure,
  plane: Plane,
  normal: Vector,
  grid: AcquiredGrid,
  look: Look,
  layer: Float32Array,
  wanted: Uint8Array,
  step: 1 | 2,
): void {
  const { frame, halfExtent } = structure;
  const offset = subtract(frame.origin, plane.origin);
  const reach = (direction: Vector) =>
    halfExtent[0] * Math.abs(dot(frame.x, direction)) +
    halfExtent[1] * Math.abs(dot(frame.y, direction)) +
    halfExtent[2] * Math.abs(dot(frame.z, direction));
  if (Math.abs(dot(offset, normal)) > reach(normal)) return;
  const range = (direction: Vector, spacing: number, count: number) => {
    const [middle, half] = [dot(offset, direction), reach(direction)];
    return [
      Math.max(0, Math.ceil((middle - half) / spacing)),
      Math.min(count - 1, Math.floor((middle + half) / spacing)),
    ] as const;
  };
  const [left, right] = range(plane.rowDirection, grid.betweenColumnsMm, grid.columns);
  const [top, bottom] = range(plane.columnDirection, grid.betweenRowsMm, grid.rows);
  // The coordinates in the structure's frame change by a constant from pixel to pixel.
  const local = (vector: Vector): Vector => [dot(vector, frame.x), dot(vector, frame.y), dot(vector, frame.z)];
  const along = scaled(local(plane.rowDirection), grid.betweenColumnsMm);
  const [dx, dy, dz] = along;
  const down = scaled(local(plane.columnDirection), grid.betweenRowsMm);
  const corner = local(subtract(plane.origin, frame.origin));
  const voxel = new Voxel();
  // The first row or column of the step, not before `first`.
  const next = (first: number) => (step === 2 ? first + (first & 1) : first);
  for (let row = next(top); row <= bottom; row += step) {
    const x = corner[0] + row * down[0];
    const y = corner[1] + row * down[1];
    const z = corner[2] + row * down[2];
    // Only the part of the row within the box. For a rotated box it is much smaller than the bounding rectangle.
    let from = left;
    let to = right;
    for (let axis = 0; axis < 3; axis++) {
      const start = axis === 0 ? x : axis === 1 ? y : z;
      const half = halfExtent[axis]!;
      const slope = along[axis]!;
      if (slope < 1e-9 && slope > -1e-9) {
        if (start > half || start < -half) to = -1;
        continue;
      }
      const middle = -start / slope;
      const reach = Math.abs(half / slope);
      from = Math.max(from, Math.ceil(middle - reach));
      to = Math.min(to, Math.floor(middle + reach));
    }
    from = next(from);
    for (let column = from, index = row * grid.columns + from; column <= to; column += step, index += step) {
      if (step === 1 && wanted[index] === 0) continue;
      voxel.x = x + column * dx;
      voxel.y = y + column * dy;
      voxel.z = z + column * dz;
      voxel.signal = layer[index]!;
      structure.shade(voxel, look);
      layer[index] = voxel.signal;
    }
  }
}

/**
 * Samples an anatomy at the voxels of a slice: soft tissue once a pixel, structures over it at two depths of the slice, so
 * that thick slices mix what they cut. Every other pixel of every other row is sampled first; those between only where
 * their neighbours differ, which saves half the work in air, fat and marrow.
 */

import type { Anatomy } from '../anatomy/anatomy.ts';
import { type Look, type Structure, Voxel } from '../anatomy/structure.ts';
import { add, dot, subtract, type Vector } from '../anatomy/vector.ts';
import { type Plane, normalOf } from './stack.ts';

/** The grid on which a slice is acquired, which may be coarser than the one it is written in. */
export interface AcquiredGrid {
  readonly rows: number;
  readonly columns: number;
  readonly betweenRowsMm: number;
  readonly betweenColumnsMm: number;
  readonly thicknessMm: number;
}

/** Where within the thickness structures are evaluated, as a share of it: the middle of each half. */
const DEPTH = 0.25;

/** Where the neighbours of a pixel are this near to each other it is their mean: noise is about as large. */
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

/** What is being sampled: every other pixel of every other row (`step` 2), or the wanted ones (`step` 1). */
interface Layers {
  readonly near: Float32Array;
  readonly far: Float32Array;
  readonly wanted: Uint8Array;
  readonly step: 1 | 2;
}

/** Samples pixels at both depths; their mean is in `near` afterwards. */
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

/** Gives the pixels between sampled ones the mean of these where they hardly differ, and wants the others. */
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

/** Paints one structure over the pixels of `layer` that are being sampled, within what the slice cuts from its box. */
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
  // The structure's own coordinates change by a constant from pixel to pixel.
  const local = (vector: Vector): Vector => [dot(vector, frame.x), dot(vector, frame.y), dot(vector, frame.z)];
  const along = scaled(local(plane.rowDirection), grid.betweenColumnsMm);
  const [dx, dy, dz] = along;
  const down = scaled(local(plane.columnDirection), grid.betweenRowsMm);
  const corner = local(subtract(plane.origin, frame.origin));
  const voxel = new Voxel();
  // The first row or column of the step at or after one.
  const next = (first: number) => (step === 2 ? first + (first & 1) : first);
  for (let row = next(top); row <= bottom; row += step) {
    const x = corner[0] + row * down[0];
    const y = corner[1] + row * down[1];
    const z = corner[2] + row * down[2];
    // The part of the row within the box, which is much less than the rectangle where the box is turned.
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

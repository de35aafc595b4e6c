/**
 * Samples an anatomy at the voxels of a slice. Soft tissue is evaluated once a pixel at most; structures are painted within
 * their own rectangle only, at two depths of the slice, so that thick slices mix what they cut.
 */

import type { Anatomy } from '../anatomy/anatomy.ts';
import { type Look, type Structure, Voxel } from '../anatomy/structure.ts';
import { add, dot, subtract, type Vector } from '../anatomy/vector.ts';
import type { Plane } from './stack.ts';
import { normalOf } from './stack.ts';

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

/** Signals [rows, columns], float32, relative to the brightest tissue, without noise. */
export function sampleSlice(anatomy: Anatomy, plane: Plane, grid: AcquiredGrid, look: Look): Float32Array {
  const near = sampleSoftTissue(anatomy, plane, grid, look);
  const far = near.slice();
  const normal = normalOf(plane);
  const paintAt = (depth: number, layer: Float32Array) => {
    const origin = add(plane.origin, normal, depth * grid.thicknessMm);
    for (const structure of anatomy.structures) paint(structure, { ...plane, origin }, normal, grid, look, layer);
  };
  paintAt(-DEPTH, near);
  paintAt(DEPTH, far);
  for (let index = 0; index < near.length; index++) near[index] = (near[index]! + far[index]!) / 2;
  return near;
}

/** Where two neighbours of a pixel differ by less than this, its soft tissue is their mean. */
const FLAT = 0.04;

function sampleSoftTissue(anatomy: Anatomy, plane: Plane, grid: AcquiredGrid, look: Look): Float32Array {
  const { rows, columns, betweenRowsMm, betweenColumnsMm } = grid;
  const { origin, rowDirection, columnDirection } = plane;
  const out = new Float32Array(rows * columns);
  const soft = anatomy.soft;
  const voxel = new Voxel();
  const [dx, dy, dz] = scaled(rowDirection, betweenColumnsMm);
  for (let row = 0; row < rows; row++) {
    const [x, y, z] = add(origin, columnDirection, row * betweenRowsMm);
    const first = row * columns;
    // Every other pixel first; those between are computed where their neighbours differ.
    for (let step = 0; step < 2; step++) {
      for (let column = step; column < columns; column += 2) {
        const index = first + column;
        if (step === 1 && column + 1 < columns) {
          const [before, after] = [out[index - 1]!, out[index + 1]!];
          if (Math.abs(after - before) < FLAT) {
            out[index] = (before + after) / 2;
            continue;
          }
        }
        voxel.x = x + column * dx;
        voxel.y = y + column * dy;
        voxel.z = z + column * dz;
        soft.shade(voxel, look);
        out[index] = voxel.signal;
      }
    }
  }
  return out;
}

function scaled(vector: Vector, by: number): Vector {
  return [vector[0] * by, vector[1] * by, vector[2] * by];
}

/** Paints one structure over `layer`, within the rectangle that its box covers in the slice. */
function paint(
  structure: Structure,
  plane: Plane,
  normal: Vector,
  grid: AcquiredGrid,
  look: Look,
  layer: Float32Array,
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
  const [dx, dy, dz] = scaled(local(plane.rowDirection), grid.betweenColumnsMm);
  const corner = subtract(add(plane.origin, plane.rowDirection, left * grid.betweenColumnsMm), frame.origin);
  const voxel = new Voxel();
  for (let row = top; row <= bottom; row++) {
    [voxel.x, voxel.y, voxel.z] = local(add(corner, plane.columnDirection, row * grid.betweenRowsMm));
    for (let column = left, index = row * grid.columns + left; column <= right; column++, index++) {
      voxel.signal = layer[index]!;
      structure.shade(voxel, look);
      layer[index] = voxel.signal;
      voxel.x += dx;
      voxel.y += dy;
      voxel.z += dz;
    }
  }
}

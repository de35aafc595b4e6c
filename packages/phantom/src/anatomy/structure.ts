/**
 * A structure is a piece of anatomy that paints itself over earlier ones. Structures are painted in order. A signed
 * distance says how much of a voxel a structure covers.
 */

import type { TissueSignals } from './tissue.ts';
import type { Frame } from './vector.ts';

/** How tissue appears in an acquisition. */
export interface Look {
  readonly signals: TissueSignals;
  /** Half the voxel size in mm, by which boundaries are blurred. */
  readonly blurMm: number;
}

export interface Structure {
  readonly name: string;
  /** The frame of the coordinates that `shade` gets. */
  readonly frame: Frame;
  /** Half extents in mm along the frame's axes. Outside this box `shade` changes nothing. */
  readonly halfExtent: readonly [number, number, number];
  /** Paints over the signal of a voxel, whose position is given in the frame. */
  shade(voxel: Voxel, look: Look): void;
}

/**
 * A position in mm and the signal there. One object is reused for all voxels of a row: passing numbers as separate
 * arguments made V8 allocate each of them, which took a third of the time.
 */
export class Voxel {
  x = 0.5;
  y = 0.5;
  z = 0.5;
  signal = 0.5;
}

/** The share of a voxel that lies within a boundary at signed distance `distance` (negative inside), in [0, 1]. */
export function coverage(distance: number, blurMm: number): number {
  if (distance >= blurMm) return 0;
  if (distance <= -blurMm) return 1;
  return 0.5 - distance / (2 * blurMm);
}

/** `under` covered by `signal` where `distance` is negative. */
export function cover(under: number, signal: number, distance: number, blurMm: number): number {
  if (distance >= blurMm) return under;
  if (distance <= -blurMm) return signal;
  return under + (signal - under) * (0.5 - distance / (2 * blurMm));
}

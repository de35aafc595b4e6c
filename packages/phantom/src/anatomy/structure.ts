/**
 * A structure is a piece of anatomy that paints itself over what lies under it. Structures are painted in order: the
 * later covers the earlier, as a signed distance says how much of a voxel it fills.
 */

import type { TissueSignals } from './tissue.ts';
import type { Frame } from './vector.ts';

/** How an acquisition looks at tissue. */
export interface Look {
  readonly signals: TissueSignals;
  /** Half width of a voxel's edge in mm, the blur of every boundary. */
  readonly blurMm: number;
}

export interface Structure {
  readonly name: string;
  /** The frame that `shade` gets its coordinates in. */
  readonly frame: Frame;
  /** Half extents in mm along the frame's axes: outside this box `shade` leaves everything as it is. */
  readonly halfExtent: readonly [number, number, number];
  /** Paints over the signal of a voxel, whose place is given in the frame. */
  shade(voxel: Voxel, look: Look): void;
}

/**
 * A place in mm and the signal there. One object is reused for all voxels of a run: numbers handed to a function by
 * themselves are boxed one by one, which took a third of the time.
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

/**
 * Metal in a spine: pedicle screws with rods, or a cage between two bodies. Its field removes the signal around it, and
 * adds some of it on one side, along the frequency-encoding direction, as a bright rim.
 */

import { LEVELS, type Level, levelLabel } from '@spineline/shared/domain';
import type { Anatomy } from '../anatomy/anatomy.ts';
import { smoothStep } from '../anatomy/signed-distance.ts';
import { add, dot, type Frame, fromFrame, subtract, type Vector } from '../anatomy/vector.ts';
import type { Random } from '../random.ts';
import type { AcquiredGrid } from './sampling.ts';
import { type Plane, normalOf } from './stack.ts';

/** A rod with round ends, in body coordinates (mm). There is no signal up to `voidMm` from its axis. */
export interface MetalRod {
  readonly from: Vector;
  readonly to: Vector;
  readonly voidMm: number;
}

export interface Metal {
  readonly kind: 'screws' | 'cage';
  readonly level: Level;
  readonly rods: readonly MetalRod[];
  /** Signal of the rim relative to the brightest tissue. */
  readonly rim: number;
}

/** The text for `phantom.json`. */
export function describeMetal({ kind, level }: Metal): string {
  return `${kind === 'cage' ? 'interbody cage' : 'pedicle screws'} at ${levelLabel(level)}`;
}

/** Levels whose two vertebrae have pedicles here: the sacrum's are part of its wings. */
const SCREWED: readonly Level[] = LEVELS.filter((level) => level !== 'l5_s1');

export function drawMetal(random: Random, anatomy: Anatomy): Metal {
  const rim = random.uniform(0.7, 1.4);
  if (random.chance(0.4)) {
    const level = random.pick(LEVELS.slice(2));
    return { kind: 'cage', level, rods: cage(random, anatomy.landmarks[level].disc), rim };
  }
  const level = random.pick(SCREWED.slice(1));
  return { kind: 'screws', level, rods: screws(random, anatomy, level), rim };
}

/** Two parallel bars in the front two thirds of the disc, so that the canal behind stays readable. */
function cage(random: Random, disc: Frame): MetalRod[] {
  const voidMm = random.uniform(5.5, 7.5);
  return [-7, 7].map((x) => ({ from: fromFrame(disc, [x, -8, 0]), to: fromFrame(disc, [x, 5, 0]), voidMm }));
}

/** A screw through each of four pedicles, and one rod per side that joins their heads. */
function screws(random: Random, anatomy: Anatomy, level: Level): MetalRod[] {
  const voidMm = random.uniform(3.6, 5.4);
  const names = level.toUpperCase().split('_');
  const pedicles = names.map((name) => anatomy.structures.filter((one) => one.name === `${name} pedicle`));
  return [1, -1].flatMap((side) => {
    const placed = pedicles.map((both, index) => {
      const pedicle = both.find((one) => Math.sign(one.frame.origin[0] - middleOf(both)) === side);
      if (!pedicle) throw new Error(`the anatomy has no ${side > 0 ? 'left' : 'right'} pedicle of ${names[index]}`);
      return pedicle.frame;
    });
    // Screws converge to the front.
    const shafts = placed.map((frame) => ({
      from: fromFrame(frame, [side * 2.5, 17, 0]),
      to: fromFrame(frame, [-side * 3, -24, 0]),
      voidMm,
    }));
    // The heads, which hold the rod, are the thickest pieces.
    const heads = placed.map((frame) => ({
      from: fromFrame(frame, [side * 2.5, 15, 0]),
      to: fromFrame(frame, [side * 2.5, 20, 0]),
      voidMm: 1.5 * voidMm,
    }));
    return [...shafts, ...heads, { from: shafts[0]!.from, to: shafts[1]!.from, voidMm }];
  });
}

function middleOf(structures: readonly { readonly frame: Frame }[]): number {
  return structures.reduce((sum, { frame }) => sum + frame.origin[0], 0) / structures.length;
}

/** The signal returns over this distance beyond the void. */
const EDGE_MM = 1.6;
/** Width of the bright rim. */
const RIM_MM = 2.2;

/** Removes the signal around metal from a slice, in place, and brightens the rim towards `frequency`, a unit vector. */
export function eraseAroundMetal(
  image: Float32Array,
  plane: Plane,
  grid: AcquiredGrid,
  metal: Metal,
  frequency: Vector,
): void {
  const normal = normalOf(plane);
  for (const rod of metal.rods) {
    const margin = rod.voidMm + EDGE_MM + 2 * RIM_MM;
    const ends = [rod.from, rod.to].map((end) => subtract(end, plane.origin));
    const range = (direction: Vector, spacing: number, count: number) => {
      const along = ends.map((end) => dot(end, direction));
      return [
        Math.max(0, Math.ceil((Math.min(...along) - margin) / spacing)),
        Math.min(count - 1, Math.floor((Math.max(...along) + margin) / spacing)),
      ] as const;
    };
    const through = ends.map((end) => dot(end, normal));
    if (Math.min(...through) > margin || Math.max(...through) < -margin) continue;
    const [left, right] = range(plane.rowDirection, grid.betweenColumnsMm, grid.columns);
    const [top, bottom] = range(plane.columnDirection, grid.betweenRowsMm, grid.rows);
    for (let row = top; row <= bottom; row++) {
      const start = add(plane.origin, plane.columnDirection, row * grid.betweenRowsMm);
      for (let column = left; column <= right; column++) {
        const away = fromAxis(rod, add(start, plane.rowDirection, column * grid.betweenColumnsMm));
        const distance = Math.hypot(...away);
        if (distance > margin) continue;
        const index = row * grid.columns + column;
        const kept = smoothStep(0, EDGE_MM, distance - rod.voidMm);
        const facing = Math.max(0, dot(away, frequency) / Math.max(distance, 1e-6));
        const ring = (distance - rod.voidMm - EDGE_MM) / RIM_MM;
        const pile = metal.rim * facing * facing * Math.exp(-2 * ring * ring);
        // No bright rim in air, where there is no signal.
        image[index] = image[index]! * (kept + 1.4 * pile) + 0.25 * pile * Math.min(1, 8 * image[index]!);
      }
    }
  }
}

/** The vector to a point from the nearest point of a rod's axis. */
function fromAxis(rod: MetalRod, point: Vector): Vector {
  const axis = subtract(rod.to, rod.from);
  const offset = subtract(point, rod.from);
  const along = Math.max(0, Math.min(1, dot(offset, axis) / dot(axis, axis)));
  return subtract(offset, [along * axis[0], along * axis[1], along * axis[2]]);
}

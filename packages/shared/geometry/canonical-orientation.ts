/**
 * Brings every slice to one orientation, however a scanner or an archive stored it: sagittal rows run from anterior to
 * posterior and columns from head to feet; axial rows run from the patient's right to left and columns from anterior to
 * posterior. Only transposes and flips are used, towards the nearest axis, so that no pixel is interpolated. The
 * geometry of the slice is turned with its pixels.
 *
 * Source: docs/pipeline.md, "Orientation"; docs/decisions/0019-one-orientation.md; axes as in DICOM PS3.3 C.7.6.2.1.1
 * (LPS).
 */

import type { Kind } from '../domain/index.ts';
import { dot, type Orientation, type Vec3 } from './slice-plane.ts';

/** How stored pixels become canonical ones: first the transpose, then the flips of its result. */
export interface Turn {
  /** Rows become columns. */
  readonly transpose: boolean;
  /** The order of the columns is reversed: left and right change places. */
  readonly flipX: boolean;
  /** The order of the rows is reversed: top and bottom change places. */
  readonly flipY: boolean;
}

/** Stored pixels are canonical. */
export const UPRIGHT: Turn = { transpose: false, flipX: false, flipY: false };

/** All eight turns, the simplest first. If several fit equally well, the first is taken. */
export const TURNS: readonly Turn[] = [false, true].flatMap((transpose) =>
  [false, true].flatMap((flipY) => [false, true].map((flipX) => ({ transpose, flipX, flipY }))),
);

/** The directions of canonical rows and columns. */
const AXES: Readonly<Record<'sagittal' | 'axial', { readonly row: Vec3; readonly column: Vec3 }>> = {
  sagittal: { row: [0, 1, 0], column: [0, 0, -1] },
  axial: { row: [1, 0, 0], column: [0, 1, 0] },
};
/** cos 45 degrees, minus a tolerance for rounded direction cosines. */
const OBLIQUE_BELOW = Math.SQRT1_2 - 1e-6;

/** The turn that brings a slice's row and column directions nearest to those of its kind. */
export function canonicalTurn(orientation: Orientation, kind: Kind): Turn {
  let best = UPRIGHT;
  let bestFit = Number.NEGATIVE_INFINITY;
  for (const turn of TURNS) {
    const fit = sumOfFit(turnOrientation(orientation, turn), kind);
    // Rounding must not choose between turns that fit equally well.
    if (fit > bestFit + 1e-9) {
      best = turn;
      bestFit = fit;
    }
  }
  return best;
}

/**
 * If the fits of two turns differ by less than this (a slice at most 0.6 degrees from 45), the slice follows the others of
 * its stack.
 */
const UNDECIDED = 0.03;

/**
 * The turns of the slices of one stack. Each slice has its own turn, since a stack may hold slices that were stored in
 * several ways. A slice half-way between two turns takes the turn of most others, so that noise around 45 degrees
 * does not turn neighbours by 90 degrees.
 */
export function canonicalTurns(orientations: readonly Orientation[], kind: Kind): Turn[] {
  const own = orientations.map((orientation) => canonicalTurn(orientation, kind));
  const votes = TURNS.map((turn) => own.filter((one) => isSame(one, turn)).length);
  const most = TURNS[votes.indexOf(Math.max(...votes))]!;
  return own.map((turn, i) => {
    const fit = (one: Turn) => sumOfFit(turnOrientation(orientations[i]!, one), kind);
    return fit(most) >= fit(turn) - UNDECIDED ? most : turn;
  });
}

/** Whether a turn changes nothing. */
export function isUpright({ transpose, flipX, flipY }: Turn): boolean {
  return !(transpose || flipX || flipY);
}

/** Whether a turn is a reflection: the stored slice is a mirror image of the canonical one. */
export function isMirrored({ transpose, flipX, flipY }: Turn): boolean {
  return (Number(transpose) + Number(flipX) + Number(flipY)) % 2 === 1;
}

/** Whether rows or columns of a slice lie more than 45 degrees away from those of its kind, after the best turn. */
export function isOblique(orientation: Orientation, kind: Kind): boolean {
  const { row, column } = fitOf(turnOrientation(orientation, canonicalTurn(orientation, kind)), kind);
  return Math.min(row, column) < OBLIQUE_BELOW;
}

/** Rows and columns after a turn. */
export function turnSize(
  { rows, columns }: { readonly rows: number; readonly columns: number },
  { transpose }: Turn,
): { readonly rows: number; readonly columns: number } {
  return transpose ? { rows: columns, columns: rows } : { rows, columns };
}

/**
 * Converts a point from pixels of the stored image to pixels of the turned image.
 *
 * @param stored size of the stored image.
 */
export function toCanonical(
  stored: { readonly rows: number; readonly columns: number },
  turn: Turn,
  { x, y }: { readonly x: number; readonly y: number },
): { x: number; y: number } {
  const { rows, columns } = turnSize(stored, turn);
  const [across, down] = turn.transpose ? [y, x] : [x, y];
  return {
    x: turn.flipX ? withoutNoise(columns - 1 - across) : across,
    y: turn.flipY ? withoutNoise(rows - 1 - down) : down,
  };
}

/** The inverse of {@link toCanonical}. @param stored size of the stored image. */
export function toStored(
  stored: { readonly rows: number; readonly columns: number },
  turn: Turn,
  { x, y }: { readonly x: number; readonly y: number },
): { x: number; y: number } {
  const { rows, columns } = turnSize(stored, turn);
  const across = turn.flipX ? withoutNoise(columns - 1 - x) : x;
  const down = turn.flipY ? withoutNoise(rows - 1 - y) : y;
  return turn.transpose ? { x: down, y: across } : { x: across, y: down };
}

/**
 * Removes floating-point noise, so that turning a point and turning it back gives the same pixel: 511 - (511 - 100.12)
 * is not 100.12 in floating point.
 */
function withoutNoise(pixels: number): number {
  return Math.round(pixels * 1e6) / 1e6;
}

function turnOrientation(orientation: Orientation, { transpose, flipX, flipY }: Turn): Orientation {
  const [a, b, c, d, e, f] = orientation;
  const [row, column]: [Vec3, Vec3] = transpose
    ? [
        [d, e, f],
        [a, b, c],
      ]
    : [
        [a, b, c],
        [d, e, f],
      ];
  const [right, down] = [flipX ? reversed(row) : row, flipY ? reversed(column) : column];
  return [...right, ...down];
}

function reversed([x, y, z]: Vec3): Vec3 {
  // Not -x: it turns 0 into -0, which would appear in digests and messages.
  return [0 - x, 0 - y, 0 - z];
}

function isSame(a: Turn, b: Turn): boolean {
  return a.transpose === b.transpose && a.flipX === b.flipX && a.flipY === b.flipY;
}

function sumOfFit(orientation: Orientation, kind: Kind): number {
  const { row, column } = fitOf(orientation, kind);
  return row + column;
}

/** Cosines of a slice's directions with those of its kind. */
function fitOf([a, b, c, d, e, f]: Orientation, kind: Kind): { row: number; column: number } {
  const axes = AXES[kind === 'axial_t2' ? 'axial' : 'sagittal'];
  return { row: dot([a, b, c], axes.row), column: dot([d, e, f], axes.column) };
}

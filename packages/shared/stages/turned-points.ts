/**
 * Converts points between the canonical orientation and the stored image of a slice. Models see the slice in its
 * canonical orientation and give fractions of it. Results, artefacts, labels and pictures have pixels of the stored
 * image.
 */

import { toCanonical, toStored, turnSize, UPRIGHT } from '../geometry/index.ts';
import type { IndexedSlice } from './artefacts.ts';

/** Points of one XY sample, as fractions x/width, y/height of the slice in its canonical orientation. */
export type Fractions = readonly (readonly [number, number])[];

/** The fields of a slice that the conversion needs. */
export type TurnedSlice = Pick<IndexedSlice, 'rows' | 'columns' | 'turn'>;

/** Converts a model's point, fractions x/width, y/height of the canonical image, to pixels of the stored image. */
export function storedPixels(slice: TurnedSlice, [x, y]: readonly [number, number]): { x: number; y: number } {
  const turn = slice.turn ?? UPRIGHT;
  const { rows, columns } = turnSize(slice, turn);
  return toStored(slice, turn, { x: x * columns, y: y * rows });
}

/**
 * Converts a point in pixels of the stored image to fractions x/width, y/height of the canonical image, as a model
 * gives them.
 */
export function canonicalFractions(
  slice: TurnedSlice,
  point: { readonly x: number; readonly y: number },
): [number, number] {
  const turn = slice.turn ?? UPRIGHT;
  const { rows, columns } = turnSize(slice, turn);
  const { x, y } = toCanonical(slice, turn, point);
  return [x / columns, y / rows];
}

/**
 * Points between two images of one slice: the models look at the slice in its canonical orientation and answer in fractions
 * of it; results, artefacts, labels and pictures are in pixels of the image as it is stored.
 */

import { toCanonical, toStored, turnSize, UPRIGHT } from '../geometry/index.ts';
import type { IndexedSlice } from './artefacts.ts';

/** Points of one XY sample, as fractions x/width, y/height of the slice in its canonical orientation. */
export type Fractions = readonly (readonly [number, number])[];

/** What of a slice decides where its points are. */
export type TurnedSlice = Pick<IndexedSlice, 'rows' | 'columns' | 'turn'>;

/** A model's answer, fractions x/width, y/height of the canonical image, in pixels of the stored one. */
export function storedPixels(slice: TurnedSlice, [x, y]: readonly [number, number]): { x: number; y: number } {
  const turn = slice.turn ?? UPRIGHT;
  const { rows, columns } = turnSize(slice, turn);
  return toStored(slice, turn, { x: x * columns, y: y * rows });
}

/** A point in pixels of the stored image as a model would answer it: fractions of the canonical one. */
export function canonicalFractions(
  slice: TurnedSlice,
  point: { readonly x: number; readonly y: number },
): [number, number] {
  const turn = slice.turn ?? UPRIGHT;
  const { rows, columns } = turnSize(slice, turn);
  const { x, y } = toCanonical(slice, turn, point);
  return [x / columns, y / rows];
}

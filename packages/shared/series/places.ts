/**
 * Finds images at the same position, by the rule of `geometry/slice-order.ts`: positions within 0.01 mm and cosines
 * within 0.001. A grid makes the time linear in the number of images.
 */

import type { Unit } from './series-stack.ts';

const SAME_POSITION_MM = 0.01;
const SAME_COSINE = 0.001;
/** Edge length of a grid cell. Much larger than the tolerance, so that for most images only one cell is searched. */
const CELL_MM = 0.1;

/** Numbers the positions of images in order of appearance. Equal numbers mean the same position. */
export class Places {
  readonly #cells = new Map<string, { readonly place: number; readonly frame: Unit['frame'] }[]>();
  #count = 0;

  /** The number of the position of an image that has position and orientation. */
  of({ frame }: Unit): number {
    const [x, y, z] = frame.position!;
    for (const i of cellsAround(x)) {
      for (const j of cellsAround(y)) {
        for (const k of cellsAround(z)) {
          const same = this.#cells.get(`${i} ${j} ${k}`)?.find((one) => isSame(one.frame, frame));
          if (same) return same.place;
        }
      }
    }
    const key = `${cell(x)} ${cell(y)} ${cell(z)}`;
    const there = this.#cells.get(key) ?? [];
    there.push({ place: this.#count, frame });
    this.#cells.set(key, there);
    return this.#count++;
  }
}

/** The cells within the tolerance along one axis: one, or two near an edge. */
function cellsAround(mm: number): readonly number[] {
  const first = cell(mm - SAME_POSITION_MM);
  const last = cell(mm + SAME_POSITION_MM);
  return first === last ? [first] : [first, last];
}

function cell(mm: number): number {
  return Math.floor(mm / CELL_MM);
}

function isSame(
  { position: p, orientation: o }: Unit['frame'],
  { position: q, orientation: r }: Unit['frame'],
): boolean {
  return (
    Math.hypot(p![0] - q![0], p![1] - q![1], p![2] - q![2]) <= SAME_POSITION_MM &&
    o!.every((cosine, axis) => Math.abs(cosine - r![axis]!) <= SAME_COSINE)
  );
}

/**
 * Splits images into stacks: by series, matrix and plane, then by the attributes that separate repeats (`repeats.ts`).
 * A stack is the images of one scan, and becomes one series of the pipeline.
 */

import { Places } from './places.ts';
import { planeGroups } from './plane-groups.ts';
import { normalOfFrame } from './plane.ts';
import { type Placed, withoutRepeats } from './repeats.ts';
import type { Unit } from './series-stack.ts';
import { clearWeighting } from './timing.ts';
import { compareUnits, inOrder, seriesKeyOf } from './unit-order.ts';

/** The images of one stack, in order, and their series. */
export interface StackUnits<U extends Unit> {
  readonly units: readonly U[];
  /** Number of different positions. */
  readonly slices: number;
  readonly seriesKey: string;
}

type Split<U extends Unit> = Omit<StackUnits<U>, 'seriesKey'>;

/** Splits images into stacks. The result does not depend on the order of the images. */
export function splitStacks<U extends Unit>(units: readonly U[]): StackUnits<U>[] {
  return [...groupBy(inOrder(units), seriesKeyOf)].flatMap(([seriesKey, members]) =>
    splitSeries(members).map((stack) => ({ ...stack, seriesKey })),
  );
}

function splitSeries<U extends Unit>(units: readonly U[]): Split<U>[] {
  const placed: U[] = [];
  const unplaced: U[] = [];
  for (const unit of units) (normalOfFrame(unit.frame) ? placed : unplaced).push(unit);
  const stacks = [...groupBy(placed, ({ facts }) => `${facts.rows} ${facts.columns}`).values()]
    .flatMap((sameMatrix) => splitPlanes(sameMatrix))
    .flatMap((samePlane) => splitWeightings(samePlane))
    .flatMap((sameWeighting) => splitPlaces(sameWeighting));
  if (unplaced.length > 0) giveToLargest(stacks, unplaced);
  return stacks.sort((a, b) => compareUnits(a.units[0]!, b.units[0]!));
}

/** Adds images without a position to the largest stack, to which they most likely belong. They are reported there. */
function giveToLargest<U extends Unit>(stacks: Split<U>[], unplaced: readonly U[]): void {
  let at = 0;
  stacks.forEach(({ units }, i) => {
    const difference = units.length - stacks[at]!.units.length;
    if (difference > 0 || (difference === 0 && compareUnits(units[0]!, stacks[at]!.units[0]!) < 0)) at = i;
  });
  const largest = stacks[at] ?? { units: [], slices: 0 };
  stacks[at] = { units: inOrder([...largest.units, ...unplaced]), slices: largest.slices };
}

function splitPlanes<U extends Unit>(units: readonly U[]): U[][] {
  return planeGroups(units.map(({ frame }) => normalOfFrame(frame)!)).map((group) => group.map((i) => units[i]!));
}

/**
 * Separates images that are clearly T1 by timing from images that are clearly T2, even if an anonymiser gave both the
 * same UID and their positions differ.
 */
function splitWeightings<U extends Unit>(units: readonly U[]): (readonly U[])[] {
  const groups = groupBy(units, (unit) => clearWeighting(unit));
  const t1 = groups.get('t1');
  const t2 = groups.get('t2');
  if (!t1 || !t2) return [units];
  const unclear = groups.get(undefined) ?? [];
  return t1.length > t2.length ? [inOrder([...t1, ...unclear]), t2] : [t1, inOrder([...t2, ...unclear])];
}

function splitPlaces<U extends Unit>(units: readonly U[]): Split<U>[] {
  const places = new Places();
  const placed = units.map((unit): Placed<U> => ({ unit, place: places.of(unit) }));
  return withoutRepeats(placed).map((stack) => ({
    units: stack.map(({ unit }) => unit),
    slices: new Set(stack.map(({ place }) => place)).size,
  }));
}

function groupBy<T, K>(values: readonly T[], keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const there = groups.get(key);
    if (there) there.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}

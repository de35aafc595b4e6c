/**
 * How the places of two runs differ: in which slice a target was seen (stage 1), and where in the slice (stage 2).
 * Labels are not used.
 *
 * Spinal canal and foraminal targets are compared in their sagittal slice, subarticular ones in their axial slice, as
 * `locationErrors` does against labels. Points are compared only if both runs chose the same slice, since distances
 * between different images mean nothing.
 */

import { TARGETS, TASKS, type Target, type Task } from '../domain/index.ts';
import { Largest } from './largest.ts';
import { type FoundPlace, type LocatedStudy, type PixelErrors, pointDistance } from './location-errors.ts';
import { spreadOf } from './spread.ts';

/** The part of a study's result that is compared. Results in the store have it. */
export interface PlacedStudy {
  readonly study: string;
  readonly targets: readonly {
    /** `{condition}_{level}` */
    readonly name: string;
    readonly slice: FoundPlace | null;
    readonly axial: FoundPlace | null;
  }[];
  readonly series: LocatedStudy['series'];
}

/** Stage 1: number of targets by the change of their slice. The numbers add up to all targets of the task. */
export interface SliceChanges {
  readonly same: number;
  /** In the same series, by how many slices of run A's order. */
  readonly movedBy1: number;
  readonly movedBy2: number;
  readonly movedBy3OrMore: number;
  readonly otherSeries: number;
  /** In the same series, but run A does not list one of the two slices, so their distance is unknown. */
  readonly notListed: number;
  /** Placed by only one of the runs. */
  readonly onlyA: number;
  readonly onlyB: number;
  readonly neither: number;
}

/** Stage 2: distances of the points, if both runs chose the same slice. */
export interface PointChanges {
  /** Targets in the same slice of a series that run A lists. */
  readonly compared: number;
  /** Targets that both runs placed, in different slices: not compared. */
  readonly otherSlice: number;
  /** Those of `compared` with exactly the same point. */
  readonly unmoved: number;
  /** Over all compared targets, including those that did not move. */
  readonly pixels: PixelErrors;
}

export interface TaskPlaceChanges {
  readonly targets: number;
  readonly slices: SliceChanges;
  readonly points: PointChanges;
}

/** A target that is in another slice. */
export interface SliceMove {
  readonly study: string;
  readonly target: string;
  readonly a: FoundPlace;
  readonly b: FoundPlace;
  /** Distance in slices of the series; `undefined` for another series, and if it is unknown. */
  readonly slices: number | undefined;
}

/** A target at another point of the same slice. */
export interface PointMove {
  readonly study: string;
  readonly target: string;
  readonly a: FoundPlace;
  readonly b: FoundPlace;
  /** Px of the original slice, and after resizing it to 512 x 512. */
  readonly original: number;
  readonly in512: number;
}

export interface PlaceChanges {
  readonly tasks: Readonly<Record<Task, TaskPlaceChanges>>;
  /** The targets that moved by most slices: first those in another series, then those with unknown distance. */
  readonly largestSliceMoves: readonly SliceMove[];
  /** The targets that moved furthest in 512 x 512, furthest first. Targets that did not move are left out. */
  readonly largestPointMoves: readonly PointMove[];
}

/** Counts the changes study by study. Uses 16 bytes per target in the same slice, for the percentiles. */
export class PlaceChangeTally {
  readonly #tasks: Record<Task, Tally> = { scs: emptyTally(), nfn: emptyTally(), ss: emptyTally() };
  readonly #sliceMoves: Largest<SliceMove>;
  readonly #pointMoves: Largest<PointMove>;

  /** @param top largest number of targets per list. */
  constructor(top: number) {
    this.#sliceMoves = new Largest(top, sizeOfSliceMove);
    this.#pointMoves = new Largest(top, ({ in512 }) => in512);
  }

  /** Adds a study. A target that is missing in a study counts as not placed. */
  add(a: PlacedStudy, b: PlacedStudy): void {
    const [ofA, ofB] = [placesOf(a), placesOf(b)];
    for (const target of TARGETS) this.#compare(target, a, ofA.get(target.name), ofB.get(target.name));
  }

  #compare({ name, task }: Target, study: PlacedStudy, a: FoundPlace | undefined, b: FoundPlace | undefined): void {
    const tally = this.#tasks[task];
    tally.targets += 1;
    if (!a || !b) {
      tally.slices[a ? 'onlyA' : b ? 'onlyB' : 'neither'] += 1;
      return;
    }
    const series = study.series.find((one) => one.series === a.series);
    if (a.series === b.series && a.instance === b.instance) {
      tally.slices.same += 1;
      if (series) this.#comparePoints(tally, { study: study.study, target: name, a, b }, series);
      return;
    }
    const slices = a.series === b.series ? slicesBetween(series?.instances ?? [], a.instance, b.instance) : undefined;
    tally.slices[sliceChange(a.series === b.series, slices)] += 1;
    this.#sliceMoves.add({ study: study.study, target: name, a, b, slices });
  }

  #comparePoints(
    tally: Tally,
    target: Pick<PointMove, 'study' | 'target' | 'a' | 'b'>,
    size: { readonly rows: number; readonly columns: number },
  ): void {
    const { original, in512 } = pointDistance(target.a, target.b, size);
    tally.original.push(original);
    tally.in512.push(in512);
    if (original === 0) tally.unmoved += 1;
    else this.#pointMoves.add({ ...target, original, in512 });
  }

  changes(): PlaceChanges {
    return {
      tasks: Object.fromEntries(TASKS.map((task) => [task, changesOf(this.#tasks[task])])) as PlaceChanges['tasks'],
      largestSliceMoves: this.#sliceMoves.items(),
      largestPointMoves: this.#pointMoves.items(),
    };
  }
}

interface Tally {
  targets: number;
  slices: { -readonly [change in keyof SliceChanges]: number };
  unmoved: number;
  original: number[];
  in512: number[];
}

function emptyTally(): Tally {
  const moved = { movedBy1: 0, movedBy2: 0, movedBy3OrMore: 0, otherSeries: 0, notListed: 0 };
  const slices = { same: 0, ...moved, onlyA: 0, onlyB: 0, neither: 0 };
  return { targets: 0, slices, unmoved: 0, original: [], in512: [] };
}

/** The place of each target, by name: for subarticular targets in the axial slice, for others in the sagittal one. */
function placesOf({ targets }: PlacedStudy): Map<string, FoundPlace> {
  const byName = new Map(targets.map((one) => [one.name, one]));
  const places = new Map<string, FoundPlace>();
  for (const { name, task } of TARGETS) {
    const found = byName.get(name);
    const place = task === 'ss' ? found?.axial : found?.slice;
    if (place) places.set(name, place);
  }
  return places;
}

function slicesBetween(instances: readonly number[], one: number, other: number): number | undefined {
  const [a, b] = [instances.indexOf(one), instances.indexOf(other)];
  return a < 0 || b < 0 ? undefined : Math.abs(a - b);
}

function sliceChange(inSeries: boolean, slices: number | undefined): keyof SliceChanges {
  if (!inSeries) return 'otherSeries';
  if (slices === undefined) return 'notListed';
  return slices === 1 ? 'movedBy1' : slices === 2 ? 'movedBy2' : 'movedBy3OrMore';
}

function sizeOfSliceMove({ a, b, slices }: SliceMove): number {
  if (a.series !== b.series) return Number.POSITIVE_INFINITY;
  return slices ?? Number.MAX_VALUE;
}

function changesOf({ targets, slices, unmoved, original, in512 }: Tally): TaskPlaceChanges {
  const { movedBy1, movedBy2, movedBy3OrMore, otherSeries, notListed } = slices;
  return {
    targets,
    slices: { ...slices },
    points: {
      compared: original.length,
      otherSlice: movedBy1 + movedBy2 + movedBy3OrMore + otherSeries + notListed,
      unmoved,
      pixels: { original: spreadOf(original), in512: spreadOf(in512) },
    },
  };
}

/**
 * How the places that two runs found differ: in which slice a target was seen (stage 1), and where in the slice (stage 2).
 * Labels play no part.
 *
 * Spinal canal and foraminal targets are compared in their sagittal slice, subarticular ones in their axial slice, as
 * `locationErrors` does against labels. Points are compared where both runs are in the same slice: elsewhere a distance
 * would be one between two different pictures.
 */

import { TARGETS, TASKS, type Target, type Task } from '../domain/index.ts';
import { Largest } from './largest.ts';
import { type FoundPlace, type LocatedStudy, type PixelErrors, pointDistance } from './location-errors.ts';
import { spreadOf } from './spread.ts';

/** What is needed of a study's result; that of a run in the store is one. */
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

/** Stage 1: targets by what became of their slice. Adds up to all targets of the task. */
export interface SliceChanges {
  readonly same: number;
  /** In the same series, by how many slices of run A's order. */
  readonly movedBy1: number;
  readonly movedBy2: number;
  readonly movedBy3OrMore: number;
  readonly otherSeries: number;
  /** In the same series, but run A does not list one of the two slices: how far apart they are is not known. */
  readonly notListed: number;
  /** Placed by one of the runs only. */
  readonly onlyA: number;
  readonly onlyB: number;
  readonly neither: number;
}

/** Stage 2: distances of the points where both runs are in the same slice. */
export interface PointChanges {
  /** Targets in the same slice, one of a series that run A lists. */
  readonly compared: number;
  /** Targets that both runs placed, in different slices: not compared. */
  readonly otherSlice: number;
  /** Of `compared`, those at the same point to the last digit. */
  readonly unmoved: number;
  /** Over all that are compared, those that did not move included. */
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
  /** By how many slices of the series; `undefined` in another series, and where that is not known. */
  readonly slices: number | undefined;
}

/** A target that is elsewhere in the same slice. */
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
  /** Those that moved by most slices; other series first, then what is not known. */
  readonly largestSliceMoves: readonly SliceMove[];
  /** Those that moved furthest in 512 x 512, furthest first; without those that did not move. */
  readonly largestPointMoves: readonly PointMove[];
}

/** Counts the changes of one study after another. Keeps 16 bytes a target in the same slice, for the percentiles. */
export class PlaceChangeTally {
  readonly #tasks: Record<Task, Tally> = { scs: emptyTally(), nfn: emptyTally(), ss: emptyTally() };
  readonly #sliceMoves: Largest<SliceMove>;
  readonly #pointMoves: Largest<PointMove>;

  /** @param top how many targets each list holds at most. */
  constructor(top: number) {
    this.#sliceMoves = new Largest(top, sizeOfSliceMove);
    this.#pointMoves = new Largest(top, ({ in512 }) => in512);
  }

  /** A target that a study does not have is one that is not placed. */
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

/** Where each target was seen, by name: subarticular ones in the axial slice, the others in the sagittal one. */
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

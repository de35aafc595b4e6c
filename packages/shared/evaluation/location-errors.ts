/**
 * Distances between the results of stages 1 and 2 and the labelled coordinates: in slices, and in pixels within the
 * slice.
 *
 * Spinal canal and foraminal labels are in sagittal series and are compared with the target's sagittal slice;
 * subarticular labels are compared with its axial slice.
 *
 * If a target was found in another series than its label, both of which are read (for example two axial series), it
 * counts as off by 3 slices or more, so that the rates include wrong series. Labels that the pipeline could not use are
 * counted separately and not in the rates: labels in a series that is not read, and targets without a place because a
 * series or a common frame of reference is missing.
 */

import { TASKS, type Task } from '../domain/index.ts';
import type { LabelCoordinate } from './coordinates.ts';
import { type Spread, spreadOf } from './spread.ts';

/** A place that the pipeline found; x and y in px of that series' slices. */
export interface FoundPlace {
  readonly series: string;
  /** Instance number. */
  readonly instance: number;
  readonly x: number;
  readonly y: number;
}

/** The slice that one member of an ensemble chose. */
export interface MemberAnswer {
  /** Which member: `cls`, `reg`; `cls 1`, `cls 2` if there are several of a kind. */
  readonly member: string;
  /** Instance number. */
  readonly instance: number;
}

/** The part of a study's result that `locationErrors` needs. */
export interface LocatedStudy {
  readonly study: string;
  readonly targets: readonly {
    /** `{condition}_{level}` */
    readonly name: string;
    readonly slice?: FoundPlace | undefined;
    readonly axial?: FoundPlace | undefined;
    /** The slice that each member of stage 1 gives alone, in the series of `slice`, if known. */
    readonly members?: readonly MemberAnswer[] | undefined;
  }[];
  readonly series: readonly {
    readonly series: string;
    /** Whether stages 2 and 3 read it. */
    readonly used: boolean;
    /** Instance numbers in spatial order. */
    readonly instances: readonly number[];
    readonly rows: number;
    readonly columns: number;
  }[];
}

/** Stage 1: number of labels by the error in slices of the ordered series. */
export interface SliceErrors {
  readonly exact: number;
  readonly offBy1: number;
  readonly offBy2: number;
  /** Includes those in another series. */
  readonly offBy3OrMore: number;
  /** Those of `offBy3OrMore` that were found in another series than the label's. */
  readonly otherSeries: number;
  /** `exact`, `offBy1`, `offBy2` and `offBy3OrMore` together. */
  readonly compared: number;
  /** Mean error in slices over those found in the label's series; `undefined` without any. */
  readonly meanSlices: number | undefined;
}

/** Stage 2: Euclidean distance in the slice's plane. */
export interface PixelErrors {
  /** In px of the original slice. */
  readonly original: Spread | undefined;
  /** In px after resizing the slice to 512 x 512. */
  readonly in512: Spread | undefined;
}

/** Labels that could not be compared, and why. */
export interface NotCompared {
  /** The study has no result. */
  readonly studyNotScored: number;
  /** The label is in a series that could not be read, or that the stages do not use. */
  readonly seriesNotUsed: number;
  /** The result has no place for this target. */
  readonly targetNotPlaced: number;
  /**
   * The labelled or the found slice is not among the ordered slices of the series, for example because it was left out.
   */
  readonly sliceNotListed: number;
}

export interface TaskLocationErrors {
  readonly labels: number;
  readonly slices: SliceErrors;
  /** The same for each member of stage 1 alone, in the order of the bundle; empty if their answers are unknown. */
  readonly members: readonly (SliceErrors & { readonly member: string })[];
  readonly pixels: PixelErrors;
  readonly notCompared: NotCompared;
}

export type LocationErrors = Readonly<Record<Task, TaskLocationErrors>>;

/** Side of the square in which stage 2 sees a slice, px. */
const STAGE2_SPACE = 512;

/**
 * Compares results with the labelled coordinates, task by task. Pixel errors are measured if label and result are in
 * the same series, even in different slices, since the slices of a series have the same pixel grid.
 */
export function locationErrors(
  coordinates: Iterable<LabelCoordinate>,
  results: Iterable<LocatedStudy>,
): LocationErrors {
  const byStudy = new Map<string, LocatedStudy>();
  for (const result of results) byStudy.set(result.study, result);
  const tallies: Record<Task, Tally> = { scs: emptyTally(), nfn: emptyTally(), ss: emptyTally() };
  for (const label of coordinates) compare(label, byStudy.get(label.study), tallies[label.target.task]);
  return Object.fromEntries(TASKS.map((task) => [task, summaryOf(tallies[task])])) as LocationErrors;
}

/**
 * The Euclidean distance of two points of one slice.
 *
 * @param size of the slice, px.
 * @returns in px of the original slice, and in px after resizing it to 512 x 512.
 */
export function pointDistance(
  one: { readonly x: number; readonly y: number },
  other: { readonly x: number; readonly y: number },
  size: { readonly rows: number; readonly columns: number },
): { readonly original: number; readonly in512: number } {
  const [dx, dy] = [one.x - other.x, one.y - other.y];
  return {
    original: Math.hypot(dx, dy),
    in512: Math.hypot((dx * STAGE2_SPACE) / size.columns, (dy * STAGE2_SPACE) / size.rows),
  };
}

interface Tally {
  labels: number;
  /** Distances in slices between label and answer; infinite for an answer in another series. */
  slices: number[];
  members: Map<string, number[]>;
  original: number[];
  in512: number[];
  notCompared: { -readonly [reason in keyof NotCompared]: number };
}

function emptyTally(): Tally {
  const notCompared = { studyNotScored: 0, seriesNotUsed: 0, targetNotPlaced: 0, sliceNotListed: 0 };
  return { labels: 0, slices: [], members: new Map(), original: [], in512: [], notCompared };
}

function compare(label: LabelCoordinate, result: LocatedStudy | undefined, tally: Tally): void {
  tally.labels += 1;
  if (!result) {
    tally.notCompared.studyNotScored += 1;
    return;
  }
  const series = result.series.find((one) => one.series === label.series);
  if (!series?.used) {
    tally.notCompared.seriesNotUsed += 1;
    return;
  }
  const target = result.targets.find(({ name }) => name === label.target.name);
  const axial = label.target.task === 'ss';
  const found = axial ? target?.axial : target?.slice;
  if (!found) {
    tally.notCompared.targetNotPlaced += 1;
    return;
  }
  const inSeries = found.series === label.series;
  if (inSeries) {
    const { original, in512 } = pointDistance(found, label, series);
    tally.original.push(original);
    tally.in512.push(in512);
  }
  const labelled = series.instances.indexOf(label.instance);
  const placed = series.instances.indexOf(found.instance);
  if (labelled < 0 || (inSeries && placed < 0)) {
    tally.notCompared.sliceNotListed += 1;
    return;
  }
  const off = (place: number) => (inSeries ? Math.abs(place - labelled) : Number.POSITIVE_INFINITY);
  tally.slices.push(off(placed));
  for (const { member, instance } of (!axial && target?.members) || []) {
    const ofMember = tally.members.get(member) ?? [];
    tally.members.set(member, ofMember);
    ofMember.push(off(series.instances.indexOf(instance)));
  }
}

function summaryOf({ labels, slices, members, original, in512, notCompared }: Tally): TaskLocationErrors {
  return {
    labels,
    slices: sliceErrors(slices),
    members: [...members].map(([member, ofMember]) => ({ member, ...sliceErrors(ofMember) })),
    pixels: { original: spreadOf(original), in512: spreadOf(in512) },
    notCompared,
  };
}

function sliceErrors(slices: readonly number[]): SliceErrors {
  const off = (fits: (count: number) => boolean) => slices.filter(fits).length;
  const inSeries = slices.filter(Number.isFinite);
  return {
    exact: off((count) => count === 0),
    offBy1: off((count) => count === 1),
    offBy2: off((count) => count === 2),
    offBy3OrMore: off((count) => count >= 3),
    otherSeries: slices.length - inSeries.length,
    compared: slices.length,
    meanSlices: spreadOf(inSeries)?.mean,
  };
}

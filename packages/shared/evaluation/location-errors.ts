/**
 * How far stages 1 and 2 are from the labelled coordinates: by how many slices, and by how many pixels in the slice.
 *
 * Spinal canal and foraminal labels lie in sagittal series and are compared with the target's sagittal slice,
 * subarticular ones with its axial slice.
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

/** What `locationErrors` needs of a study's result. */
export interface LocatedStudy {
  readonly study: string;
  readonly targets: readonly {
    /** `{condition}_{level}` */
    readonly name: string;
    readonly slice?: FoundPlace | undefined;
    readonly axial?: FoundPlace | undefined;
  }[];
  readonly series: readonly {
    readonly series: string;
    /** Instance numbers in spatial order. */
    readonly instances: readonly number[];
    readonly rows: number;
    readonly columns: number;
  }[];
}

/** Stage 1: by how many slices of the ordered series, labels counted. */
export interface SliceErrors {
  readonly exact: number;
  readonly offBy1: number;
  readonly offBy2: number;
  readonly offBy3OrMore: number;
  /** The four above. */
  readonly compared: number;
  /** Mean number of slices over those compared, `undefined` without any. */
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
  /** The result places this target nowhere. */
  readonly targetNotPlaced: number;
  /** The result places it in another series than the label. */
  readonly otherSeries: number;
  /** The labelled or the found slice is not among the ordered slices of the series, such as one that was dropped. */
  readonly sliceNotListed: number;
}

export interface TaskLocationErrors {
  readonly labels: number;
  readonly slices: SliceErrors;
  readonly pixels: PixelErrors;
  readonly notCompared: NotCompared;
}

export type LocationErrors = Readonly<Record<Task, TaskLocationErrors>>;

/** Side of the square in which stage 2 sees a slice, px. */
const STAGE2_SPACE = 512;

/**
 * Compares results with the labelled coordinates, task by task. Pixel errors are taken wherever label and result are in
 * the same series, be the slice right or not: the slices of a series share one plane's pixels.
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

interface Tally {
  labels: number;
  slices: number[];
  original: number[];
  in512: number[];
  notCompared: { -readonly [reason in keyof NotCompared]: number };
}

function emptyTally(): Tally {
  const notCompared = { studyNotScored: 0, targetNotPlaced: 0, otherSeries: 0, sliceNotListed: 0 };
  return { labels: 0, slices: [], original: [], in512: [], notCompared };
}

function compare(label: LabelCoordinate, result: LocatedStudy | undefined, tally: Tally): void {
  tally.labels += 1;
  if (!result) {
    tally.notCompared.studyNotScored += 1;
    return;
  }
  const target = result.targets.find(({ name }) => name === label.target.name);
  const found = label.target.task === 'ss' ? target?.axial : target?.slice;
  if (!found) {
    tally.notCompared.targetNotPlaced += 1;
    return;
  }
  const series = result.series.find((one) => one.series === label.series);
  if (found.series !== label.series || !series) {
    tally.notCompared.otherSeries += 1;
    return;
  }
  const [dx, dy] = [found.x - label.x, found.y - label.y];
  tally.original.push(Math.hypot(dx, dy));
  tally.in512.push(Math.hypot((dx * STAGE2_SPACE) / series.columns, (dy * STAGE2_SPACE) / series.rows));
  const [labelled, placed] = [series.instances.indexOf(label.instance), series.instances.indexOf(found.instance)];
  if (labelled < 0 || placed < 0) tally.notCompared.sliceNotListed += 1;
  else tally.slices.push(Math.abs(placed - labelled));
}

function summaryOf({ labels, slices, original, in512, notCompared }: Tally): TaskLocationErrors {
  const off = (fits: (count: number) => boolean) => slices.filter(fits).length;
  return {
    labels,
    slices: {
      exact: off((count) => count === 0),
      offBy1: off((count) => count === 1),
      offBy2: off((count) => count === 2),
      offBy3OrMore: off((count) => count >= 3),
      compared: slices.length,
      meanSlices: spreadOf(slices)?.mean,
    },
    pixels: { original: spreadOf(original), in512: spreadOf(in512) },
    notCompared,
  };
}

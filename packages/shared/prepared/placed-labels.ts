/** Places the labelled points of a study in the slices that the stages read, so that labels can replace predictions. */

import { LEVELS, SIDES, type Side, type Task } from '../domain/index.ts';
import type { LabelCoordinate } from '../evaluation/index.ts';
import {
  type LevelPoints,
  type LevelSlices,
  type SeriesIndex,
  canonicalFractions,
  placePoint,
} from '../stages/index.ts';

/** A labelled target. */
export interface PlacedLabel {
  readonly series: string;
  /** Index in the spatial order of the series, from 0. */
  readonly index: number;
  /** x/width and y/height of the slice in its canonical orientation, rounded to float32 like a model's output. */
  readonly x: number;
  readonly y: number;
}

/** Labels by task and side (`middle` without one), five levels each. */
export interface PlacedLabels {
  readonly scs: readonly (PlacedLabel | null)[];
  readonly nfn: Readonly<Record<Side, readonly (PlacedLabel | null)[]>>;
  readonly ss: Readonly<Record<Side, readonly (PlacedLabel | null)[]>>;
  /**
   * Labels in a series that is not read or is of another kind than the target needs, or in a slice that the index
   * lacks.
   */
  readonly unused: number;
}

const KIND_OF_TASK = { scs: 'sagittal_t2', nfn: 'sagittal_t1', ss: 'axial_t2' } as const satisfies Record<Task, string>;

/** Finds the labels in the index. A target that is labelled twice keeps its first label. */
export function placeLabels(index: SeriesIndex, coordinates: readonly LabelCoordinate[]): PlacedLabels {
  const five = () => new Array<PlacedLabel | null>(LEVELS.length).fill(null);
  const scs = five();
  const nfn = { left: five(), right: five() };
  const ss = { left: five(), right: five() };
  let unused = 0;
  for (const { series: name, instance, target, x, y } of coordinates) {
    const series = index.series.find(
      (one) =>
        one.used &&
        (one.stackOf ?? one.series) === name &&
        one.kind === KIND_OF_TASK[target.task] &&
        one.slices.some((slice) => slice.instance === instance),
    );
    const place = series?.slices.findIndex((slice) => slice.instance === instance) ?? -1;
    const slice = series?.slices[place];
    const labels = target.task === 'scs' ? scs : (target.task === 'nfn' ? nfn : ss)[target.side!];
    const level = LEVELS.indexOf(target.level);
    if (!slice || labels[level]) unused++;
    else {
      const [fx, fy] = canonicalFractions(slice, { x, y }).map(Math.fround) as [number, number];
      labels[level] = { series: series!.series, index: place, x: fx, y: fy };
    }
  }
  return { scs, nfn, ss, unused };
}

/** The labelled slices in the form of stage 1's result. */
export function slicesOfLabels({ scs, nfn }: PlacedLabels): LevelSlices {
  const there = (labels: readonly (PlacedLabel | null)[]) => labels.filter((label) => label !== null);
  return { scs: { levels: there(scs) }, nfn: { left: there(nfn.left), right: there(nfn.right) } };
}

/** The labelled points in the form of stage 2's result. */
export function pointsOfLabels(index: SeriesIndex, { scs, nfn, ss }: PlacedLabels): LevelPoints {
  const point = (label: PlacedLabel | null) =>
    label && placePoint(index, label.series, label.index, [label.x, label.y]);
  return {
    scs: scs.map(point),
    nfn: { left: nfn.left.map(point), right: nfn.right.map(point) },
    ss: LEVELS.map((_, level) => ({ left: point(ss.left[level]!), right: point(ss.right[level]!) })),
  };
}

/** The labels of both sides in the order of the model outputs: five for the left side, then five for the right. */
export function sideBySide(labels: Readonly<Record<Side, readonly (PlacedLabel | null)[]>>): (PlacedLabel | null)[] {
  return SIDES.flatMap((side) => labels[side]);
}

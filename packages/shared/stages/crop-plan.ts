/**
 * Which crops the severity models get: from which slices, around which points, with which windows. The windows,
 * including the shift of the window at L5/S1, are numbers in the severity bundle: `crops.windows` in
 * `models/demo/stage3/bundle.json`, written by `training/spineline_training/bundle.py`. Source of the rules:
 * docs/pipeline.md, "Crop plan".
 */

import { BundleError, type Flag, LEVELS, SIDES, type Side } from '../domain/index.ts';
import { centralSlices } from '../imaging/index.ts';
import type { CropSettings, CropWindow } from '../models/index.ts';
import { type CropArray, type IndexedSlice, type PlacedPoint, type SeriesIndex, sideRow } from './artefacts.ts';
import { slicesOf } from './indexed-series.ts';
import { canonicalFractions } from './turned-points.ts';

/**
 * One crop: its array and row, its central slice, and its centre (fractions of the slice in its canonical orientation).
 */
export interface CropPlan {
  readonly array: CropArray;
  readonly row: number;
  readonly level: (typeof LEVELS)[number];
  readonly side: Side | 'middle';
  readonly series: string;
  readonly index: number;
  readonly x: number;
  readonly y: number;
}

/** The points of the levels. `xy.json` has all of them; labels may lack some. */
export interface LevelPoints {
  readonly scs: readonly (PlacedPoint | null)[] | null;
  readonly nfn: Readonly<Record<Side, readonly (PlacedPoint | null)[]>> | null;
  readonly ss: readonly ({ readonly left: PlacedPoint | null; readonly right: PlacedPoint | null } | null)[];
}

/**
 * Every crop that the points allow. The axial centre for SCS is the midpoint of the left and right SS points; the axial
 * centre for NFN is the same side's SS point, so that NFN and SS share their axial crops.
 *
 * Labels may have the SS point of one side only, or the two points in different slices. The midpoint is in the slice of
 * the left point. There is no midpoint if a side is missing, or if the points are in different series, whose pixels
 * cannot be compared.
 */
export function planCrops(index: SeriesIndex, xy: LevelPoints): CropPlan[] {
  const plans: CropPlan[] = [];
  const add = (array: CropArray, row: number, level: number, side: Side | 'middle', point: PlacedPoint) => {
    const { series, index: slice } = point;
    const [x, y] = canonicalFractions(slicesOf(index, series)[slice]!, point);
    plans.push({
      array,
      row,
      level: LEVELS[level]!,
      side,
      series,
      index: slice,
      x,
      y,
    });
  };
  for (let level = 0; level < LEVELS.length; level++) {
    const scs = xy.scs?.[level];
    if (scs) add('sagittal_t2', level, level, 'middle', scs);
    const { left, right } = xy.ss[level] ?? {};
    if (left && right && left.series === right.series) {
      add('axial_middle', level, level, 'middle', middleOf({ left, right }));
    }
    for (const side of SIDES) {
      const nfn = xy.nfn?.[side][level];
      if (nfn) add('sagittal_t1', sideRow(side, level), level, side, nfn);
      const ss = xy.ss[level]?.[side];
      if (ss) add('axial_sides', sideRow(side, level), level, side, ss);
    }
  }
  return plans;
}

/** The axial centre for SCS: the midpoint of the left and right SS points. */
export function middleOf({ left, right }: { left: PlacedPoint; right: PlacedPoint }): PlacedPoint {
  return { ...left, x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 };
}

/**
 * The slices that the crops are cut from: the slice of each crop and `radius` neighbours on each side, each slice once.
 */
export function slicesOfCrops(index: SeriesIndex, plans: readonly CropPlan[], radius: number): IndexedSlice[] {
  const slices = new Set<IndexedSlice>();
  for (const plan of plans) {
    const series = slicesOf(index, plan.series);
    for (const place of centralSlices(plan.index, radius, series.length)) slices.add(series[place]!);
  }
  return [...slices];
}

/** Flags for crops whose pixels all have the same value. */
export function flagsOfConstant(plans: readonly CropPlan[], constant: readonly boolean[]): Flag[] {
  return plans.flatMap(({ series, level }, i) =>
    constant[i] ? [{ code: 'pixels_constant' as const, series, level }] : [],
  );
}

/** Number of rows of a crop array: one per level, or one per level and side. */
export function cropRows(array: CropArray): number {
  return array === 'sagittal_t2' || array === 'axial_middle' ? LEVELS.length : SIDES.length * LEVELS.length;
}

/** [slices, height, width] of each row of a crop array. @throws {BundleError} `BUNDLE_INVALID` for no such window. */
export function cropShape({ slices, windows }: CropSettings, array: CropArray): [number, number, number] {
  const window = windows.find((one) => arrayOf(one) === array);
  if (!window) throw new BundleError('BUNDLE_INVALID', `the bundle has no crop window for ${array}`);
  return [slices, ...window.to];
}

/** The crop array that a window is for. */
export function arrayOf({ kind, side }: CropWindow): CropArray {
  if (kind !== 'axial_t2') return kind;
  return side === 'middle' ? 'axial_middle' : 'axial_sides';
}

/** The window of a crop. @throws {BundleError} `BUNDLE_INVALID` if the bundle has none. */
export function windowFor(settings: CropSettings, kind: CropWindow['kind'], plan: CropPlan): CropWindow {
  const found = settings.windows.find(
    (window) => window.kind === kind && window.side === plan.side && window.levels.includes(plan.level),
  );
  if (!found) {
    throw new BundleError('BUNDLE_INVALID', `the bundle has no crop window for ${kind}, ${plan.side}, ${plan.level}`);
  }
  return found;
}

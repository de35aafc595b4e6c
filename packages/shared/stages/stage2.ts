/**
 * Stage 2, where in the slice: images for the XY models, the points from their outputs, and the crops around them.
 * Source of every rule: pipeline.md, "Stage 2".
 */

import { type Flag, LEVELS, SIDES, type Side } from '../domain/index.ts';
import { toStored, turnSize, UPRIGHT } from '../geometry/index.ts';
import { centralSlices } from '../imaging/index.ts';
import type { SampleOutput } from '../models/index.ts';
import type { CropArray } from './artefacts.ts';
import {
  type AxialSlice,
  type IndexedSeries,
  type IndexedSlice,
  type PlacedPoint,
  type SeriesIndex,
  sideRow,
  type XyArtefact,
  type ZArtefact,
} from './artefacts.ts';
import { axialSlices, flagsOfAxial, median, round, type SagittalPoint, usedSeries } from './stage1.ts';
import { canonicalFractions, storedPixels } from './turned-points.ts';

/** Three slices that one XY sample is made of. */
export interface XyImage {
  readonly series: string;
  readonly slices: readonly [IndexedSlice, IndexedSlice, IndexedSlice];
}

/** Points of one XY sample, as fractions x/width, y/height of the slice in its canonical orientation. */
export type Fractions = readonly (readonly [number, number])[];

/** The slices of the levels: all five as stage 1 finds them, some as labels have them. */
export interface LevelSlices {
  readonly scs: { readonly levels: readonly { readonly index: number }[] } | null;
  readonly nfn: Readonly<Record<Side, readonly { readonly index: number }[]>> | null;
}

/**
 * The sagittal images: T2 at the median of the five slices, T1 at the median of each side's five. Between two slices,
 * which an even number of labels can mean, the upper one.
 */
export function sagittalImages(index: SeriesIndex, z: LevelSlices): { scs?: XyImage; left?: XyImage; right?: XyImage } {
  const t2 = usedSeries(index, 'sagittal_t2');
  const t1 = usedSeries(index, 'sagittal_t1');
  const atMedian = (series: IndexedSeries | undefined, found: readonly { index: number }[] | undefined) =>
    series && found && found.length > 0
      ? withNeighbours(series, Math.floor(median(found.map((one) => one.index)) + 0.5))
      : undefined;
  const images = {
    scs: atMedian(t2, z.scs?.levels),
    left: atMedian(t1, z.nfn?.left),
    right: atMedian(t1, z.nfn?.right),
  };
  return Object.fromEntries(Object.entries(images).filter(([, image]) => image !== undefined));
}

/** The axial slice of each level, placed by stage 2's own SCS points. */
export function axialOfPoints(index: SeriesIndex, z: ZArtefact, scs: Fractions | undefined): (AxialSlice | null)[] {
  const points = z.scs?.levels.map(({ index: place }, level): SagittalPoint | null => {
    if (!scs) return null;
    const slice = slicesOf(index, z.scs!.series)[place]!;
    const { x, y } = storedPixels(slice, scs[level]!);
    return { index: place, x: x / slice.columns, y: y / slice.rows };
  });
  return axialSlices(index, points ?? []);
}

/** The image of an axial slice: with one neighbour each side in its own series. */
export function axialImage(index: SeriesIndex, axial: Pick<AxialSlice, 'series' | 'index'>): XyImage {
  return withNeighbours(seriesOf(index, axial.series), axial.index);
}

function withNeighbours({ series, slices }: IndexedSeries, middle: number): XyImage {
  const at = (index: number) => slices[Math.min(slices.length - 1, Math.max(0, index))]!;
  return { series, slices: [at(middle - 1), at(middle), at(middle + 1)] };
}

function seriesOf(index: SeriesIndex, series: string): IndexedSeries {
  const found = index.series.find((one) => one.series === series);
  if (!found) throw new RangeError(`series ${series} is not in the index`);
  return found;
}

function slicesOf(index: SeriesIndex, series: string): readonly IndexedSlice[] {
  return seriesOf(index, series).slices;
}

/** The weighted mean of the members' points. */
export function meanPoints(members: readonly { weight: number; output: SampleOutput }[]): Fractions {
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  const points = members[0]!.output.xy!.dims[0]!;
  return Array.from({ length: points }, (_, point) => {
    const mean = (axis: number) =>
      members.reduce((sum, { weight, output }) => sum + weight * output.xy!.data[point * 2 + axis]!, 0) / total;
    return [mean(0), mean(1)] as const;
  });
}

/**
 * `xy.json` from the points of every image that was read.
 *
 * @param constant images whose pixels are all of one value: their points mean nothing, and the result says so.
 */
export function xyArtefact(
  index: SeriesIndex,
  z: ZArtefact,
  points: { scs?: Fractions; left?: Fractions; right?: Fractions },
  axial: readonly (AxialSlice | null)[],
  ss: readonly (Fractions | null)[],
  constant: readonly XyImage[] = [],
): XyArtefact {
  const placed = (series: string, found: readonly { index: number }[], fractions: Fractions) =>
    found.map((one, level) => placePoint(index, series, one.index, fractions[level]!));
  return {
    schema: 'spineline.xy/1',
    scs: z.scs && points.scs ? placed(z.scs.series, z.scs.levels, points.scs) : null,
    nfn:
      z.nfn && points.left && points.right
        ? {
            left: placed(z.nfn.series, z.nfn.left, points.left),
            right: placed(z.nfn.series, z.nfn.right, points.right),
          }
        : null,
    ss: axial.map((slice, level) => {
      const fractions = ss[level];
      if (!slice || !fractions) return null;
      const at = (side: Side) => placePoint(index, slice.series, slice.index, fractions[SIDES.indexOf(side)]!);
      return { left: at('left'), right: at('right'), distanceMm: slice.distanceMm };
    }),
    flags: [
      ...flagsOfAxial(axial),
      ...constant.map(({ series, slices }) => ({
        code: 'pixels_constant' as const,
        series,
        instance: slices[1].instance,
      })),
    ],
  };
}

/**
 * A point given as fractions x/width, y/height of a slice in its canonical orientation, as `xy.json` has it: in pixels of
 * the stored image. It is rounded before it is turned, so that the eight ways of storing an image give the same point.
 */
export function placePoint(
  index: SeriesIndex,
  series: string,
  slice: number,
  fractions: readonly [number, number],
): PlacedPoint {
  const placed = slicesOf(index, series)[slice]!;
  const turn = placed.turn ?? UPRIGHT;
  const { rows, columns } = turnSize(placed, turn);
  const { x, y } = toStored(placed, turn, { x: round(fractions[0] * columns, 2), y: round(fractions[1] * rows, 2) });
  return { series, index: slice, instance: placed.instance, x: round(x, 2), y: round(y, 2) };
}

/** The axial centre for SCS: the midpoint of the left and right SS points. */
export function middleOf({ left, right }: { left: PlacedPoint; right: PlacedPoint }): PlacedPoint {
  return { ...left, x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 };
}

/** One crop: which row of which array, around which slice, at which point (fractions of the slice in its canonical orientation). */
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

/** The points of the levels: all as `xy.json` has them, some as labels have them. */
export interface LevelPoints {
  readonly scs: readonly (PlacedPoint | null)[] | null;
  readonly nfn: Readonly<Record<Side, readonly (PlacedPoint | null)[]>> | null;
  readonly ss: readonly ({ readonly left: PlacedPoint | null; readonly right: PlacedPoint | null } | null)[];
}

/**
 * Every crop that the points allow. The axial centre for SCS is the midpoint of the left and right SS points; the axial
 * centre for NFN is the same side's SS point, so that NFN and SS share their axial crops.
 *
 * Labels may have one side's SS point only, or the two in different slices: the midpoint is then in the left one's slice,
 * and there is none if a side is missing or the two are of different series, whose pixels are not the same.
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

/** The slices that the crops are cut from: each target's and its neighbours, `radius` each side, without repeats. */
export function slicesOfCrops(index: SeriesIndex, plans: readonly CropPlan[], radius: number): IndexedSlice[] {
  const slices = new Set<IndexedSlice>();
  for (const plan of plans) {
    const series = slicesOf(index, plan.series);
    for (const place of centralSlices(plan.index, radius, series.length)) slices.add(series[place]!);
  }
  return [...slices];
}

/** Flags of crops whose pixels are all alike. */
export function flagsOfConstant(plans: readonly CropPlan[], constant: readonly boolean[]): Flag[] {
  return plans.flatMap(({ series, level }, i) =>
    constant[i] ? [{ code: 'pixels_constant' as const, series, level }] : [],
  );
}

/**
 * Where in its slice a structure is: chooses the images for the XY models, and takes the points of every level, side
 * and foramen from their outputs. Source of the rules: docs/pipeline.md, "Points".
 */

import { median, round, SIDES, type Side } from '../domain/index.ts';
import { toStored, turnSize, UPRIGHT } from '../geometry/index.ts';
import type { SampleOutput } from '../inference/index.ts';
import type {
  AxialSlice,
  IndexedSeries,
  IndexedSlice,
  PlacedPoint,
  SeriesIndex,
  XyArtefact,
  ZArtefact,
} from './artefacts.ts';
import { flagsOfAxial } from './axial-slices.ts';
import { seriesOf, slicesOf, usedSeries } from './indexed-series.ts';
import type { Fractions } from './turned-points.ts';

/** The three slices of one XY sample. */
export interface XyImage {
  readonly series: string;
  readonly slices: readonly [IndexedSlice, IndexedSlice, IndexedSlice];
}

/** The slices of the levels. Stage 1 finds all five; labels may lack some. */
export interface LevelSlices {
  readonly scs: { readonly levels: readonly { readonly index: number }[] } | null;
  readonly nfn: Readonly<Record<Side, readonly { readonly index: number }[]>> | null;
}

/**
 * The sagittal images: T2 at the median of the five slices, T1 at the median of the five slices of each side. A median
 * between two slices (an even number of labels) is rounded up.
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

/** The image of an axial slice, with one neighbour on each side from its own series. */
export function axialImage(index: SeriesIndex, axial: Pick<AxialSlice, 'series' | 'index'>): XyImage {
  return withNeighbours(seriesOf(index, axial.series), axial.index);
}

function withNeighbours({ series, slices }: IndexedSeries, middle: number): XyImage {
  const at = (index: number) => slices[Math.min(slices.length - 1, Math.max(0, index))]!;
  return { series, slices: [at(middle - 1), at(middle), at(middle + 1)] };
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
 * @param constant images whose pixels all have the same value. Their points mean nothing and are flagged.
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
 * Converts a point from fractions x/width, y/height of a slice in its canonical orientation to pixels of the stored
 * image, as in `xy.json`. It is rounded before it is turned, so that all eight ways to store an image give the same
 * point.
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

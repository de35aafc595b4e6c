/**
 * Stage 1: volumes, slices from the members' outputs, and the axial slice of each level. Hand-made outputs and planes.
 */

import { describe, expect, it } from 'vitest';
import { LEVELS, median, round } from '../domain/index.ts';
import type { SampleOutput } from '../inference/index.ts';
import { type IndexedSeries, type IndexedSlice, type SeriesIndex, ZArtefact } from '../stages/artefacts.ts';
import { axialSlices, flagsOfAxial } from '../stages/axial-slices.ts';
import { indexStudy } from '../stages/index-study.ts';
import { foundSlices, type MemberOutput, stage1Volumes, zArtefact } from '../stages/level-slices.ts';
import { axialStack, sagittalStack, smallStudy } from './support/small-study.ts';

const DEPTH = 8;
const INPUT = {
  size: [4, 4],
  slices: DEPTH,
  normalise: { method: 'percentile', low: 0, high: 100 },
  resize: { filter: 'bilinear', antialias: true },
} as const;

/** A `cls` member whose answer for output i is `peaks[i]`; 0.5 stands at slice 0, so that a lower peak loses. */
function cls(peaks: readonly (readonly [slice: number, logit: number][])[], weight = 1): MemberOutput {
  const data = new Float32Array(peaks.length * DEPTH).fill(-1);
  peaks.forEach((peak, output) => {
    for (const [slice, logit] of peak) data[output * DEPTH + slice] = logit;
  });
  return { kind: 'cls', weight, output: { logits: { dims: [peaks.length, DEPTH], data } } };
}
/** A `reg` member: x, y and z as fractions, z of the depth. */
function reg(points: readonly (readonly [number, number, number])[], weight = 1): MemberOutput {
  const output: SampleOutput = {
    coordinates: { dims: [points.length, 3], data: Float32Array.from(points.flat()) },
  };
  return { kind: 'reg', weight, output };
}
function series(count: number, plane: Partial<IndexedSlice> = {}, more: Partial<IndexedSeries> = {}): IndexedSeries {
  return {
    series: '11',
    kind: 'sagittal_t2',
    used: true,
    slices: Array.from({ length: count }, (_, i) => ({
      instance: 10 * (i + 1),
      location: `file:///images/${i}.dcm`,
      frame: 0,
      sha256: `${i}`,
      rows: 100,
      columns: 200,
      spacing: [1, 1],
      position: [4 * i, 0, 0],
      orientation: [0, 1, 0, 0, 0, -1],
      frameOfReference: 0,
      ...plane,
    })),
    ...more,
  };
}
const all = (count: number) => Int32Array.from({ length: count }, (_, i) => i);
const indicesOf = (members: readonly MemberOutput[], count: number, sliceOf = all(count)) =>
  foundSlices(members, series(count), sliceOf, DEPTH).map(({ index }) => index);

describe('the slice of a level', () => {
  it('is the best-scored slice of a cls member, padding left out', () => {
    // Five slices in a volume of eight: the highest logit stands in the padding.
    const members = [
      cls([
        [
          [3, 2],
          [6, 9],
        ],
        [
          [0, 1],
          [7, 5],
        ],
      ]),
    ];
    expect(indicesOf(members, 5)).toEqual([3, 0]);
    // With eight slices the same outputs mean those slices.
    expect(indicesOf(members, 8)).toEqual([6, 7]);
  });

  it('is fraction times depth of a reg member', () => {
    expect(
      indicesOf(
        [
          reg([
            [0, 0, 0.25],
            [0, 0, 0.5],
            [0, 0, 0.75],
          ]),
        ],
        8,
      ),
    ).toEqual([2, 4, 6]);
  });

  it('is rounded half up and kept inside the series', () => {
    const z = [2.49, 2.5, 0.49, 7.9, -3].map((slice) => [0, 0, slice / DEPTH] as const);
    expect(indicesOf([reg(z)], 8)).toEqual([2, 3, 0, 7, 0]);
    expect(indicesOf([reg(z)], 3)).toEqual([2, 2, 0, 2, 0]);
  });

  it('is the median of the members: of two the mean, of three the middle one', () => {
    expect(indicesOf([cls([[[2, 1]]]), reg([[0, 0, 4 / DEPTH]])], 8)).toEqual([3]);
    expect(indicesOf([cls([[[2, 1]]]), reg([[0, 0, 5 / DEPTH]])], 8)).toEqual([4]);
    expect(indicesOf([cls([[[7, 1]]]), cls([[[1, 1]]]), reg([[0, 0, 2 / DEPTH]])], 8)).toEqual([2]);
  });

  it('takes no notice of weights, which are for means', () => {
    expect(indicesOf([cls([[[7, 1]]], 100), cls([[[1, 1]]]), reg([[0, 0, 2 / DEPTH]])], 8)).toEqual([2]);
  });

  it('is mapped back to the real slice, and its instance number, where the series was resampled', () => {
    const sliceOf = Int32Array.from([1, 3, 5, 7, 9, 11, 13, 15]);
    const [found] = foundSlices([cls([[[5, 1]]])], series(16), sliceOf, DEPTH);
    expect(found).toMatchObject({ index: 11, instance: 120, members: [{ kind: 'cls', z: 5 }] });
  });

  it('has a confidence of 1 / (1 + spread of the members in slices)', () => {
    const confidence = (...members: MemberOutput[]) => foundSlices(members, series(8), all(8), DEPTH)[0]!.confidence;
    expect(confidence(cls([[[2, 1]]]))).toBe(1);
    expect(confidence(cls([[[2, 1]]]), reg([[0, 0, 2 / DEPTH]]))).toBe(1);
    expect(confidence(cls([[[2, 1]]]), reg([[0, 0, 5 / DEPTH]]), cls([[[3, 1]]]))).toBe(0.25);
  });

  it('has the point of the reg members by their weights, and none without them', () => {
    const members = [cls([[[2, 1]]], 50), reg([[0.2, 0.4, 0.5]], 3), reg([[0.6, 0.8, 0.5]], 1)];
    const [found] = foundSlices(members, series(8), all(8), DEPTH);
    expect(found!.point).toEqual([0.3, 0.5]);
    expect(foundSlices([members[0]!], series(8), all(8), DEPTH)[0]!.point).toBeNull();
  });

  it('has helpers that round and take medians as they say', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 2, 9])).toBe(3);
    expect(round(1.00449, 2)).toBe(1);
    expect(round(-2.345678, 4)).toBe(-2.3457);
  });
});

describe('z.json', () => {
  const five = (z: number) => Array.from({ length: 5 }, () => [0.5, 0.5, z / DEPTH] as const);
  const peaks = (slice: number, count = 5) => Array.from({ length: count }, () => [[slice, 1] as [number, number]]);
  const index: SeriesIndex = {
    schema: 'spineline.series-index/1',
    series: [series(8), series(8, {}, { series: '12', kind: 'sagittal_t1' })],
    flags: [],
  };

  it('has the left five, then the right five, of the T1 outputs', () => {
    const points = [...five(1), ...five(6)];
    const nfn = foundSlices([reg(points)], index.series[1]!, all(8), DEPTH);
    const z = ZArtefact.parse(zArtefact(index, { nfn }, []));
    expect(z.scs).toBeNull();
    expect(z.nfn!.left.map((found) => found.index)).toEqual([1, 1, 1, 1, 1]);
    expect(z.nfn!.right.map((found) => found.index)).toEqual([6, 6, 6, 6, 6]);
    expect(z.axial).toEqual([null, null, null, null, null]);
  });

  it('flags members that differ by three slices or more, a level each, and not those that differ by less', () => {
    const differ = (slices: number) => {
      const scs = foundSlices([cls(peaks(2)), reg(five(2 + slices))], index.series[0]!, all(8), DEPTH);
      return zArtefact(index, { scs }, []).flags;
    };
    expect(differ(2.5)).toEqual([]);
    expect(differ(3)).toHaveLength(5);
    expect(differ(3)[4]).toEqual({
      code: 'members_disagree',
      kind: 'sagittal_t2',
      series: '11',
      level: 'l5_s1',
      detail: 'cls 2.0, reg 5.0',
    });
  });

  it('names the side of foramina whose members disagree', () => {
    const nfn = foundSlices([cls(peaks(2, 10)), reg([...five(2), ...five(7)])], index.series[1]!, all(8), DEPTH);
    const details = zArtefact(index, { nfn }, []).flags.map(({ detail }) => detail);
    expect(details).toEqual(Array(5).fill('right: cls 2.0, reg 7.0'));
  });

  it('flags levels that no member placed, on T2 alone, where the axial slices come from', () => {
    const scs = foundSlices([cls(peaks(2))], index.series[0]!, all(8), DEPTH);
    const nfn = foundSlices([cls(peaks(2, 10))], index.series[1]!, all(8), DEPTH);
    const z = zArtefact(index, { scs, nfn }, []);
    expect(z.flags.map(({ code, level }) => [code, level])).toEqual(
      LEVELS.map((level) => ['level_point_unknown', level]),
    );
    expect(z.axial).toEqual([null, null, null, null, null]);
  });
});

describe('the axial slice of a level', () => {
  // Pixels are 2 mm between rows and 0.5 mm between columns. Row direction +y, column direction -z: pixel (x, y) of the
  // slice at position [8, -50, 100] lies at [8, -50 + 0.5 x, 100 - 2 y].
  const t2 = series(1, { spacing: [2, 0.5], position: [8, -50, 100] });
  const axial = (name: string, heights: readonly number[], more: Partial<IndexedSlice> = {}): IndexedSeries => ({
    series: name,
    kind: 'axial_t2',
    used: true,
    slices: heights.map((z, i) => ({
      ...t2.slices[0]!,
      instance: i + 1,
      spacing: [1, 1],
      position: [-90, -90, z],
      orientation: [1, 0, 0, 0, 1, 0],
      ...more,
    })),
  });
  const indexOf = (...rest: IndexedSeries[]): SeriesIndex => ({
    schema: 'spineline.series-index/1',
    series: [t2, ...rest],
    flags: [],
  });
  /** y = 0.1, 0.3, ... of 100 rows: z = 80, 40, 0, -40, -80. */
  const points = LEVELS.map((_, level) => ({ index: 0, x: 0.5, y: 0.1 + 0.2 * level }));

  it('is the one whose plane is nearest, worked by hand with pixels of 2 x 0.5 mm', () => {
    const index = indexOf(axial('13', [85, 79, 41, 35, 3, -2, -39, -44, -100]));
    expect(axialSlices(index, points)).toEqual([
      { series: '13', index: 1, instance: 2, distanceMm: 1 },
      { series: '13', index: 2, instance: 3, distanceMm: 1 },
      { series: '13', index: 5, instance: 6, distanceMm: 2 },
      { series: '13', index: 6, instance: 7, distanceMm: 1 },
      { series: '13', index: 8, instance: 9, distanceMm: 20 },
    ]);
  });

  it('is on an oblique plane where the point lies and not where the corner is', () => {
    // Both planes are tilted by 45 degrees about the x axis: column direction [0, cos, sin]. The point [8, 0, 40] is on
    // the plane through [.., -90, -50]: going 90 mm back along y it climbs 90 mm.
    const half = Math.SQRT1_2;
    const tilted = axial('13', [-50, 40]);
    for (const slice of tilted.slices) slice.orientation = [1, 0, 0, 0, half, half];
    expect(axialSlices(indexOf(tilted), [null, points[1]!, null, null, null])[1]).toEqual({
      series: '13',
      index: 0,
      instance: 1,
      distanceMm: 0,
    });
  });

  it('is sought over all axial series of the frame', () => {
    const index = indexOf(axial('13', [80, 40]), axial('14', [1, -39, -81]));
    const found = axialSlices(index, points);
    expect(found.map((slice) => `${slice!.series}/${slice!.index}`)).toEqual(['13/0', '13/1', '14/0', '14/1', '14/2']);
  });

  it('is never of another frame of reference, however near', () => {
    const index = indexOf(axial('13', [80, 40, 0, -40, -80], { frameOfReference: 1 }), axial('14', [0]));
    expect(axialSlices(index, points).map((slice) => slice!.series)).toEqual(Array(5).fill('14'));
    expect(axialSlices(indexOf(axial('13', [80], { frameOfReference: 1 })), points)).toEqual(Array(5).fill(null));
  });

  it('is none where the sagittal or the axial series names no frame', () => {
    const lost = indexOf(axial('13', [80], { frameOfReference: null }));
    expect(axialSlices(lost, points)).toEqual(Array(5).fill(null));
    const nowhere = structuredClone(lost);
    nowhere.series[0]!.slices[0]!.frameOfReference = null;
    expect(axialSlices(nowhere, points)).toEqual(Array(5).fill(null));
  });

  it('is none for a level without a point, or without an axial or T2 series', () => {
    const index = indexOf(axial('13', [80, 40]));
    expect(axialSlices(index, [null, points[1]!]).map((slice) => slice?.index ?? null)).toEqual([
      null,
      1,
      null,
      null,
      null,
    ]);
    expect(axialSlices(indexOf(), points)).toEqual(Array(5).fill(null));
    expect(axialSlices({ ...index, series: index.series.slice(1) }, points)).toEqual(Array(5).fill(null));
  });

  it('is flagged where it is more than 10 mm away', () => {
    const found = axialSlices(indexOf(axial('13', [70, 49.9])), points.slice(0, 2));
    expect(found.slice(0, 2).map((slice) => slice!.distanceMm)).toEqual([10, 9.9]);
    expect(flagsOfAxial(found)).toEqual([]);
    const far = axialSlices(indexOf(axial('13', [69.9])), points.slice(0, 1));
    expect(flagsOfAxial(far)).toEqual([
      { code: 'axial_plane_distant', series: '13', instance: 1, level: 'l1_l2', detail: '10.1 mm' },
    ]);
  });
});

describe('the volumes', () => {
  const volumesOf = async (count: number, more = {}) => {
    const { study, files } = smallStudy([
      { series: '11', kind: 'sagittal_t2', slices: sagittalStack(count, { more }) },
      { series: '13', kind: 'axial_t2', slices: axialStack(3) },
    ]);
    return stage1Volumes(await indexStudy(study, files), structuredClone(INPUT) as never);
  };

  it('are made for the sagittal series that are there, padded with zeros to the depth', async () => {
    const { volumes, flags } = await volumesOf(5);
    expect(Object.keys(volumes)).toEqual(['scs']);
    const { sample, sliceOf } = volumes.scs!;
    expect(sample.volume!.dims).toEqual([1, 8, 4, 4]);
    expect([...sliceOf]).toEqual([0, 1, 2, 3, 4]);
    expect(sample.volume!.data.subarray(5 * 16).every((value) => value === 0)).toBe(true);
    expect(sample.volume!.data.subarray(4 * 16, 5 * 16).some((value) => value > 0.9)).toBe(true);
    expect(flags).toEqual([]);
  });

  it('are resampled to the nearest slices where there are more than the depth, flagged', async () => {
    const { volumes, flags } = await volumesOf(16);
    expect([...volumes.scs!.sliceOf]).toEqual([1, 3, 5, 7, 9, 11, 13, 15]);
    expect(flags).toEqual([{ code: 'slices_resampled', kind: 'sagittal_t2', detail: '16 slices, 8 read' }]);
  });

  it('are flagged where all pixels are alike', async () => {
    const { volumes, flags } = await volumesOf(5, { PixelData: new Uint8Array(96).fill(7) });
    expect(flags).toEqual([{ code: 'pixels_constant', kind: 'sagittal_t2' }]);
    expect(volumes.scs!.sample.volume!.data.every((value) => value === 0)).toBe(true);
  });
});

/** Stage 2: the images of the XY models, points in original pixels, plans of crops, and the crops themselves. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { cutCrops, prepareXy } from '../compute/compute-tasks.ts';
import { CONDITIONS, LEVELS, type Level, type Side } from '../domain/index.ts';
import { CropSpaces, centralSlices, xyTensor } from '../imaging/index.ts';
import { parseBundle } from '../models/bundle.ts';
import type { BundleOf, CropSettings } from '../models/index.ts';
import {
  CropsArtefact,
  type FoundSlice,
  type IndexedSlice,
  pixelDigest,
  type SeriesIndex,
  XyArtefact,
  xyDigest,
  type ZArtefact,
  zDigest,
} from '../stages/artefacts.ts';
import { axialOfPoints } from '../stages/axial-slices.ts';
import { flagsOfConstant, planCrops, slicesOfCrops } from '../stages/crop-plan.ts';
import { type IndexedStudy, indexStudy } from '../stages/index-study.ts';
import { axialImage, meanPoints, sagittalImages, type XyImage, xyArtefact } from '../stages/points.ts';
import type { Files } from '../stages/read-series.ts';
import { StoredCrops } from '../stages/stored-crops.ts';
import { largestDifference, TWELVE_BITS, unquantisedCrop } from './imaging-reference.ts';
import { axialStack, sagittalStack, smallStudy } from './support/small-study.ts';

const STAGE3 = parseBundle(
  readFileSync(new URL('../../../models/demo/stage3/bundle.json', import.meta.url), 'utf8'),
  'stage3',
) as BundleOf<3>;
/** The shipped windows in a space of half the size, so that a crop costs little. */
const SETTINGS: CropSettings = { ...STAGE3.crops, space: 256 };

/** T2 of 7 slices of 30 x 40, T1 of 6, axial of 6 in two series. */
async function study(): Promise<IndexedStudy & { files: Files }> {
  const size = { Rows: 30, Columns: 40 };
  const { study, files } = smallStudy([
    { series: '11', kind: 'sagittal_t2', slices: sagittalStack(7, { more: size }) },
    { series: '12', kind: 'sagittal_t1', slices: sagittalStack(6, { more: size }) },
    { series: '13', kind: 'axial_t2', slices: axialStack(3, { fromZ: 4, more: { Rows: 50, Columns: 20 } }) },
    { series: '14', kind: 'axial_t2', slices: axialStack(3, { fromZ: -8, more: { Rows: 24, Columns: 24 } }) },
  ]);
  return { ...(await indexStudy(study, files)), files };
}

let shared: Awaited<ReturnType<typeof study>>;
beforeAll(async () => {
  shared = await study();
});

function found(index: number): FoundSlice {
  return { index, instance: index + 1, confidence: 1, members: [], point: [0.5, 0.5] };
}
function zOf(scs: readonly number[] | null, left: readonly number[] | null = null, right = left): ZArtefact {
  return {
    schema: 'spineline.z/1',
    scs: scs && { series: '11', levels: scs.map(found) },
    nfn: left && right && { series: '12', left: left.map(found), right: right.map(found) },
    axial: [null, null, null, null, null],
    flags: [],
  };
}
const instances = (image: XyImage | undefined) => image?.slices.map(({ instance }) => instance);
const five = <T>(value: T): T[] => Array.from({ length: 5 }, () => value);
const fractions = LEVELS.map((_, i) => [0.1 + 0.2 * i, 0.9 - 0.2 * i] as const);

describe('the images', () => {
  it('are the slice at the median of the five, with one neighbour each side', () => {
    const images = sagittalImages(shared.index, zOf([0, 4, 6, 3, 3], [1, 1, 1, 5, 5], [3, 2, 3, 2, 3]));
    expect(instances(images.scs)).toEqual([3, 4, 5]);
    expect(instances(images.left)).toEqual([1, 2, 3]);
    expect(instances(images.right)).toEqual([3, 4, 5]);
  });

  it('repeat the slice at either end of the series', () => {
    const images = sagittalImages(shared.index, zOf(five(6), five(0), five(5)));
    expect(instances(images.scs)).toEqual([6, 7, 7]);
    expect(instances(images.left)).toEqual([1, 1, 2]);
    expect(instances(images.right)).toEqual([5, 6, 6]);
  });

  it('are left out for a kind that is missing', () => {
    expect(Object.keys(sagittalImages(shared.index, zOf(null, five(2))))).toEqual(['left', 'right']);
    expect(Object.keys(sagittalImages(shared.index, zOf(five(2))))).toEqual(['scs']);
  });

  it('of an axial slice have the neighbours of its own series', () => {
    const axial = (series: string, index: number) => ({ series, index, instance: index + 1, distanceMm: 0 });
    const image = axialImage(shared.index, axial('13', 2));
    expect(instances(image)).toEqual([2, 3, 3]);
    expect(image.slices.every(({ rows }) => rows === 50)).toBe(true);
    expect(instances(axialImage(shared.index, axial('14', 0)))).toEqual([1, 1, 2]);
  });

  it('become samples that are what the imaging functions make of the same pixels', async () => {
    const input = {
      size: [16, 12] as [number, number],
      channels: 3 as const,
      normalise: SETTINGS.normalise,
      resize: SETTINGS.resize,
    };
    const { scs } = sagittalImages(shared.index, zOf(five(6)));
    const { samples, constant } = await prepareXy({ study: '1001', images: [scs!], files: shared.files, input });
    const [sample] = samples;
    expect(constant).toEqual([false]);
    const slices = [5, 6, 6].map((i) => shared.sagittal.sagittal_t2![i]!.image());
    const { tensor } = xyTensor([slices[0]!, slices[1]!, slices[2]!], input);
    expect(sample!.image!.dims).toEqual([3, 16, 12]);
    expect(sample!.image!.data).toEqual(tensor);
  });
});

describe('an image of one value', () => {
  it('is noticed, and flagged beside the points that mean nothing', async () => {
    const flat = sagittalImages(shared.index, zOf(five(1))).scs!;
    const input = {
      size: [8, 8] as [number, number],
      channels: 3 as const,
      normalise: SETTINGS.normalise,
      resize: SETTINGS.resize,
    };
    // The median of any number of equal percentiles is that number: low and high at 50 make every image flat.
    const same = { ...input, normalise: { ...input.normalise, low: 50, high: 50 } };
    const { constant } = await prepareXy({ study: '1001', images: [flat], files: shared.files, input: same });
    expect(constant).toEqual([true]);
    const { flags } = xyArtefact(shared.index, zOf(five(1)), {}, five(null), five(null), [flat]);
    expect(flags).toEqual([{ code: 'pixels_constant', series: '11', instance: 2 }]);
  });
});

describe('the points', () => {
  it('are the weighted mean of the members', () => {
    const member = (weight: number, ...xy: number[]) => ({
      weight,
      output: { xy: { dims: [2, 2], data: Float32Array.from(xy) } },
    });
    const mean = meanPoints([member(3, 0.25, 0.5, 0.5, 1), member(1, 0.75, 0, 0.5, 0)]);
    expect(mean).toEqual([
      [0.375, 0.375],
      [0.5, 0.75],
    ]);
  });

  it('lie in pixels of each level’s own slice, rounded to 0.01', () => {
    const z = zOf([0, 1, 2, 3, 4], five(2));
    const thirds = five([1 / 3, 2 / 3] as const);
    const xy = xyArtefact(shared.index, z, { scs: thirds, left: fractions, right: thirds }, five(null), five(null));
    expect(XyArtefact.parse(xy)).toEqual(xy);
    // 40 / 3 and 2 * 30 / 3.
    expect(xy.scs![3]).toEqual({ series: '11', index: 3, instance: 4, x: 13.33, y: 20 });
    expect(xy.nfn!.left[1]).toEqual({ series: '12', index: 2, instance: 3, x: 12, y: 21 });
    expect(xy.ss).toEqual(five(null));
  });

  it('of SS lie in the axial slice, left first', () => {
    const axial = [null, { series: '13', index: 1, instance: 2, distanceMm: 0.5 }, null, null, null];
    const ss = [
      null,
      [
        [0.75, 0.5],
        [0.25, 0.1],
      ] as const,
      null,
      null,
      null,
    ];
    const xy = xyArtefact(shared.index, zOf(five(2)), { scs: fractions }, axial, ss);
    const placed = { series: '13', index: 1, instance: 2 };
    expect(xy.ss[1]).toEqual({ left: { ...placed, x: 15, y: 25 }, right: { ...placed, x: 5, y: 5 }, distanceMm: 0.5 });
    expect(xy.nfn).toBeNull();
  });

  it('choose the axial slices anew, from the slices that stage 1 found', () => {
    // All T2 slices are parallel; a row is 1 mm and row 0 at z = 4, so y = 1/30, 5/30, ... meet z = 3, -1, ...
    const points = [1, 5, 9, 13, 17].map((row) => [0.5, row / 30] as const);
    const axial = axialOfPoints(shared.index, zOf([0, 1, 2, 3, 4]), points);
    expect(axial.map((slice) => `${slice!.series}/${slice!.instance} ${slice!.distanceMm}`)).toEqual([
      '13/1 1',
      '13/2 1',
      '13/3 1',
      '14/1 1',
      '14/2 1',
    ]);
    expect(axialOfPoints(shared.index, zOf([0, 1, 2, 3, 4]), undefined)).toEqual(five(null));
    expect(axialOfPoints(shared.index, zOf(null), points)).toEqual(five(null));
  });
});

const SS = { series: '13', index: 1, instance: 2 };
function xyOf(): XyArtefact {
  const axial = five({ ...SS, distanceMm: 0 });
  const ss = five([
    [0.75, 0.5],
    [0.25, 0.1],
  ] as const);
  return xyArtefact(
    shared.index,
    zOf([0, 1, 2, 3, 6], [0, 1, 1, 1, 1], [4, 4, 4, 5, 5]),
    { scs: fractions, left: fractions, right: fractions },
    axial,
    ss,
  );
}

describe('the plan of crops', () => {
  it('has a crop for every view of every target: five SCS, five axial middles, ten T1 and ten axial sides', () => {
    const plans = planCrops(shared.index, xyOf());
    const rows = (array: string) => plans.filter((plan) => plan.array === array).map(({ row }) => row);
    expect(rows('sagittal_t2')).toEqual([0, 1, 2, 3, 4]);
    expect(rows('axial_middle')).toEqual([0, 1, 2, 3, 4]);
    for (const array of ['sagittal_t1', 'axial_sides']) {
      expect(rows(array).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    for (const { array, row, level, side } of plans) {
      expect(LEVELS[row % 5]).toBe(level);
      const expected = array === 'sagittal_t2' || array === 'axial_middle' ? 'middle' : row < 5 ? 'left' : 'right';
      expect(side).toBe(expected);
    }
  });

  it('centres SCS on the midpoint of the SS points, and NFN and SS on their own side’s', () => {
    const plans = planCrops(shared.index, xyOf());
    const centre = (array: string, row: number) => {
      const { series, index, x, y } = plans.find((plan) => plan.array === array && plan.row === row)!;
      return [series, index, Number(x.toFixed(6)), Number(y.toFixed(6))];
    };
    expect(centre('axial_middle', 2)).toEqual(['13', 1, 0.5, 0.3]);
    expect(centre('axial_sides', 2)).toEqual(['13', 1, 0.75, 0.5]);
    expect(centre('axial_sides', 7)).toEqual(['13', 1, 0.25, 0.1]);
    expect(centre('sagittal_t1', 8)).toEqual(['12', 5, 0.7, 0.3]);
    expect(centre('sagittal_t2', 4)).toEqual(['11', 6, 0.9, 0.1]);
  });

  it('leaves out what has no point', () => {
    const xy = xyOf();
    const some = { ...xy, scs: null, ss: [xy.ss[0]!, null, null, null, null] };
    const arrays = planCrops(shared.index, some).map(({ array, row }) => `${array}/${row}`);
    expect(arrays.filter((name) => !name.startsWith('sagittal_t1'))).toEqual([
      'axial_middle/0',
      'axial_sides/0',
      'axial_sides/5',
    ]);
    expect(planCrops(shared.index, { ...xy, scs: null, nfn: null, ss: five(null) })).toEqual([]);
  });

  it('names every slice that is needed once, clamped to the series', () => {
    const [plan] = planCrops(shared.index, xyOf());
    const needed = slicesOfCrops(shared.index, [plan!, plan!], 2);
    expect(needed.map(({ instance }) => instance)).toEqual([1, 2, 3]);
  });

  it('flags crops of which all pixels are alike', () => {
    const plans = planCrops(shared.index, xyOf()).slice(0, 2);
    expect(flagsOfConstant(plans, [false, true])).toEqual([
      { code: 'pixels_constant', series: plans[1]!.series, level: plans[1]!.level },
    ]);
  });
});

describe('the crops', () => {
  const cut = (xy: XyArtefact, settings = SETTINGS, files = shared.files) =>
    cutCrops({ study: '1001', index: shared.index, plans: planCrops(shared.index, xy), files, settings });

  it('are what the imaging functions cut from the same pixels with the windows of kind, side and level', async () => {
    const xy = xyOf();
    const { crops, bytes } = await cut(xy);
    expect(CropsArtefact.parse(JSON.parse(JSON.stringify(crops)))).toEqual(crops);
    const stored = new StoredCrops(crops, bytes);
    const shapes = Object.entries(crops.arrays).map(([array, { to, rows }]) => [array, [rows.length, ...to]]);
    expect(Object.fromEntries(shapes)).toEqual({
      sagittal_t2: [5, 128, 224],
      axial_middle: [5, 256, 256],
      sagittal_t1: [10, 128, 224],
      axial_sides: [10, 256, 256],
    });

    // left, right, top, bottom, to: the table in docs/pipeline.md, "Crop plan", not the bundle's.
    const scs = { left: 96, right: 32, top: 40, bottom: 40, to: [128, 224] } as const;
    const nfn = { left: 96, right: 64, top: 32, bottom: 32, to: [128, 224] } as const;
    const middle = { left: 96, right: 96, top: 96, bottom: 96, to: [256, 256] } as const;
    const right = { ...middle, left: 144, right: 48 };
    const left = { ...middle, left: 48, right: 144 };
    const cases = [
      { array: 'sagittal_t2', row: 1, series: 0, slice: 1, at: [0.3, 0.7], window: scs },
      { array: 'sagittal_t2', row: 4, series: 0, slice: 6, at: [0.9, 0.1], window: { ...scs, top: 20, bottom: 60 } },
      { array: 'sagittal_t1', row: 0, series: 1, slice: 0, at: [0.1, 0.9], window: nfn },
      { array: 'sagittal_t1', row: 9, series: 1, slice: 5, at: [0.9, 0.1], window: { ...nfn, top: 22, bottom: 42 } },
      { array: 'axial_middle', row: 3, series: 2, slice: 1, at: [0.5, 0.3], window: middle },
      { array: 'axial_sides', row: 4, series: 2, slice: 1, at: [0.75, 0.5], window: left },
      { array: 'axial_sides', row: 5, series: 2, slice: 1, at: [0.25, 0.1], window: right },
    ] as const;
    for (const { array, row, series, slice, at, window } of cases) {
      const { slices } = shared.index.series[series]!;
      const images = centralSlices(slice, 2, slices.length).map((i) => imageOf(slices[i]!));
      const space = new CropSpaces(SETTINGS).of(images);
      const centre = { x: at[0] * 256, y: at[1] * 256 };
      const expected = unquantisedCrop(space, centre, window, true);
      const found = stored.row(array, row)!;
      expect(largestDifference(found, expected), `${array} row ${row}`).toBeLessThanOrEqual(TWELVE_BITS);
      expect(
        expected.some((value) => value > 0.1),
        `${array} row ${row} shows something`,
      ).toBe(true);
    }
  });

  it('of points that are missing are no rows, and of a missing kind no array', async () => {
    const xy = xyOf();
    const { crops, bytes } = await cut({ ...xy, nfn: null, ss: [null, xy.ss[1]!, null, null, null] });
    expect(Object.keys(crops.arrays).sort()).toEqual(['axial_middle', 'axial_sides', 'sagittal_t2']);
    expect(crops.arrays.axial_middle!.rows.map(Boolean)).toEqual([false, true, false, false, false]);
    expect(crops.arrays.axial_sides!.rows.map(Number)).toHaveLength(10);
    expect(crops.arrays.axial_sides!.rows.flatMap((window, row) => (window ? [row] : []))).toEqual([1, 6]);
    const stored = new StoredCrops(crops, bytes);
    expect([stored.row('axial_middle', 0), stored.row('sagittal_t1', 1)]).toEqual([undefined, undefined]);
    expect(stored.row('axial_middle', 1)!.some((value) => value > 0)).toBe(true);
    const none = await cut({ ...xy, scs: null, nfn: null, ss: five(null) });
    expect(none).toEqual({ crops: { ...crops, regions: [], arrays: {} }, bytes: new Uint8Array() });
  });

  it('of one slice share a region where they overlap, and nothing of the windows is left out', async () => {
    const { crops, bytes } = await cut(xyOf());
    // L2/L3 to L4/L5 of the axial series 13 are in one slice, at one point: three windows each.
    const regionsOf = (level: number) => [
      crops.arrays.axial_middle!.rows[level]!.region,
      ...[level, level + 5].map((row) => crops.arrays.axial_sides!.rows[row]!.region),
    ];
    const [left, middle, right] = [0.75, 0.5, 0.25].map((x) => x * 256);
    expect(new Set(regionsOf(2)).size).toBe(1);
    // Left window 48 to the left and 144 to the right, cut off at the edge of the image; right window likewise.
    expect(crops.regions[regionsOf(2)[0]!]).toMatchObject({ slices: 5, width: 256 });
    expect(crops.arrays.axial_middle!.rows[2]).toMatchObject({ x: middle! - 96, width: 192 });
    expect(crops.arrays.axial_sides!.rows[2]).toMatchObject({ x: left! - 48, width: 192 });
    expect(crops.arrays.axial_sides!.rows[7]).toMatchObject({ x: right! - 144, width: 192 });
    const values = crops.regions.reduce((sum, one) => sum + one.slices * one.height * one.width, 0);
    expect(bytes).toHaveLength(1.5 * values);
  });

  it('of another bundle have its windows and sizes, odd ones and such that are made smaller too', async () => {
    const reach = { left: 20, right: 15, top: 9, bottom: 14 };
    const settings: CropSettings = {
      ...SETTINGS,
      space: 99,
      slices: 3,
      windows: SETTINGS.windows.map((window, i) => ({
        ...window,
        ...reach,
        left: reach.left + i,
        to: window.kind === 'axial_t2' ? [11, 13] : [40, 50],
      })),
    };
    const plans = planCrops(shared.index, xyOf());
    const { crops, bytes } = await cut(xyOf(), settings);
    const stored = new StoredCrops(crops, bytes);
    for (const plan of plans) {
      const { kind, slices } = shared.index.series.find(({ series }) => series === plan.series)!;
      const images = centralSlices(plan.index, 1, slices.length).map((i) => imageOf(slices[i]!));
      const window = settings.windows.find(
        (one) => one.kind === kind && one.side === plan.side && one.levels.includes(plan.level),
      )!;
      const centre = { x: plan.x * 99, y: plan.y * 99 };
      const expected = unquantisedCrop(new CropSpaces(settings).of(images), centre, window, true);
      const found = stored.row(plan.array, plan.row)!;
      expect(largestDifference(found, expected), `${plan.array} ${plan.row}`).toBeLessThanOrEqual(TWELVE_BITS);
    }
    expect(plans).toHaveLength(30);
  });

  it('take at most 4 MB per study with the shipped windows', async () => {
    const at = (series: string, index: number, x: number, y: number) => {
      const slice = shared.index.series.find((one) => one.series === series)!.slices[index]!;
      return { series, index, instance: slice.instance, x: x * slice.columns, y: y * slice.rows };
    };
    const sagittal = (series: string, index: number) =>
      LEVELS.map((_, level) => at(series, index, 0.45, 0.3 + 0.12 * level));
    // As far apart as in an image of 150 mm: recesses 25 mm apart, each level in a slice of its own.
    const ss = LEVELS.map((_, level) => {
      const [series, index] = level < 3 ? ['13', level] : ['14', level - 3];
      const [left, right] = [0.583, 0.417].map((x) => at(series as string, index as number, x, 0.5));
      return { left: left!, right: right!, distanceMm: 0 };
    });
    const nfn = { left: sagittal('12', 4), right: sagittal('12', 1) };
    const xy: XyArtefact = { schema: 'spineline.xy/1', scs: sagittal('11', 3), nfn, ss, flags: [] };
    const { crops, bytes } = await cut(xy, STAGE3.crops);
    expect(Object.values(crops.arrays).flatMap(({ rows }) => rows.filter(Boolean))).toHaveLength(30);
    expect(bytes.length).toBeLessThan(4_000_000);
    expect(bytes.length).toBeGreaterThan(3_500_000);
  });

  it('of windows that lie outside the image are present and zero', async () => {
    const xy = xyOf();
    const scs = xy.scs!.map((point) => ({ ...point, x: 4000 }));
    const { crops, bytes } = await cut({ ...xy, scs, nfn: null, ss: five(null) });
    expect(bytes).toHaveLength(0);
    const row = new StoredCrops(crops, bytes).row('sagittal_t2', 3)!;
    expect(row).toHaveLength(5 * 128 * 224);
    expect(row.every((value) => value === 0)).toBe(true);
  });

  it('need as many bytes as their regions', async () => {
    const { crops, bytes } = await cut({ ...xyOf(), nfn: null, ss: five(null) });
    expect(() => new StoredCrops(crops, bytes.subarray(3))).toThrow(/regions of crops\.json take \d+ bytes; found/);
    const window = crops.arrays.sagittal_t2!.rows[0]!;
    window.region = 99;
    expect(() => new StoredCrops(crops, bytes).row('sagittal_t2', 0)).toThrow('crops.json has no region 99');
  });

  it('are the same bytes every time', async () => {
    const xy = { ...xyOf(), nfn: null, ss: five(null) };
    const [first, second] = [await cut(xy), await cut(xy)];
    expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
    expect(first.crops).toEqual(second.crops);
  });

  it('are refused without a UID in the message', async () => {
    const uid = '1.2.840.113619.2.55.3.604688119.971.1234567890';
    const location = shared.index.series[0]!.slices[2]!.location;
    const renamed = location.replace(/[^/]*$/, `${uid}.dcm`);
    const index = structuredClone(shared.index);
    for (const { slices } of index.series) {
      for (const slice of slices) if (slice.location === location) slice.location = renamed;
    }
    const plans = planCrops(index, xyOf());
    const refused = cutCrops({ study: '1001', index, plans, files: shared.files, settings: SETTINGS });
    const { message } = (await refused.catch((error: unknown) => error)) as Error;
    expect(message).toMatch(/file uid-[0-9a-f]{8}\.dcm: the file is not the one that stage 1 read/);
    expect(message).not.toContain(uid);
  });

  it('are refused where a file is not the one that was indexed, or is gone', async () => {
    const location = shared.index.series[0]!.slices[2]!.location;
    const bytes = Uint8Array.from(shared.files.get(location) as Uint8Array);
    bytes[bytes.length - 1]! ^= 1;
    const error = { code: 'SOURCE_CHANGED', kind: 'permanent', context: { study: '1001', file: '3.dcm' } };
    await expect(cut(xyOf(), SETTINGS, new Map([...shared.files, [location, bytes]]))).rejects.toMatchObject(error);
    const gone = new Map([...shared.files, [location, { missing: 'no file there' }]]);
    await expect(cut(xyOf(), SETTINGS, gone)).rejects.toMatchObject({
      ...error,
      context: { ...error.context, found: 'no file there' },
    });
  });

  it('need a window for their kind, side and level', async () => {
    const windows = SETTINGS.windows.filter(({ levels }) => levels.length !== 1);
    await expect(cut({ ...xyOf(), nfn: null }, { ...SETTINGS, windows })).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      summary: 'the bundle has no crop window for sagittal_t2, middle, l5_s1',
    });
  });

  it('of one array have one size', async () => {
    const windows = SETTINGS.windows.map((window) =>
      window.levels.length === 1 ? { ...window, to: [64, 64] as [number, number] } : window,
    );
    await expect(cut(xyOf(), { ...SETTINGS, windows })).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });
});

function imageOf(slice: IndexedSlice) {
  // The files hold shade + place, shade being 100 times the instance number.
  const data = Float32Array.from({ length: slice.rows * slice.columns }, (_, i) => 100 * slice.instance + i);
  return { data, height: slice.rows, width: slice.columns };
}

describe('the shipped crop windows', () => {
  it('exist for every view of every level, with the numbers of docs/pipeline.md, "Crop plan"', () => {
    const windowOf = (kind: string, side: Side | 'middle', level: Level) => {
      const fits = STAGE3.crops.windows.filter(
        (window) => window.kind === kind && window.side === side && window.levels.includes(level),
      );
      expect(fits, `${kind} ${side} ${level}`).toHaveLength(1);
      const { left, right, top, bottom, to } = fits[0]!;
      return [left, right, top, bottom, ...to];
    };
    for (const level of LEVELS) {
      const low = level === 'l5_s1';
      expect(windowOf('sagittal_t2', 'middle', level)).toEqual([96, 32, low ? 20 : 40, low ? 60 : 40, 128, 224]);
      expect(windowOf('axial_t2', 'middle', level)).toEqual([96, 96, 96, 96, 256, 256]);
      for (const side of ['left', 'right'] as const) {
        expect(windowOf('sagittal_t1', side, level)).toEqual([96, 64, low ? 22 : 32, low ? 42 : 32, 128, 224]);
        const reach = side === 'left' ? [48, 144] : [144, 48];
        expect(windowOf('axial_t2', side, level)).toEqual([...reach, 96, 96, 256, 256]);
      }
    }
    expect(STAGE3.crops).toMatchObject({ space: 512, slices: 5, normalise: { low: 1, high: 99 } });
    expect(Object.keys(STAGE3.classShares).sort()).toEqual([...CONDITIONS].sort());
  });
});

describe('what a later stage’s key is made of', () => {
  const moved = (change: (slice: IndexedSlice) => Partial<IndexedSlice>): SeriesIndex => ({
    ...shared.index,
    series: shared.index.series.map((one) => ({
      ...one,
      slices: one.slices.map((slice) => ({ ...slice, ...change(slice) })),
    })),
  });

  it('does not change where files were moved, and does where pixels, geometry or names of series did', () => {
    const digest = pixelDigest(shared.index);
    expect(pixelDigest(moved(({ location }) => ({ location: location.replace('images', 'moved') })))).toBe(digest);
    expect(pixelDigest(moved(({ sha256 }) => ({ sha256: `${sha256}0` })))).not.toBe(digest);
    expect(pixelDigest(moved(() => ({ spacing: [2, 1] })))).not.toBe(digest);
    // Points and crops name their series.
    const renamed = shared.index.series.map((one) => ({ ...one, series: `${one.series}a` }));
    expect(pixelDigest({ ...shared.index, series: renamed })).not.toBe(digest);
    // A series that no stage reads, and flags, count for nothing.
    const unread = { ...shared.index.series[0]!, series: '15', used: false };
    const flags = [{ code: 'slices_few' as const, series: '15' }];
    expect(pixelDigest({ ...shared.index, series: [...shared.index.series, unread], flags })).toBe(digest);
  });

  it('does not change where members agree less but find the same slices', () => {
    const z = zOf([0, 1, 2, 3, 4], five(2));
    const doubtful = structuredClone(z);
    for (const level of doubtful.scs!.levels) Object.assign(level, { confidence: 0.2, point: [0.1, 0.1] });
    doubtful.flags.push({ code: 'members_disagree' });
    expect(zDigest(doubtful)).toBe(zDigest(z));
    expect(zDigest(zOf([0, 1, 2, 3, 5], five(2)))).not.toBe(zDigest(z));
    expect(zDigest(zOf([0, 1, 2, 3, 4], five(2), five(3)))).not.toBe(zDigest(z));
    const xy = xyOf();
    expect(xyDigest({ ...xy, flags: [{ code: 'axial_plane_distant' }] })).toBe(xyDigest(xy));
    const nudged = structuredClone(xy);
    nudged.scs![0]!.x += 0.01;
    expect(xyDigest(nudged)).not.toBe(xyDigest(xy));
  });
});

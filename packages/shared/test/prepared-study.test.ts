/** What `prepare` makes of one study: labels in place of predictions, room, pooling, element types. */

import { describe, expect, it } from 'vitest';
import { LEVELS, type Severity, TARGETS } from '../domain/index.ts';
import type { LabelCoordinate } from '../evaluation/index.ts';
import { type PrepareSettings, planArrays } from '../prepared/array-plan.ts';
import type { PrepareOptions } from '../prepared/index.ts';
import { prepareStudy } from '../prepared/prepare-study.ts';
import { randomNumbers } from './imaging-reference.ts';
import { axialStack, type SeriesSpec, sagittalStack, smallStudy } from './support/small-study.ts';

const NORMALISE = { method: 'percentile', low: 1, high: 99 } as const;
const RESIZE = { filter: 'bilinear', antialias: true } as const;
const ALL = [...LEVELS];
const REACH = { left: 8, right: 8, top: 4, bottom: 4, levels: ALL };
const SETTINGS: PrepareSettings = {
  stage1: { size: [12, 8], slices: 8, normalise: NORMALISE, resize: RESIZE },
  stage2: { size: [16, 16], channels: 3, normalise: NORMALISE, resize: RESIZE },
  stage3: {
    space: 32,
    slices: 3,
    normalise: NORMALISE,
    resize: RESIZE,
    windows: [
      { kind: 'sagittal_t2', side: 'middle', ...REACH, to: [16, 24] },
      { kind: 'sagittal_t1', side: 'left', ...REACH, to: [16, 32] },
      { kind: 'sagittal_t1', side: 'right', ...REACH, to: [16, 32] },
      { kind: 'axial_t2', side: 'middle', ...REACH, to: [8, 16] },
      { kind: 'axial_t2', side: 'left', ...REACH, to: [8, 16] },
      { kind: 'axial_t2', side: 'right', ...REACH, to: [8, 16] },
    ],
  },
};
const EXACT: PrepareOptions = {
  stages: [1, 2, 3],
  dtype: 'exact',
  pool: { stage1: 1, stage2: 1, stage3: 1 },
  xyRoomSlices: 0,
  cropRoomSlices: 0,
  cropRoomPx: 0,
  studiesPerShard: 8,
};
const ROWS = 20;
const COLUMNS = 24;
/** Instance numbers run against the order in space. */
const DOWN = [7, 6, 5, 4, 3, 2, 1];

/** Slices of noise: their pixels tell them apart. */
function noisy<T extends object>(stack: readonly T[], seed: number): (T & { PixelData: Uint8Array })[] {
  const random = randomNumbers(seed);
  return stack.map((slice) => {
    const pixels = Uint16Array.from({ length: ROWS * COLUMNS }, () => 100 + 900 * random());
    return { ...slice, Rows: ROWS, Columns: COLUMNS, PixelData: new Uint8Array(pixels.buffer) };
  });
}

const T2: SeriesSpec = { series: '11', kind: 'sagittal_t2', slices: noisy(sagittalStack(7, { instances: DOWN }), 1) };
const T1: SeriesSpec = { series: '12', kind: 'sagittal_t1', slices: noisy(sagittalStack(7), 2) };
const AXIAL: SeriesSpec = { series: '13', kind: 'axial_t2', slices: noisy(axialStack(9), 3) };
const OTHER: SeriesSpec = { series: '14', kind: 'axial_t2', slices: noisy(axialStack(3, { fromZ: -40 }), 4) };
const SECOND_T2: SeriesSpec = { series: '15', kind: 'sagittal_t2', slices: noisy(sagittalStack(3), 5) };

function label(name: string, series: string, instance: number, x = 10, y = 8): LabelCoordinate {
  return { study: '1001', series, instance, target: TARGETS.find((target) => target.name === name)!, x, y };
}

/** Every target, in slices that differ from level to level. */
const FULL = TARGETS.map(({ task, name }, i) =>
  task === 'scs'
    ? label(name, '11', 2 + (i % 5), 6.123456 + i / 9, 9.5)
    : task === 'nfn'
      ? label(name, '12', 1 + (i % 7), 5 + (i % 5), 7.25)
      : label(name, '13', 1 + 2 * (i % 5), name.startsWith('left') ? 16 : 8, 10),
);

async function prepared(
  labels: readonly LabelCoordinate[],
  options: Partial<PrepareOptions> = {},
  series: readonly SeriesSpec[] = [T2, T1, AXIAL],
  severities: ReadonlyMap<string, Severity | undefined> = new Map(),
) {
  const all = { ...EXACT, ...options };
  const plan = planArrays(SETTINGS, all);
  const { study, files } = smallStudy(series);
  const made = await prepareStudy({
    study,
    files,
    coordinates: labels,
    severities,
    settings: SETTINGS,
    options: all,
    plan,
  });
  const of = (name: string) => made.arrays[name] as Float32Array;
  const rows = (name: string) => {
    const { shape } = plan.arrays[name]!;
    const size = of(name).length / shape[0]!;
    return Array.from({ length: shape[0]! }, (_, row) => [...of(name).subarray(row * size, (row + 1) * size)]);
  };
  return { ...made, plan, of, rows };
}

describe('targets', () => {
  it('are fractions of the slice and the place in the volume, which is the order in space', async () => {
    const { of, labels } = await prepared([
      label('spinal_canal_stenosis_l2_l3', '11', 2, 6, 5),
      label('right_neural_foraminal_narrowing_l5_s1', '12', 3, 12, 10),
    ]);
    expect(of('stage1_scs.slices')[0]).toBe(7);
    const scs = of('stage1_scs.target');
    expect([...scs.subarray(3, 6)]).toEqual([0.25, 0.25, 5]);
    expect([...scs].filter((value) => !Number.isNaN(value))).toHaveLength(3);
    const nfn = of('stage1_nfn.target');
    expect([...nfn.subarray(27)]).toEqual([0.5, 0.5, 2]);
    expect([...nfn].filter((value) => !Number.isNaN(value))).toHaveLength(3);
    expect(labels).toEqual({ used: 2, unused: 0 });
  });

  it('are at the nearest position where the volume leaves slices out', async () => {
    const many: SeriesSpec = { ...T2, slices: noisy(sagittalStack(20), 6) };
    // Positions show slices 1, 3, 6, 8, 11, 13, 16, 18 (from 0).
    const of = async (instance: number) =>
      (await prepared([label('spinal_canal_stenosis_l1_l2', '11', instance)], {}, [many])).of('stage1_scs.target')[2];
    expect(await Promise.all([1, 7, 8, 11, 20].map(of))).toEqual([0, 2, 2, 4, 7]);
  });

  it('leave out labels where the stages do not look, and count them', async () => {
    const { labels, of } = await prepared(
      [
        label('spinal_canal_stenosis_l1_l2', '15', 2),
        label('spinal_canal_stenosis_l2_l3', '11', 99),
        label('spinal_canal_stenosis_l3_l4', '12', 3),
        label('spinal_canal_stenosis_l4_l5', '77', 3),
        label('spinal_canal_stenosis_l5_s1', '11', 3),
        label('spinal_canal_stenosis_l5_s1', '11', 4),
      ],
      {},
      [T2, T1, AXIAL, SECOND_T2],
    );
    expect(labels).toEqual({ used: 1, unused: 5 });
    // The first of two labels of one target.
    expect(of('stage1_scs.target')[14]).toBe(4);
  });

  it('of severity are numbers in the order of the targets, -1 for a blank', async () => {
    const severities = new Map<string, Severity | undefined>([
      ['left_neural_foraminal_narrowing_l1_l2', 'normal_mild'],
      ['left_neural_foraminal_narrowing_l3_l4', 'moderate'],
      ['spinal_canal_stenosis_l5_s1', 'severe'],
    ]);
    const { of } = await prepared([], {}, [T2], severities);
    expect([...of('severity')]).toEqual(TARGETS.map((_, i) => (i === 0 ? 0 : i === 2 ? 1 : i === 24 ? 2 : -1)));
  });
});

describe('images of stage 2', () => {
  it('are at the median of the labelled slices, the upper of two', async () => {
    const scs = (levels: readonly [number, number][]) =>
      prepared(levels.map(([level, instance]) => label(`spinal_canal_stenosis_${LEVELS[level]}`, '11', instance)));
    const three = await scs([
      [0, 2],
      [1, 4],
      [4, 5],
    ]);
    const one = await scs([[2, 4]]);
    // In space 7 - instance: 3 and 2, so between them 3, instance 4.
    const two = await scs([
      [0, 4],
      [3, 5],
    ]);
    for (const { of } of [three, two]) expect(of('stage2_scs.image')).toEqual(one.of('stage2_scs.image'));
    expect(three.of('stage2_scs.present')[0]).toBe(1);
    expect([...three.of('stage2_scs.target')].map((value) => !Number.isNaN(value))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
      false,
      false,
      true,
      true,
    ]);
    const { of } = await prepared([label('left_neural_foraminal_narrowing_l1_l2', '12', 1)]);
    expect([...of('stage2_nfn.present')]).toEqual([1, 0]);
    expect(of('stage2_scs.present')[0]).toBe(0);
    expect(of('stage2_scs.image').every((value) => value === 0)).toBe(true);
  });

  it('of SS are at the left label’s slice, without a side that is labelled elsewhere', async () => {
    const { of } = await prepared([
      label('left_subarticular_stenosis_l1_l2', '13', 3, 12, 5),
      label('right_subarticular_stenosis_l1_l2', '13', 4, 6, 5),
      label('right_subarticular_stenosis_l2_l3', '13', 4, 6, 5),
    ]);
    expect([...of('stage2_ss.present')]).toEqual([1, 1, 0, 0, 0]);
    expect([...of('stage2_ss.target').subarray(0, 8)]).toEqual([
      0.5,
      0.25,
      Number.NaN,
      Number.NaN,
      Number.NaN,
      Number.NaN,
      0.25,
      0.25,
    ]);
  });

  it('with room have the served channels in the middle, and the next slices around them', async () => {
    const served = await prepared(FULL);
    const wide = await prepared(FULL, { xyRoomSlices: 2 });
    for (const task of ['scs', 'nfn', 'ss']) {
      const rows = wide.rows(`stage2_${task}.image`);
      const channel = 16 * 16;
      served.rows(`stage2_${task}.image`).forEach((row, i) => {
        expect(rows[i]!.slice(2 * channel, 5 * channel)).toEqual(row);
        expect(rows[i]).toHaveLength(7 * channel);
      });
    }
    // Past the end of the series the last slice again.
    const first = wide.rows('stage2_ss.image')[0]!;
    expect(first.slice(0, 256)).toEqual(first.slice(256, 512));
  });
});

describe('crops', () => {
  const present = async (...labels: LabelCoordinate[]) => {
    const { of } = await prepared(labels, {}, [T2, T1, AXIAL, OTHER]);
    return {
      middle: [...of('stage3.axial_middle.present')].indexOf(1),
      sides: [...of('stage3.axial_sides.present')].flatMap((there, row) => (there ? [row] : [])),
      of,
    };
  };

  it('of SS are each at their own label, and the middle in the left one’s slice', async () => {
    const left = label('left_subarticular_stenosis_l2_l3', '13', 3, 12, 5);
    const right = label('right_subarticular_stenosis_l2_l3', '13', 5, 8, 7);
    const both = await present(left, right);
    expect([both.middle, both.sides]).toEqual([1, [1, 6]]);
    const same = await present(left, { ...right, instance: 3 });
    expect(both.of('stage3.axial_middle')).toEqual(same.of('stage3.axial_middle'));
    const sides = (one: typeof both, side: number) =>
      one.of('stage3.axial_sides').subarray(side * 5 * 384, (side + 1) * 5 * 384);
    expect(sides(both, 0)).toEqual(sides(same, 0));
    expect(sides(both, 1)).not.toEqual(sides(same, 1));
  });

  it('have no middle where a side is missing, or the sides are of two series', async () => {
    const left = label('left_subarticular_stenosis_l2_l3', '13', 3);
    expect(await present(left)).toMatchObject({ middle: -1, sides: [1] });
    const right = label('right_subarticular_stenosis_l2_l3', '14', 2);
    expect(await present(left, right)).toMatchObject({ middle: -1, sides: [1, 6] });
  });

  it('with room have the served crop inside, but for the outermost pixels', async () => {
    const options = { cropRoomSlices: 1, cropRoomPx: 3 };
    const [served, wide] = [await prepared(FULL), await prepared(FULL, options)];
    for (const [name, { room, size }] of Object.entries(wide.plan.windows)) {
      const { shape } = served.plan.arrays[`stage3.${name}`]!;
      const [rows, slices, height, width] = shape as [number, number, number, number];
      expect(size).toEqual([height + room.top + room.bottom, width + room.left + room.right]);
      const [inside, outside] = [served.of(`stage3.${name}`), wide.of(`stage3.${name}`)];
      let apart = 0;
      let compared = 0;
      for (let plane = 0; plane < rows * slices; plane++) {
        const wider = Math.floor(plane / slices) * (slices + 2) + 1 + (plane % slices);
        for (let y = 1; y < height - 1; y++) {
          for (let x = 1; x < width - 1; x++) {
            const a = inside[(plane * height + y) * width + x]!;
            const b = outside[(wider * size[0]! + y + room.top) * size[1]! + x + room.left]!;
            apart = Math.max(apart, Math.abs(a - b));
            compared++;
          }
        }
      }
      expect(compared).toBe(rows * slices * (height - 2) * (width - 2));
      // The rounding of float32: pixels are quantised one by one, whatever is around them.
      expect(apart, name).toBeLessThanOrEqual(1e-6);
      expect(inside.some((value) => value > 0.5)).toBe(true);
    }
  });

  it('have the smallest room that is whole in the space and in pooled pixels', () => {
    const windows = (cropRoomPx: number, stage3: number) =>
      planArrays(SETTINGS, { ...EXACT, cropRoomPx, pool: { ...EXACT.pool, stage3 } }).windows;
    // T2: 16 px to 24 across, 1.5 a px; pooled by 4, 8 px of the space are 3.
    expect(windows(5, 4).sagittal_t2).toMatchObject({
      size: [4 + 2 * 3, 6 + 2 * 3],
      room: { left: 3, right: 3, top: 3, bottom: 3 },
      windows: [{ roomPx: { left: 8, right: 8, top: 6, bottom: 6 } }],
    });
    // Axial: as large as in the space; 5 px are not whole when pooled by 4.
    expect(windows(5, 4).axial_middle).toMatchObject({ room: { left: 2, top: 2 }, windows: [{ roomPx: { left: 8 } }] });
    expect(windows(5, 1).axial_middle).toMatchObject({ room: { left: 5, top: 5 } });
    expect(windows(0, 4).sagittal_t1).toMatchObject({ size: [4, 8], room: { left: 0, top: 0 } });
  });
});

describe('pooling and element types', () => {
  const IMAGES = /volume|image|stage3\.[a-z0-9_]+$/;

  it('pool to the mean of the exact pixels', async () => {
    const exact = await prepared(FULL);
    const pooled = await prepared(FULL, { pool: { stage1: 4, stage2: 2, stage3: 2 } });
    for (const name of Object.keys(exact.arrays)) {
      if (!IMAGES.test(name)) {
        expect(pooled.of(name), name).toEqual(exact.of(name));
        continue;
      }
      const pool = name.startsWith('stage1') ? 4 : 2;
      const [height, width] = exact.plan.arrays[name]!.shape.slice(-2) as [number, number];
      const means = meansOf(exact.of(name), height, width, pool);
      expect(pooled.of(name), name).toHaveLength(means.length);
      expect(Math.max(...means.map((mean, i) => Math.abs(mean - pooled.of(name)[i]!))), name).toBeLessThanOrEqual(1e-7);
    }
  });

  it('keep the exact values within their rounding', async () => {
    const exact = await prepared(FULL);
    const half = await prepared(FULL, { dtype: 'float16' });
    const byte = await prepared(FULL, { dtype: 'uint8' });
    for (const name of Object.keys(exact.arrays).filter((one) => IMAGES.test(one))) {
      expect(half.of(name)).toEqual(Float16Array.from(exact.of(name)));
      expect(byte.of(name)).toBeInstanceOf(Uint8Array);
      const apart = exact
        .of(name)
        .reduce((most, value, i) => Math.max(most, Math.abs(value - byte.of(name)[i]! / 255)), 0);
      expect(apart, name).toBeLessThanOrEqual(0.5 / 255 + 1e-7);
    }
  });

  it('need sizes that the pool divides', () => {
    expect(() => planArrays(SETTINGS, { ...EXACT, pool: { ...EXACT.pool, stage1: 5 } })).toThrow(
      /stage 1 cannot be pooled by 5.*12 x 8/,
    );
  });

  it('make the arrays of the stages that are asked for', async () => {
    const names = async (stages: PrepareOptions['stages']) => Object.keys((await prepared(FULL, { stages })).arrays);
    expect((await names([3])).every((name) => name.startsWith('stage3.') || name === 'severity')).toBe(true);
    expect((await names([1, 2])).some((name) => name.startsWith('stage3.'))).toBe(false);
  });
});

function meansOf(values: ArrayLike<number>, height: number, width: number, pool: number): number[] {
  const means: number[] = [];
  for (let row = 0; row < values.length / width; row += pool) {
    for (let x = 0; x < width; x += pool) {
      let sum = 0;
      for (let i = 0; i < pool * pool; i++) sum += values[(row + Math.floor(i / pool)) * width + x + (i % pool)]!;
      means.push(sum / pool ** 2);
    }
  }
  expect(values.length % (height * width)).toBe(0);
  return means;
}

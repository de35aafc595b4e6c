/**
 * Three valid bundles with tiny models, for tests in which grades do not matter. The models read all of their input and
 * give the same output for the same input: slices inside the series, points inside the image, and severities that
 * differ between targets. The outputs mean nothing, but they change if an image is turned, moved or exchanged. Images
 * are small, so inference takes almost no time.
 *
 * Their outputs differ from those of the demo bundles in size only: 64 x 64 px volumes and images, 32 x 32 px crops.
 */

import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CONDITIONS, LEVELS, SEVERITIES, SIDES, type Stage, STAGE_NAMES } from '../../domain/index.ts';
import { type BundleMember, parseBundle } from '../../models/bundle.ts';
import { type CropWindow, promoteBundle, pushBundle, readBundleFolder } from '../../models/index.ts';
import type { ObjectStore } from '../../store/index.ts';
import { madeOnce } from './test-cache.ts';
import { type Constant, type Node, onnxModel } from './tiny-onnx.ts';

const TINY_NOTICE = 'Models for tests: what they say means nothing. NOT FOR CLINICAL USE.';
export const TINY_VERSION = '1.0.0';

const MAKERS = [
  'packages/shared/test/support/tiny-bundles.ts',
  'packages/shared/test/support/tiny-onnx.ts',
  'packages/shared/domain',
  'packages/shared/models/bundle.ts',
];

/** The folders of the three bundles, `tiny-stage1@1.0.0` and so on. Nothing may write into them. */
export async function tinyBundles(): Promise<Readonly<Record<Stage, string>>> {
  const folder = await madeOnce('bundles', {}, MAKERS, writeBundles);
  return Object.fromEntries(STAGE_NAMES.map((stage) => [stage, join(folder, stage)])) as Record<Stage, string>;
}

/** The options of `score`, `enqueue` and the like that choose them: `--models stage1=... --models stage2=...`. */
export async function tinyModels(): Promise<string[]> {
  return Object.entries(await tinyBundles()).flatMap(([stage, folder]) => ['--models', `${stage}=${folder}`]);
}

/** Pushes them into a store and promotes them, so that new runs use them by default. */
export async function promoteTinyBundles(store: ObjectStore): Promise<void> {
  for (const folder of Object.values(await tinyBundles())) {
    const { name, version } = await pushBundle(store, await readBundleFolder(folder));
    await promoteBundle(store, name, version);
  }
}

const SLICES = 32;
const SIZE: [number, number] = [64, 64];
const CROP: [number, number] = [32, 32];
const CROP_SLICES = 5;
const COMMON = {
  normalise: { method: 'percentile', low: 1, high: 99 },
  resize: { filter: 'bilinear', antialias: true },
};

async function writeBundles(folder: string): Promise<void> {
  const foramina = [...LEVELS.map(() => 3), ...LEVELS.map(() => -3)];
  const levels = LEVELS.map(() => 0);
  await writeBundle(join(folder, 'stage1'), 1, {
    input: { size: SIZE, slices: SLICES, ...COMMON },
    tasks: {
      scs: { 'scs-cls': clsModel(levels), 'scs-reg': regModel(levels) },
      nfn: { 'nfn-cls': clsModel(foramina), 'nfn-reg': regModel(foramina) },
    },
  });
  const down = LEVELS.map((_, level) => [0.5, 0.25 + 0.12 * level] as const);
  await writeBundle(join(folder, 'stage2'), 2, {
    input: { size: SIZE, channels: 3, ...COMMON },
    tasks: {
      scs: { 'scs-xy': xyModel(down) },
      nfn: { 'nfn-xy': xyModel(down) },
      ss: { 'ss-xy': xyModel(SIDES.map((side) => [side === 'left' ? 0.57 : 0.43, 0.5])) },
    },
  });
  const both = { sagittal: 1, axial: 2 };
  await writeBundle(join(folder, 'stage3'), 3, {
    tasks: {
      scs: { 'scs-severity': severityModel(both, 3) },
      nfn: { 'nfn-severity': severityModel(both, 4) },
      ss: { 'ss-severity': severityModel({ axial: 5 }, 6) },
    },
    crops: { space: 128, slices: CROP_SLICES, ...COMMON, windows: windows() },
    classes: SEVERITIES,
    classShares: Object.fromEntries(
      CONDITIONS.map((condition) => [condition, Object.fromEntries(LEVELS.map((level) => [level, [0.7, 0.2, 0.1]]))]),
    ),
  });
}

/** The windows of the demo bundle at a quarter of its scale. */
function windows(): CropWindow[] {
  const upper = LEVELS.slice(0, -1);
  const lowest = LEVELS.slice(-1);
  const all = [...LEVELS];
  return [
    { kind: 'sagittal_t2', side: 'middle', levels: upper, left: 24, right: 8, top: 10, bottom: 10, to: CROP },
    { kind: 'sagittal_t2', side: 'middle', levels: lowest, left: 24, right: 8, top: 5, bottom: 15, to: CROP },
    ...SIDES.flatMap((side): CropWindow[] => [
      { kind: 'sagittal_t1', side, levels: upper, left: 24, right: 16, top: 8, bottom: 8, to: CROP },
      { kind: 'sagittal_t1', side, levels: lowest, left: 24, right: 16, top: 5, bottom: 11, to: CROP },
    ]),
    { kind: 'axial_t2', side: 'middle', levels: all, left: 24, right: 24, top: 24, bottom: 24, to: CROP },
    { kind: 'axial_t2', side: 'left', levels: all, left: 12, right: 36, top: 24, bottom: 24, to: CROP },
    { kind: 'axial_t2', side: 'right', levels: all, left: 36, right: 12, top: 24, bottom: 24, to: CROP },
  ];
}

interface Contents {
  /** Models by task and name; the name ends in the kind of member. */
  readonly tasks: Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;
  readonly [field: string]: unknown;
}

async function writeBundle(folder: string, stage: 1 | 2 | 3, { tasks, ...rest }: Contents): Promise<void> {
  await mkdir(folder, { recursive: true });
  const described: Record<string, { members: BundleMember[] }> = {};
  for (const [task, models] of Object.entries(tasks)) {
    described[task] = { members: [] };
    for (const [name, bytes] of Object.entries(models)) {
      const file = `${name}.onnx`;
      await writeFile(join(folder, file), bytes);
      described[task].members.push({
        file,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        bytes: bytes.byteLength,
        kind: name.slice(name.indexOf('-') + 1) as BundleMember['kind'],
        weight: 1,
        architecture: 'a few operations',
        trained: false,
      } as BundleMember);
    }
  }
  const manifest = JSON.stringify({
    schema: 'spineline.bundle/1',
    name: `tiny-stage${stage}`,
    version: TINY_VERSION,
    stage,
    trained: false,
    notice: TINY_NOTICE,
    origin: { data: 'none', commit: 'none', created: '2026-01-01', metrics: {} },
    ...rest,
    tasks: described,
  });
  parseBundle(manifest, folder);
  await writeFile(join(folder, 'bundle.json'), manifest);
}

/**
 * Operations that give the centre of mass of a tensor along one of its axes, as a fraction, with dimensions [batch, 1,
 * 1].
 *
 * @param dims of the input, the batch first.
 */
function centreOfMass(input: string, dims: readonly number[], axis: number): { nodes: Node[]; constants: Constant[] } {
  const axes = dims.map((_, at) => at + 1);
  const name = `${input}-${axis}`;
  const ramp = Array.from({ length: dims[axis - 1]! }, (_, i) => (i + 0.5) / dims[axis - 1]!);
  const rampDims = [1, ...dims.map((size, at) => (at + 1 === axis ? size : 1))];
  // All axes except the last are reduced first, so that three dimensions are left for any input.
  const mean = (of: string, to: string): Node[] => [
    { op: 'ReduceMean', inputs: [of], output: `${to}-kept`, attributes: { axes: axes.slice(2), keepdims: 0 } },
    { op: 'ReduceMean', inputs: [`${to}-kept`], output: to, attributes: { axes: [1, 2], keepdims: 1 } },
  ];
  return {
    nodes: [
      { op: 'Mul', inputs: [input, `${name}-ramp`], output: `${name}-weighted` },
      ...mean(`${name}-weighted`, `${name}-moment`),
      ...mean(input, `${name}-mass`),
      { op: 'Add', inputs: [`${name}-mass`, `${name}-least`], output: `${name}-total` },
      { op: 'Div', inputs: [`${name}-moment`, `${name}-total`], output: `${name}-centre` },
    ],
    constants: [
      { name: `${name}-ramp`, dims: rampDims, data: ramp },
      { name: `${name}-least`, dims: [1], data: [1e-6] },
    ],
  };
}

const VOLUME = [1, SLICES, ...SIZE] as const;
const [ALONG_SLICES, ALONG_ROWS, ALONG_COLUMNS] = [2, 3, 4];

/**
 * Logits per slice with their peak near the centre of mass of the volume, moved by the brightness of the slices.
 *
 * @param offsets of each output from the centre, in slices.
 */
function clsModel(offsets: readonly number[]): Uint8Array {
  const { nodes, constants } = centreOfMass('volume', VOLUME, ALONG_SLICES);
  return onnxModel(
    [{ name: 'volume', dims: ['batch', ...VOLUME] }],
    { name: 'logits', dims: ['batch', offsets.length, SLICES] },
    [
      ...nodes,
      { op: 'Mul', inputs: [`volume-${ALONG_SLICES}-centre`, 'depth'], output: 'centre' },
      { op: 'Add', inputs: ['centre', 'offsets'], output: 'peaks' },
      { op: 'Sub', inputs: ['places', 'peaks'], output: 'distances' },
      { op: 'Mul', inputs: ['distances', 'distances'], output: 'squares' },
      { op: 'Mul', inputs: ['squares', 'steepness'], output: 'bumps' },
      { op: 'ReduceMean', inputs: ['volume'], output: 'brightness', attributes: { axes: [3, 4], keepdims: 0 } },
      { op: 'Add', inputs: ['bumps', 'brightness'], output: 'logits' },
    ],
    [
      ...constants,
      { name: 'depth', dims: [1], data: [SLICES] },
      { name: 'offsets', dims: [1, offsets.length, 1], data: offsets },
      { name: 'places', dims: [1, 1, SLICES], data: Array.from({ length: SLICES }, (_, i) => i + 0.5) },
      { name: 'steepness', dims: [1], data: [-0.2] },
    ],
  );
}

/**
 * Points around the centre of mass of the volume, the levels below one another. @param offsets see {@link clsModel}.
 */
function regModel(offsets: readonly number[]): Uint8Array {
  const axes = [ALONG_COLUMNS, ALONG_ROWS, ALONG_SLICES].map((axis) => centreOfMass('volume', VOLUME, axis));
  const places = offsets.map((offset, output) => {
    const level = output % LEVELS.length;
    return [0.5, 0.25 + 0.12 * level, (offset - 0.5) / SLICES] as const;
  });
  return onnxModel(
    [{ name: 'volume', dims: ['batch', ...VOLUME] }],
    { name: 'coordinates', dims: ['batch', offsets.length, 3] },
    [
      ...axes.flatMap(({ nodes }) => nodes),
      ...aroundCentre(['volume-4-centre', 'volume-3-centre', 'volume-2-centre'], 'coordinates'),
    ],
    [...axes.flatMap(({ constants }) => constants), ...aroundCentreConstants(places, [0.2, 0.2, 1])],
  );
}

const IMAGE = [3, ...SIZE] as const;

/**
 * Points around the centre of mass of the image. @param places the points if the centre of mass is the middle of the
 * image.
 */
function xyModel(places: readonly (readonly [number, number])[]): Uint8Array {
  const axes = [3, 2].map((axis) => centreOfMass('image', IMAGE, axis));
  return onnxModel(
    [{ name: 'image', dims: ['batch', ...IMAGE] }],
    { name: 'xy', dims: ['batch', places.length, 2] },
    [...axes.flatMap(({ nodes }) => nodes), ...aroundCentre(['image-3-centre', 'image-2-centre'], 'xy')],
    [...axes.flatMap(({ constants }) => constants), ...aroundCentreConstants(places, [0.2, 0.2])],
  );
}

/** output = places + gains * centres, where the constants of {@link aroundCentreConstants} say what these are. */
function aroundCentre(centres: readonly string[], output: string): Node[] {
  return centres.flatMap((centre, axis) => [
    { op: 'Mul', inputs: [centre, `gain-${axis}`], output: `moved-${axis}` },
    {
      op: 'Add',
      inputs: [axis === 0 ? 'places' : `sum-${axis - 1}`, `moved-${axis}`],
      output: axis === centres.length - 1 ? output : `sum-${axis}`,
    },
  ]);
}

function aroundCentreConstants(places: readonly (readonly number[])[], gains: readonly number[]): Constant[] {
  const dims = [1, places.length, gains.length];
  // A centre of 0.5 moves nothing, except in depth, where the volume ends in padding.
  const fromMiddle = places.flatMap((place) => place.map((at, axis) => (axis < 2 ? at - gains[axis]! / 2 : at)));
  return [
    { name: 'places', dims, data: fromMiddle },
    ...gains.map((gain, axis) => ({
      name: `gain-${axis}`,
      dims,
      data: places.flatMap(() => gains.map((_, at) => (at === axis ? gain : 0))),
    })),
  ];
}

/** Logits as weighted sums of every pixel. @param views inputs, each with the seed of its weights. */
function severityModel(views: Readonly<Record<string, number>>, seed: number): Uint8Array {
  const pixels = CROP_SLICES * CROP[0] * CROP[1];
  const names = Object.keys(views);
  return onnxModel(
    names.map((name) => ({ name, dims: ['batch', CROP_SLICES, ...CROP] })),
    { name: 'logits', dims: ['batch', SEVERITIES.length] },
    [
      ...names.flatMap((name): Node[] => [
        { op: 'Flatten', inputs: [name], output: `${name}-pixels`, attributes: { axis: 1 } },
        { op: 'MatMul', inputs: [`${name}-pixels`, `${name}-weights`], output: `${name}-logits` },
      ]),
      ...names.map((name, i): Node => {
        const sum = i === 0 ? 'bias' : `sum-${i - 1}`;
        return { op: 'Add', inputs: [sum, `${name}-logits`], output: i === names.length - 1 ? 'logits' : `sum-${i}` };
      }),
    ],
    [
      { name: 'bias', dims: [1, SEVERITIES.length], data: weights(SEVERITIES.length, seed, 1) },
      ...Object.entries(views).map(([name, own]) => ({
        name: `${name}-weights`,
        dims: [pixels, SEVERITIES.length],
        data: weights(pixels * SEVERITIES.length, own, 0.05),
      })),
    ],
  );
}

/** Numbers between -size and size, the same for the same seed: a linear congruential generator (Numerical Recipes). */
function weights(count: number, seed: number, size: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return size * (2 * (state / 2 ** 32) - 1);
  });
}

/**
 * What the numeric steps of one study cost, in ms of CPU on one thread: 47 slices of 512 x 512 px, with the settings of
 * the demo bundles.
 *
 *   npm run bench:imaging -- [--against CHECKOUT] [--rounds 20]
 *
 * --against is another checkout of this repository. It is measured in turns with this one, and its results are compared
 * with this one's, bit by bit.
 */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LEVELS, SIDES } from '../packages/shared/domain/index.ts';
import { mulberry32 } from '../packages/shared/evaluation/index.ts';
import type * as Imaging from '../packages/shared/imaging/index.ts';

const { values: options } = parseArgs({
  options: { against: { type: 'string' }, rounds: { type: 'string', default: '20' } },
});
const rounds = Number(options.rounds);

const root = resolve(import.meta.dirname, '..');
const load = (checkout: string): Promise<typeof Imaging> =>
  import(join(resolve(checkout), 'packages/shared/imaging/index.ts'));
const versions = [await load(root), ...(options.against ? [await load(options.against)] : [])];

const bundle = (stage: number) => JSON.parse(readFileSync(join(root, `models/demo/stage${stage}/bundle.json`), 'utf8'));
const volume = bundle(1).input;
const xy = bundle(2).input;
const { crops } = bundle(3);

const SIZE = 512;
const random = mulberry32(1);
/** Like a scan: whole numbers, noise in air, a bright ellipse. */
const series = (slices: number) => Array.from({ length: slices }, slice);
const sagittalT2 = series(15);
const sagittalT1 = series(15);
const axial = series(17);

function slice(): Imaging.Image {
  const data = Float32Array.from({ length: SIZE ** 2 }, (_, i) => {
    const inside = ((i % SIZE) / SIZE - 0.5) ** 2 + (i / SIZE ** 2 - 0.4) ** 2 < 0.1;
    return Math.floor((inside ? 900 : 40) * (0.5 + random()));
  });
  return { data, height: SIZE, width: SIZE };
}

/** Slices whose distance to the middle one is at most `radius`. */
const around = (stack: readonly Imaging.Image[], middle: number, radius: number) =>
  stack.slice(middle - radius, middle + radius + 1);

/** The slices of the levels: the same or the next one in sagittal series, others in the axial series. */
const PLACES = [
  { kind: 'sagittal_t2', side: 'middle', stack: sagittalT2, at: [7, 7, 7, 7, 8] },
  { kind: 'sagittal_t1', side: 'left', stack: sagittalT1, at: [10, 10, 11, 11, 11] },
  { kind: 'sagittal_t1', side: 'right', stack: sagittalT1, at: [4, 4, 3, 4, 4] },
  ...(['middle', ...SIDES] as const).map((side) => ({ kind: 'axial_t2', side, stack: axial, at: [2, 5, 8, 11, 14] })),
];
const PLANS = PLACES.flatMap(({ kind, side, stack, at }) =>
  at.map((middle, level) => ({
    slices: around(stack, middle, (crops.slices - 1) / 2),
    key: `${kind} ${middle}`,
    centre: { x: 250 + 7 * level, y: 90 + 80 * level },
    window: crops.windows.find(
      (window: { kind: string; side: string; levels: string[] }) =>
        window.kind === kind && window.side === side && window.levels.includes(LEVELS[level]!),
    ),
  })),
);
const XY_IMAGES = [
  around(sagittalT2, 7, 1),
  around(sagittalT1, 11, 1),
  around(sagittalT1, 4, 1),
  ...[2, 5, 8, 11, 14].map((middle) => around(axial, middle, 1)),
];

type Work = (imaging: typeof Imaging) => readonly (Float32Array | number)[];

/** One call each, at the sizes of a study. */
const CALLS: Readonly<Record<string, Work>> = {
  'resize a slice, 512 x 512 to 384 x 384': (imaging) => [
    imaging.resizeBilinear(sagittalT2[0]!, 384, 384, { antialias: true }),
  ],
  'resize a window, 80 x 128 to 128 x 224': (imaging) => [
    imaging.resizeBilinear({ data: sagittalT2[0]!.data.subarray(0, 80 * 128), height: 80, width: 128 }, 128, 224, {
      antialias: true,
    }),
  ],
  'percentiles of five slices, 512 x 512': (imaging) => {
    const stacks = around(sagittalT2, 7, 2).map(({ data }) => data);
    return Object.values(imaging.percentiles(stacks, 1, 99));
  },
  'normalise a slice, 512 x 512': (imaging) => {
    const data = sagittalT2[0]!.data.slice();
    imaging.normaliseInPlace(data, 20.25, 1320.5);
    return [data];
  },
  'turn a slice: transpose and one flip': (imaging) => [
    imaging.turnImage(sagittalT2[0]!, { transpose: true, flipX: true, flipY: false }).data,
  ],
  'turn a slice: two flips': (imaging) => [
    imaging.turnImage(sagittalT2[0]!, { transpose: false, flipX: true, flipY: true }).data,
  ],
};

/** All calls of a study. */
const STUDY: Readonly<Record<string, Work>> = {
  '2 volumes of 15 slices': (imaging) =>
    [sagittalT2, sagittalT1].map((stack) => imaging.volumeTensor(stack, volume).tensor),
  '8 images of three slices': (imaging) => XY_IMAGES.map((slices) => imaging.xyTensor(slices, xy).tensor),
  '30 crops of five slices': (imaging) => {
    const spaces = new imaging.CropSpaces(crops);
    const made = new Map<string, Imaging.CropSpace>();
    return PLANS.map(({ slices, key, centre, window }) => {
      const space = made.get(key) ?? spaces.of(slices);
      made.set(key, space);
      return imaging.cutCrop(space, centre, window, crops.resize.antialias);
    });
  },
};

/** Whether two results have the same bits. */
function same(one: ReturnType<Work>, other: ReturnType<Work>): boolean {
  const bits = (value: Float32Array | number) => {
    const { buffer, byteOffset, byteLength } = typeof value === 'number' ? Float64Array.of(value) : value;
    return Buffer.from(buffer, byteOffset, byteLength);
  };
  return one.length === other.length && one.every((value, i) => bits(value).equals(bits(other[i]!)));
}

/** The least ms of CPU of a call, for each version: other work on the machine makes calls slower, never faster. */
function measure(work: Work): number[] {
  const spent = versions.map(() => Infinity);
  const warmUp = 5;
  for (let round = -warmUp; round < rounds; round++) {
    versions.forEach((imaging, version) => {
      const before = process.cpuUsage();
      work(imaging);
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) spent[version] = Math.min(spent[version]!, (user + system) / 1000);
    });
  }
  return spent;
}

const total = versions.map(() => 0);
const row = (name: string, cells: readonly string[]) =>
  console.log(name.padEnd(42) + cells.map((cell) => cell.padStart(12)).join(''));
const ms = (values: readonly number[]) => values.map((value) => value.toFixed(2));

row('ms of CPU', ['here', ...(options.against ? ['against', 'results'] : [])]);
for (const [title, works] of [
  ['per call', CALLS],
  ['per study', STUDY],
] as const) {
  console.log(`\n${title}`);
  for (const [name, work] of Object.entries(works)) {
    const [here, there] = versions.map((imaging) => work(imaging));
    const spent = measure(work);
    if (works === STUDY) spent.forEach((one, version) => (total[version]! += one));
    row(name, [...ms(spent), ...(there ? [same(here!, there) ? 'the same' : 'DIFFERENT'] : [])]);
  }
}
row('all', ms(total));

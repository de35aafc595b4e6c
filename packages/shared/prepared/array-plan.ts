/** Plans the arrays of a prepared dataset: shapes and element types, from the bundles' settings and the options. */

import { BundleError, ConfigError, LEVELS, SIDES, TARGETS } from '../domain/index.ts';
import type { NpyDtype } from '../imaging/index.ts';
import type { BundleOf, CropSettings } from '../models/index.ts';
import { CROP_ARRAYS, type CropArray, type CropRoom, arrayOf, cropRows } from '../stages/index.ts';
import type { PreparedDataset, PrepareOptions } from './records.ts';

/** The settings of the bundles that decide how pixels become tensors. */
export interface PrepareSettings {
  readonly stage1: BundleOf<1>['input'];
  readonly stage2: BundleOf<2>['input'];
  readonly stage3: CropSettings;
}

/** One array of a study. A shard stacks the arrays of its studies. */
export interface ArrayShape {
  readonly shape: readonly number[];
  readonly dtype: NpyDtype;
}

export interface ArrayPlan {
  /** By name, in the order in which they are written. */
  readonly arrays: Readonly<Record<string, ArrayShape>>;
  /** Room around the crops, px before pooling. */
  readonly room: CropRoom;
  readonly windows: PreparedDataset['windows'];
}

/** Channels that the XY models see. */
const XY_CHANNELS = 3;
/** [images per study, points per image] of each XY model. */
const XY_IMAGES = { scs: [1, LEVELS.length], nfn: [SIDES.length, LEVELS.length], ss: [LEVELS.length, SIDES.length] };
export type XyTask = keyof typeof XY_IMAGES;

/** @throws {ConfigError} if a size cannot be divided by its pool. */
export function planArrays(settings: PrepareSettings, options: PrepareOptions): ArrayPlan {
  const { stages, dtype, pool, xyRoomSlices, cropRoomSlices } = options;
  const image: NpyDtype = dtype === 'exact' ? '<f4' : dtype === 'float16' ? '<f2' : '|u1';
  const arrays: Record<string, ArrayShape> = {};
  if (stages.includes(1)) {
    const { slices, size } = settings.stage1;
    const pooled = pooledSize(size, pool.stage1, 1);
    for (const [task, targets] of [['scs', LEVELS.length] as const, ['nfn', SIDES.length * LEVELS.length] as const]) {
      arrays[`stage1_${task}.volume`] = { shape: [slices, ...pooled], dtype: image };
      arrays[`stage1_${task}.target`] = { shape: [targets, 3], dtype: '<f4' };
      arrays[`stage1_${task}.slices`] = { shape: [], dtype: '<i4' };
    }
  }
  if (stages.includes(2)) {
    const pooled = pooledSize(settings.stage2.size, pool.stage2, 2);
    for (const [task, [images, points]] of Object.entries(XY_IMAGES)) {
      const channels = XY_CHANNELS + 2 * xyRoomSlices;
      arrays[`stage2_${task}.image`] = { shape: [images!, channels, ...pooled], dtype: image };
      arrays[`stage2_${task}.target`] = { shape: [images!, points!, 2], dtype: '<f4' };
      arrays[`stage2_${task}.present`] = { shape: [images!], dtype: '|u1' };
    }
  }
  const { room, windows } = roomOf(settings.stage3, options);
  if (stages.includes(3)) {
    for (const name of CROP_ARRAYS) {
      const rows = cropRows(name);
      const slices = settings.stage3.slices + 2 * cropRoomSlices;
      arrays[`stage3.${name}`] = { shape: [rows, slices, ...windows[name]!.size], dtype: image };
      arrays[`stage3.${name}.present`] = { shape: [rows], dtype: '|u1' };
    }
  }
  arrays.severity = { shape: [TARGETS.length], dtype: '|i1' };
  return { arrays, room, windows: stages.includes(3) ? windows : {} };
}

function pooledSize([height, width]: readonly [number, number], pool: number, stage: number): [number, number] {
  if (height % pool !== 0 || width % pool !== 0) {
    throw new ConfigError(`stage ${stage} cannot be pooled by ${pool}`, {
      expected: 'a number that divides height and width',
      found: `${height} x ${width}`,
      hint: '--pool takes one number each for stages 1, 2 and 3',
    });
  }
  return [height / pool, width / pool];
}

/**
 * The room of every crop array. For all its windows it is at least `cropRoomPx`, and a whole number of px both of the
 * space and after pooling.
 */
function roomOf(
  settings: CropSettings,
  { pool: { stage3: pool }, cropRoomPx, cropRoomSlices }: PrepareOptions,
): Required<Pick<ArrayPlan, 'room'>> & { windows: Required<PreparedDataset['windows']> } {
  const entries = CROP_ARRAYS.map((array) => {
    const own = settings.windows.filter((window) => arrayOf(window) === array);
    if (own.length === 0) throw new BundleError('BUNDLE_INVALID', `the bundle has no crop window for ${array}`);
    const [height, width] = pooledSize(own[0]!.to, pool, 3);
    const down = smallestRoom(
      own.map(({ top, bottom, to }) => [top + bottom, to[0]]),
      pool,
      cropRoomPx,
    );
    const across = smallestRoom(
      own.map(({ left, right, to }) => [left + right, to[1]]),
      pool,
      cropRoomPx,
    );
    const room = { left: across, right: across, top: down, bottom: down };
    const windows = own.map(({ kind, ...window }) => {
      const y = (down * pool * (window.top + window.bottom)) / window.to[0];
      const x = (across * pool * (window.left + window.right)) / window.to[1];
      return { ...window, roomPx: { left: x, right: x, top: y, bottom: y } };
    });
    const size: [number, number] = [height + 2 * down, width + 2 * across];
    return [array, { pixels: { height: down * pool, width: across * pool }, window: { size, room, windows } }] as const;
  });
  const of = <T>(pick: (entry: (typeof entries)[number][1]) => T) =>
    Object.fromEntries(entries.map(([array, entry]) => [array, pick(entry)])) as Record<CropArray, T>;
  return {
    room: { slices: cropRoomSlices, pixels: of(({ pixels }) => pixels) },
    windows: of(({ window }) => window),
  };
}

/**
 * The smallest room in pooled px that is a whole number of px of the space, and at least `leastPx`, for each window.
 *
 * @param windows [px of the space, px that they are resized to].
 */
function smallestRoom(windows: readonly (readonly [number, number])[], pool: number, leastPx: number): number {
  for (let room = 0; ; room++) {
    // A room of the window's own size always fits, so this ends.
    if (windows.every(([from, to]) => (room * pool * from) % to === 0 && (room * pool * from) / to >= leastPx))
      return room;
  }
}

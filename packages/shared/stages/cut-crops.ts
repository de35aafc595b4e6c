/** Cuts the planned crops out of the slices. Source of the rules: docs/pipeline.md, "Crop plan". */

import {
  type CropSpace,
  CropSpaces,
  centralSlices,
  cutCrop,
  type Image,
  spaceCentre,
  widenWindow,
} from '../imaging/index.ts';
import type { CropSettings } from '../models/index.ts';
import type { CropArray, IndexedSlice, SeriesIndex } from './artefacts.ts';
import { type CropPlan, windowFor } from './crop-plan.ts';
import { seriesOf } from './indexed-series.ts';

/** How much larger crops for training are than those of the models, so that training can shift them. */
export interface CropRoom {
  /** Slices at each end. */
  readonly slices: number;
  /** Px of the resized window on each side. */
  readonly pixels: Readonly<Record<CropArray, { readonly height: number; readonly width: number }>>;
}

/**
 * The crops of the plans, one after the other: float32 of `shape` [slices, height, width]. With `room` each crop is
 * larger. Its centre equals the crop without room, except for the outermost pixels (`widenWindow`).
 *
 * @param read returns the pixels of a slice.
 */
export async function* cropsOf(
  index: SeriesIndex,
  plans: readonly CropPlan[],
  settings: CropSettings,
  read: (slice: IndexedSlice) => Promise<Image>,
  room?: CropRoom,
): AsyncGenerator<{ plan: CropPlan; crop: Float32Array; shape: number[]; constant: boolean }> {
  const count = settings.slices + 2 * (room?.slices ?? 0);
  // Levels and sides often share slices.
  const made = new CropSpaces(settings);
  const spaces = new Map<string, CropSpace>();
  for (const plan of plans) {
    const series = seriesOf(index, plan.series);
    const indices = centralSlices(plan.index, (count - 1) / 2, series.slices.length);
    const key = `${plan.series}/${indices.join(',')}`;
    let space = spaces.get(key);
    if (!space) {
      const images: Image[] = [];
      for (const place of indices) images.push(await read(series.slices[place]!));
      space = made.of(images, room?.slices);
      spaces.set(key, space);
    }
    const served = windowFor(settings, series.kind, plan);
    const window = room ? widenWindow(served, room.pixels[plan.array]) : served;
    const centre = spaceCentre(plan, { height: 1, width: 1 }, settings.space);
    const crop = cutCrop(space, centre, window, settings.resize.antialias);
    yield { plan, crop, shape: [count, ...window.to], constant: space.constant };
  }
}

/** Finds out where the planned crops are cut. Source of the rules: docs/pipeline.md, "Crop plan". */

import type { Allocate } from '../dicom/index.ts';
import type { PixelData } from '../domain/index.ts';
import {
  type CropSpace,
  CropSpaces,
  centralSlices,
  type Image,
  type Point,
  spaceCentre,
  type WindowReach,
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

/** A space, and the windows that are cut from it: of crops that show the same slices. */
export interface SpaceWindows {
  readonly space: CropSpace;
  /** `centre` in px of the space. */
  readonly windows: readonly { readonly plan: CropPlan; readonly centre: Point; readonly window: WindowReach }[];
}

/**
 * The spaces of the plans, one after the other, each with the windows of its crops. With `room` each window is larger.
 * Its centre equals the window without room, except for the outermost pixels (`widenWindow`).
 *
 * @param read returns the pixels of a slice.
 * @param allocate gives the memory of the spaces; default: new arrays.
 * @throws {BundleError} `BUNDLE_INVALID` if a plan has no window.
 */
export async function* spacesOf(
  index: SeriesIndex,
  plans: readonly CropPlan[],
  settings: CropSettings,
  read: (slice: IndexedSlice) => Promise<Image<PixelData>>,
  { room, allocate }: { readonly room?: CropRoom | undefined; readonly allocate?: Allocate | undefined } = {},
): AsyncGenerator<SpaceWindows> {
  const count = settings.slices + 2 * (room?.slices ?? 0);
  const slicesAround = ({ series, index: place }: CropPlan) => {
    const { slices } = seriesOf(index, series);
    return centralSlices(place, (count - 1) / 2, slices.length).map((one) => slices[one]!);
  };
  const windowAt = (plan: CropPlan) => {
    const served = windowFor(settings, seriesOf(index, plan.series).kind, plan);
    return {
      plan,
      centre: spaceCentre(plan, { height: 1, width: 1 }, settings.space),
      window: room ? widenWindow(served, room.pixels[plan.array]) : served,
    };
  };
  // Crops around the same slice of a series show the same slices. Others may share some of them.
  const together = Map.groupBy(plans, ({ series, index: place }) => `${series}/${place}`);
  const made = new CropSpaces(settings, allocate);
  for (const group of together.values()) {
    const images: Image<PixelData>[] = [];
    for (const slice of slicesAround(group[0]!)) images.push(await read(slice));
    yield { space: made.of(images, room?.slices), windows: group.map(windowAt) };
  }
}

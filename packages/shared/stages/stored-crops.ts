/**
 * How the crops of a study are stored: `crops.json` and `crops.u12`. Stored are the pixels before they are resized, so
 * that none is stored twice: the windows of a level overlap, and resizing makes more pixels of them.
 *
 * `crops.u12` holds regions of the space, one after the other, in the order of `regions` in `crops.json`. A region is
 * an array [slices, height, width] in C order of numbers from 0 to 4095, which stand for 0 to 1. Two numbers a and b
 * take three bytes:
 *
 * - byte 0: the low 8 bits of a;
 * - byte 1: the high 4 bits of a in bits 0 to 3, the low 4 bits of b in bits 4 to 7;
 * - byte 2: the high 8 bits of b.
 *
 * Each region starts with a new byte 0: after an odd count of numbers the last b is 0. There is no header.
 *
 * `crops.json` says for each row of each array where its window lies in a region. Pixels of a window that lie outside
 * its region are outside the image and are 0. To make the row, cut out the window and resize it to `to`
 * (docs/pipeline.md, "Normalising and resizing"). How to do it in Python: docs/results.md, "Stage outputs".
 */

import type { Allocate } from '../dicom/index.ts';
import { BundleError, type PixelData } from '../domain/index.ts';
import {
  cropOf,
  cutRegion,
  type Image,
  insideSpace,
  joinBoxes,
  packedBytes,
  packTwelveBits,
  placeIn,
  type Region,
  unpackTwelveBits,
  windowOf,
} from '../imaging/index.ts';
import type { CropSettings } from '../models/index.ts';
import type { CropArray, CropsArtefact, IndexedSlice, SeriesIndex } from './artefacts.ts';
import { type CropPlan, cropRows, flagsOfConstant } from './crop-plan.ts';
import { spacesOf } from './cut-crops.ts';

/** The object that holds the regions. */
export const REGIONS_FILE = 'crops.u12';

/**
 * Cuts the planned crops out of the slices and packs them.
 *
 * @param read returns the pixels of a slice.
 * @param allocate gives memory that is no part of the result; default: new arrays.
 * @returns `crops.json`, and the bytes of `crops.u12`.
 * @throws {BundleError} `BUNDLE_INVALID` if a plan has no window, or two windows of an array have different sizes.
 */
export async function packCrops(
  index: SeriesIndex,
  plans: readonly CropPlan[],
  settings: CropSettings,
  read: (slice: IndexedSlice) => Promise<Image<PixelData>>,
  allocate?: Allocate,
): Promise<{ crops: CropsArtefact; bytes: Uint8Array<ArrayBuffer> }> {
  const crops: CropsArtefact = {
    schema: 'spineline.crops/2',
    resize: settings.resize,
    regions: [],
    arrays: {},
    flags: [],
  };
  const packed: Uint8Array[] = [];
  const constant = new Set<CropPlan>();
  for await (const { space, windows } of spacesOf(index, plans, settings, read, { allocate })) {
    const boxes = windows.map(({ centre, window }) => windowOf(centre, window));
    const { regions, regionOf } = joinBoxes(boxes.map((box) => insideSpace(box, settings.space)));
    const before = crops.regions.length;
    for (const [i, { plan, window }] of windows.entries()) {
      const region = regionOf[i]!;
      const place = placeIn(regions[region]!, boxes[i]!);
      rowsOf(crops, plan.array, window.to)[plan.row] = { region: before + region, ...place };
      if (space.constant) constant.add(plan);
    }
    for (const box of regions) {
      const { numbers, ...shape } = cutRegion(space, box);
      crops.regions.push(shape);
      packed.push(packTwelveBits(numbers));
    }
  }
  crops.flags = flagsOfConstant(
    plans,
    plans.map((plan) => constant.has(plan)),
  );
  return { crops, bytes: joined(packed) };
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function rowsOf(crops: CropsArtefact, name: CropArray, to: readonly [number, number]) {
  const array = (crops.arrays[name] ??= { to: [...to], rows: new Array(cropRows(name)).fill(null) });
  if (array.to.join() !== to.join()) {
    throw new BundleError('BUNDLE_INVALID', `the crop windows of ${name} have different output sizes`, {
      expected: array.to.join(' x '),
      found: to.join(' x '),
    });
  }
  return array.rows;
}

/** The crops that stage 2 stored, as the models get them. */
export class StoredCrops {
  readonly #crops: CropsArtefact;
  readonly #bytes: Uint8Array;
  /** Where each region starts, and the end of the last. */
  readonly #starts: readonly number[];
  readonly #regions = new Map<number, Region>();

  /** @throws {RangeError} if the regions do not take as many bytes. */
  constructor(crops: CropsArtefact, bytes: Uint8Array) {
    this.#crops = crops;
    this.#bytes = bytes;
    const starts = [0];
    for (const { slices, height, width } of crops.regions) {
      starts.push(starts.at(-1)! + packedBytes(slices * height * width));
    }
    this.#starts = starts;
    if (starts.at(-1) !== bytes.length) {
      throw new RangeError(`the regions of crops.json take ${starts.at(-1)} bytes; found ${bytes.length}`);
    }
  }

  /** float32 [slices, ...to] in [0, 1] of a row of an array; `undefined` if the study has no such view. */
  row(name: CropArray, row: number): Float32Array | undefined {
    const array = this.#crops.arrays[name];
    const window = array?.rows[row];
    if (!array || !window) return undefined;
    return cropOf(this.#region(window.region), window, array.to, this.#crops.resize.antialias);
  }

  #region(index: number): Region {
    let region = this.#regions.get(index);
    if (!region) {
      const shape = this.#crops.regions[index];
      if (!shape) throw new RangeError(`crops.json has no region ${index}`);
      const bytes = this.#bytes.subarray(this.#starts[index], this.#starts[index + 1]);
      region = { ...shape, numbers: unpackTwelveBits(bytes, shape.slices * shape.height * shape.width) };
      this.#regions.set(index, region);
    }
    return region;
  }
}

/**
 * The tasks of compute threads, one function per task: they decode DICOM and prepare tensors. They take bytes and settings
 * and return arrays. Fetching, inference and writing happen elsewhere.
 */

import { createHash } from 'node:crypto';
import type { StudyEntry } from '../dataset/index.ts';
import { type DicomImage, openImage } from '../dicom/index.ts';
import { BundleError, type Flag, SpinelineError } from '../domain/index.ts';
import { UPRIGHT } from '../geometry/index.ts';
import { type Image, readNpy, turnImage, writeNpy, xyTensor } from '../imaging/index.ts';
import type { BundleOf, CropSettings, Sample } from '../models/index.ts';
import { describeLocation, type FetchedFile } from '../sources/index.ts';
import {
  type CropArray,
  type CropPlan,
  type CropsArtefact,
  cropRows,
  cropsOf,
  flagsOfConstant,
  type IndexedSlice,
  indexStudy,
  type SeriesIndex,
  type Stage1Task,
  stage1Volumes,
  timeDecoding,
  type Volume,
  type XyImage,
} from '../stages/index.ts';

/** Files by location. */
export type Files = ReadonlyMap<string, FetchedFile>;

/** Stage 1: the series index and the volumes of the 3D models. */
export async function prepareStage1(input: {
  study: StudyEntry;
  files: Files;
  input: BundleOf<1>['input'];
}): Promise<{ index: SeriesIndex; volumes: Partial<Record<Stage1Task, Volume>>; flags: Flag[] }> {
  const study = await indexStudy(input.study, input.files);
  const { volumes, flags } = stage1Volumes(study, input.input);
  return { index: study.index, volumes, flags };
}

/** Stage 2: one sample per image, float32 [3, height, width], and which images have the same value everywhere. */
export async function prepareXy(input: {
  study: string;
  images: readonly XyImage[];
  files: Files;
  input: BundleOf<2>['input'];
}): Promise<{ samples: Sample[]; constant: boolean[] }> {
  const reader = new SliceReader(input.study, input.files);
  const samples: Sample[] = [];
  const constants: boolean[] = [];
  for (const { slices } of input.images) {
    const [before, at, after] = await Promise.all(slices.map((slice) => reader.read(slice)));
    const { tensor, constant } = xyTensor([before!, at!, after!], input.input);
    const [height, width] = input.input.size;
    samples.push({ image: { dims: [3, height, width], data: tensor } });
    constants.push(constant);
  }
  return { samples, constant: constants };
}

/** Stage 2: the crop arrays as `.npy` bytes, and which rows of them hold an image. */
export async function cutCrops(input: {
  study: string;
  index: SeriesIndex;
  plans: readonly CropPlan[];
  files: Files;
  settings: CropSettings;
}): Promise<{ crops: CropsArtefact; arrays: Record<string, Uint8Array> }> {
  const { settings, plans } = input;
  const reader = new SliceReader(input.study, input.files);
  const arrays = new Map<CropArray, { shape: number[]; data: Float16Array<ArrayBuffer>; present: boolean[] }>();
  const constants: boolean[] = [];
  for await (const { plan, crop, shape, constant } of cropsOf(input.index, plans, settings, (slice) =>
    reader.read(slice),
  )) {
    const array = arrayFor(arrays, plan.array, [cropRows(plan.array), ...shape]);
    array.data.set(crop, plan.row * crop.length);
    array.present[plan.row] = true;
    constants.push(constant);
  }
  const crops: CropsArtefact = { schema: 'spineline.crops/1', arrays: {}, flags: flagsOfConstant(plans, constants) };
  const files: Record<string, Uint8Array> = {};
  for (const [name, { shape, data, present }] of arrays) {
    const file = `${name}.npy`;
    crops.arrays[name] = { file, shape, present };
    files[file] = writeNpy(data, shape);
  }
  return { crops, arrays: files };
}

/** Stage 3: float32 rows of crop arrays, in the requested order. A row of a missing array is zeros. */
export async function readCropRows(input: {
  arrays: Readonly<Record<string, Uint8Array>>;
  rows: readonly { array: CropArray; row: number; shape: readonly number[] }[];
}): Promise<Float32Array[]> {
  const read = new Map(Object.entries(input.arrays).map(([name, bytes]) => [name, readNpy(bytes)]));
  return input.rows.map(({ array, row, shape }) => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const source = read.get(array);
    return source ? Float32Array.from(source.data.subarray(row * size, (row + 1) * size)) : new Float32Array(size);
  });
}

function arrayFor(
  arrays: Map<CropArray, { shape: number[]; data: Float16Array<ArrayBuffer>; present: boolean[] }>,
  name: CropArray,
  shape: number[],
) {
  let array = arrays.get(name);
  if (!array) {
    const rows = shape[0]!;
    const data = new Float16Array(shape.reduce((product, dim) => product * dim, 1));
    array = { shape, data, present: new Array<boolean>(rows).fill(false) };
    arrays.set(name, array);
  } else if (array.shape.join() !== shape.join()) {
    throw new BundleError('BUNDLE_INVALID', `the crop windows of ${name} have different output sizes`, {
      expected: array.shape.slice(2).join(' x '),
      found: shape.slice(2).join(' x '),
    });
  }
  return array;
}

/** Decodes slices of the index, each once. First checks that the file is still the one that was indexed. */
class SliceReader {
  readonly #study: string;
  readonly #files: Files;
  /** By location. */
  readonly #opened = new Map<string, DicomImage>();
  /** By location and frame. */
  readonly #images = new Map<string, Promise<Image>>();

  constructor(study: string, files: Files) {
    this.#study = study;
    this.#files = files;
  }

  read(slice: IndexedSlice): Promise<Image> {
    const key = `${slice.location}#${slice.frame}`;
    let image = this.#images.get(key);
    if (!image) {
      image = timeDecoding(() => this.#decode(slice));
      this.#images.set(key, image);
    }
    return image;
  }

  async #decode(slice: IndexedSlice): Promise<Image> {
    const context = { study: this.#study, file: describeLocation(slice.location) };
    const bytes = this.#files.get(slice.location);
    const found = bytes instanceof Uint8Array ? createHash('sha256').update(bytes).digest('hex') : undefined;
    if (!(bytes instanceof Uint8Array) || found !== slice.sha256) {
      throw new SpinelineError('SOURCE_CHANGED', 'permanent', 'the file is not the one that stage 1 read', {
        ...context,
        expected: `SHA-256 ${slice.sha256}`,
        found: found ? `SHA-256 ${found}` : bytes instanceof Uint8Array ? 'nothing' : bytes?.missing,
        hint: 'enqueue the dataset again',
      });
    }
    const opened = this.#opened.get(slice.location) ?? openImage(bytes, context);
    this.#opened.set(slice.location, opened);
    const { values, padding } = await opened.frame(slice.frame);
    return turnImage({ data: values, padding, height: slice.rows, width: slice.columns }, slice.turn ?? UPRIGHT);
  }
}

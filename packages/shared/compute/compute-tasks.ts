/**
 * The tasks of compute threads, one function per task: they decode DICOM and prepare tensors. They take bytes and settings
 * and return arrays. Fetching, inference and writing happen elsewhere.
 */

import { createHash } from 'node:crypto';
import type { StudyEntry } from '../dataset/index.ts';
import { type DicomImage, openImage } from '../dicom/index.ts';
import { type Flag, SpinelineError } from '../domain/index.ts';
import { UPRIGHT } from '../geometry/index.ts';
import { type Image, turnImage, xyTensor } from '../imaging/index.ts';
import type { BundleOf, CropSettings, Sample } from '../models/index.ts';
import { describeLocation, type FetchedFile } from '../sources/index.ts';
import {
  type CropArray,
  type CropPlan,
  type CropsArtefact,
  type IndexedSlice,
  indexStudy,
  packCrops,
  type SeriesIndex,
  type Stage1Task,
  StoredCrops,
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

/** Stage 2: `crops.json`, and the bytes of `crops.u12`. */
export async function cutCrops(input: {
  study: string;
  index: SeriesIndex;
  plans: readonly CropPlan[];
  files: Files;
  settings: CropSettings;
}): Promise<{ crops: CropsArtefact; bytes: Uint8Array }> {
  const reader = new SliceReader(input.study, input.files);
  return packCrops(input.index, input.plans, input.settings, (slice) => reader.read(slice));
}

/** Stage 3: the crops that stage 2 stored, float32 [slices, height, width] per row that holds an image. */
export async function readCrops(input: {
  crops: CropsArtefact;
  bytes: Uint8Array;
}): Promise<Partial<Record<CropArray, (Float32Array | undefined)[]>>> {
  const stored = new StoredCrops(input.crops, input.bytes);
  const arrays = Object.entries(input.crops.arrays) as [CropArray, { rows: unknown[] }][];
  return Object.fromEntries(arrays.map(([name, { rows }]) => [name, rows.map((_, row) => stored.row(name, row))]));
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

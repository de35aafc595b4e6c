/**
 * The tasks of compute threads, one function per task: they decode DICOM and prepare tensors. They take bytes and settings
 * and return arrays. Fetching, inference and writing happen elsewhere.
 */

import type { StudyEntry } from '../dataset/index.ts';
import type { Flag } from '../domain/index.ts';
import { xyTensor } from '../imaging/index.ts';
import type { Sample } from '../inference/index.ts';
import type { BundleOf, CropSettings } from '../models/index.ts';
import {
  type CropArray,
  type CropPlan,
  type CropsArtefact,
  type Files,
  indexStudy,
  packCrops,
  type SeriesIndex,
  type Stage1Task,
  StoredCrops,
  stage1Volumes,
  type Volume,
  type XyImage,
} from '../stages/index.ts';
import { withScratch } from './scratch.ts';
import { endSession, type StudyOfTask, withSlices } from './study-slices.ts';

/** Stage 1: the series index and the volumes of the 3D models. */
export async function prepareStage1(input: {
  study: StudyEntry;
  files: Files;
  input: BundleOf<1>['input'];
}): Promise<{ index: SeriesIndex; volumes: Partial<Record<Stage1Task, Volume>>; flags: Flag[] }> {
  return withScratch(async (floats) => {
    const study = await indexStudy(input.study, input.files, floats);
    const { volumes, flags } = stage1Volumes(study, input.input);
    return { index: study.index, volumes, flags };
  });
}

/** Stage 2: one sample per image, float32 [3, height, width], and which images have the same value everywhere. */
export async function prepareXy(
  input: StudyOfTask & { readonly images: readonly XyImage[]; readonly input: BundleOf<2>['input'] },
): Promise<{ samples: Sample[]; constant: boolean[] }> {
  return withSlices(input, async (read) => {
    const samples: Sample[] = [];
    const constants: boolean[] = [];
    for (const { slices } of input.images) {
      const [before, at, after] = await Promise.all(slices.map(read));
      const { tensor, constant } = xyTensor([before!, at!, after!], input.input);
      const [height, width] = input.input.size;
      samples.push({ image: { dims: [3, height, width], data: tensor } });
      constants.push(constant);
    }
    return { samples, constant: constants };
  });
}

/** Stage 2: `crops.json`, and the bytes of `crops.u12`. */
export async function cutCrops(
  input: StudyOfTask & {
    readonly index: SeriesIndex;
    readonly plans: readonly CropPlan[];
    readonly settings: CropSettings;
  },
): Promise<{ crops: CropsArtefact; bytes: Uint8Array }> {
  return withSlices(input, (read, floats) => packCrops(input.index, input.plans, input.settings, read, floats));
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

/** Ends a session of tasks: what its thread keeps of the study is forgotten. */
export async function closeSession({ id }: { readonly id: number }): Promise<void> {
  endSession(id);
}

/**
 * From what the user hands over to a list of studies: a folder in the challenge's layout, or a manifest.
 * Opening checks all that can be checked without listing images; the listing happens while the studies are read.
 */

import { stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { DatasetError } from '../domain/index.ts';
import { openChallengeFolder, type Split } from './challenge-folder.ts';
import { InstanceFinder, type InstanceLister } from './instance-finder.ts';
import { readCsvManifest } from './manifest-csv.ts';
import { checkJsonlManifest, readJsonlManifest } from './manifest-jsonl.ts';
import { mapInOrder } from './map-in-order.ts';
import type { StudyEntry } from './study-entry.ts';
import type { StudyPlan } from './study-plan.ts';
import { uncompressedName } from './text-file.ts';

export interface DatasetOptions {
  /** Which half of a challenge folder; default: `test` where it is whole, otherwise `train`. */
  readonly split?: Split | undefined;
  /** Listings and look-ups under way at once; default 16. */
  readonly concurrency?: number | undefined;
}

export interface Dataset {
  /** Absolute path of what was handed over. */
  readonly origin: string;
  readonly form: 'folder' | 'jsonl' | 'csv';
  /** The half of a challenge folder that is read; `undefined` for manifests and plain folders. */
  readonly split: Split | undefined;
  readonly studyCount: number;
  /** Path of the challenge folder's `train.csv`, where it is there. */
  readonly labels: string | undefined;
  /** Path of the challenge folder's `train_label_coordinates.csv`, where it is there. */
  readonly coordinates: string | undefined;
  /**
   * The studies, always in the same order: a folder's by natural order of their ids, a manifest's as it has them.
   * May be called again, and then looks again.
   */
  studies(): AsyncGenerator<StudyEntry>;
}

/**
 * Opens a dataset.
 *
 * @param path a folder, or a manifest named `*.jsonl`, `*.ndjson` or `*.csv`, optionally with `.gz` or `.zst`.
 * @param sources lists and looks up images at `file://` and `s3://` locations.
 * @throws {DatasetError} `DATASET_NOT_FOUND`, `DATASET_INVALID`, `DATASET_EMPTY`, `DATASET_IMAGES_MISSING`,
 *   `MANIFEST_INVALID`, `FILE_UNREADABLE`.
 */
export async function openDataset(
  path: string,
  sources: InstanceLister,
  options: DatasetOptions = {},
): Promise<Dataset> {
  const concurrency = options.concurrency ?? 16;
  const finder = new InstanceFinder(sources, concurrency);
  const complete = (plans: Iterable<StudyPlan> | AsyncIterable<StudyPlan>) =>
    mapInOrder(plans, concurrency, (plan) => finder.complete(plan));
  const origin = resolve(path);
  const none = { split: undefined, labels: undefined, coordinates: undefined };

  if (await isFolder(path)) {
    const folder = await openChallengeFolder(origin, options.split);
    return {
      origin,
      form: 'folder',
      split: folder.split,
      studyCount: folder.studies.length,
      labels: folder.labels,
      coordinates: folder.coordinates,
      studies: () =>
        mapInOrder(folder.studies, concurrency, async (study) => finder.complete(await folder.plan(study))),
    };
  }
  if (options.split !== undefined) {
    throw new DatasetError('DATASET_INVALID', `a manifest has no ${options.split} half`, { file: basename(path) });
  }
  switch (extname(uncompressedName(path))) {
    case '.jsonl':
    case '.ndjson': {
      const studyCount = await checkJsonlManifest(origin);
      return { origin, form: 'jsonl', ...none, studyCount, studies: () => complete(readJsonlManifest(origin)) };
    }
    case '.csv': {
      const plans = await readCsvManifest(origin);
      return { origin, form: 'csv', ...none, studyCount: plans.length, studies: () => complete(plans) };
    }
    default:
      throw new DatasetError('DATASET_INVALID', 'neither a folder nor a manifest', {
        file: basename(path),
        expected: 'a folder, or *.jsonl, *.ndjson or *.csv, optionally with .gz or .zst',
      });
  }
}

async function isFolder(path: string): Promise<boolean> {
  if (/^s3:\/\//i.test(path)) {
    throw new DatasetError('DATASET_INVALID', 'a dataset is a local folder or a local manifest', {
      file: path,
      hint: 'write a manifest whose locations are s3://: see docs/manifests.md',
    });
  }
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw new DatasetError('DATASET_NOT_FOUND', 'no such folder or manifest', { file: path }, { cause });
  }
}

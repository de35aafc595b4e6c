/**
 * Opens what the user gives as a dataset: a folder in the challenge's layout with descriptions, any other tree of DICOM
 * files, local or on S3, or a manifest.
 *
 * Descriptions and manifests are taken as true: opening only checks their form, and images are listed while the studies
 * are read. Everything else is scanned when it is opened: studies and series come from the headers (`scan/`).
 */

import { stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatasetError } from '../domain/index.ts';
import { openBucket } from './bucket-dataset.ts';
import type { Dataset, DatasetOptions } from './dataset.ts';
import { openFolder } from './folder-dataset.ts';
import { InstanceFinder } from './instance-finder.ts';
import type { InstanceLister } from './instance-lister.ts';
import { readCsvManifest } from './manifest-csv.ts';
import { checkJsonlManifest, readJsonlManifest } from './manifest-jsonl.ts';
import { mapInOrder } from './map-in-order.ts';
import { Skipped } from './scan/skipped.ts';
import type { StudyPlan } from './study-plan.ts';
import { uncompressedName } from './text-file.ts';

/**
 * Opens a dataset.
 *
 * @param path a folder, also as `file:///`, an `s3://bucket/prefix/`, or a local manifest named `*.jsonl`, `*.ndjson`
 *   or `*.csv`, optionally with `.gz` or `.zst`.
 * @param sources lists and looks up images at their locations.
 * @throws {DatasetError} `DATASET_NOT_FOUND`, `DATASET_INVALID`, `DATASET_EMPTY`, `DATASET_IMAGES_MISSING`,
 *   `MANIFEST_INVALID`, `FILE_UNREADABLE`.
 */
export async function openDataset(
  path: string,
  sources: InstanceLister,
  options: DatasetOptions = {},
): Promise<Dataset> {
  if (/^s3:\/\//i.test(path)) return openBucket(path, sources, options);
  const local = localPath(path);
  if (await isFolder(local, path)) return openFolder(resolve(local), sources, options);
  if (options.split !== undefined) {
    throw new DatasetError('DATASET_INVALID', `a manifest has no ${options.split} half`, { file: basename(local) });
  }
  const origin = resolve(local);
  switch (extname(uncompressedName(local))) {
    case '.jsonl':
    case '.ndjson': {
      const studyCount = await checkJsonlManifest(origin);
      return manifest(origin, 'jsonl', studyCount, () => readJsonlManifest(origin), [], sources, options);
    }
    case '.csv': {
      const { plans, notes } = await readCsvManifest(origin);
      return manifest(origin, 'csv', plans.length, () => plans, notes, sources, options);
    }
    default:
      throw new DatasetError('DATASET_INVALID', 'neither a folder nor a manifest', {
        file: basename(local),
        expected: 'a folder, or *.jsonl, *.ndjson or *.csv, optionally with .gz or .zst',
      });
  }
}

function manifest(
  origin: string,
  form: 'jsonl' | 'csv',
  studyCount: number,
  plans: () => Iterable<StudyPlan> | AsyncIterable<StudyPlan>,
  notes: readonly string[],
  sources: InstanceLister,
  { concurrency = 16 }: DatasetOptions,
): Dataset {
  let skipped = new Skipped();
  return {
    origin,
    form,
    split: undefined,
    studyCount,
    labels: undefined,
    coordinates: undefined,
    notes,
    scan: undefined,
    skipped: () => skipped.counts(),
    studies() {
      skipped = new Skipped();
      const finder = new InstanceFinder(sources, concurrency, skipped);
      return mapInOrder(plans(), concurrency, (plan) => finder.complete(plan));
    },
    scanOf: () => undefined,
    identities: () => [],
  };
}

function localPath(path: string): string {
  if (/^dicomweb\+https?:/i.test(path)) {
    throw new DatasetError(
      'DATASET_INVALID',
      'a DICOMweb server cannot be read directly: write a manifest of it first',
      {
        hint: 'spineline manifest --from dicomweb+https://... --query ... --out FILE, then use FILE as the dataset',
      },
    );
  }
  if (!/^file:\/\//i.test(path)) return path;
  try {
    return fileURLToPath(path);
  } catch (cause) {
    throw new DatasetError('DATASET_INVALID', 'a malformed file:// location', { file: path }, { cause });
  }
}

async function isFolder(local: string, path: string): Promise<boolean> {
  try {
    return (await stat(local)).isDirectory();
  } catch (cause) {
    throw new DatasetError('DATASET_NOT_FOUND', 'no such folder or manifest', { file: path }, { cause });
  }
}

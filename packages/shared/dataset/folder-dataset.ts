/** A local folder as a dataset: in the challenge's layout with descriptions, or any tree, which is scanned. */

import { access } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DatasetError } from '../domain/index.ts';
import { findLayout, localPlace, parseDescriptions, planDescribedStudy, subfolders } from './challenge-folder.ts';
import { notesOfColumns } from './csv-table.ts';
import { InstanceFinder, type InstanceLister } from './instance-finder.ts';
import { mapInOrder } from './map-in-order.ts';
import { compareNatural } from './natural-order.ts';
import type { Dataset, DatasetOptions, SkippedCounts } from './open-dataset.ts';
import {
  type Descriptions,
  type ScannedStudies,
  ScanSink,
  SKIP_REASONS,
  Skipped,
  scanFolder,
  scannedStudies,
} from './scan/index.ts';
import type { SeriesEntry, StudyEntry } from './study-entry.ts';
import { readText } from './text-file.ts';

/**
 * Opens a folder.
 *
 * @param folder absolute path.
 * @throws {DatasetError} `DATASET_INVALID` for faults in the descriptions, `DATASET_EMPTY` where there is no image,
 *   `DATASET_IMAGES_MISSING` for descriptions without images.
 */
export async function openFolder(folder: string, sources: InstanceLister, options: DatasetOptions): Promise<Dataset> {
  const layout = await findLayout(localPlace(folder), options.split);
  const images = join(folder, layout.images);
  const existing = async (name: string) =>
    access(join(folder, name)).then(
      () => join(folder, name),
      () => undefined,
    );
  const common = {
    origin: folder,
    form: 'folder',
    split: layout.split,
    labels: await existing('train.csv'),
    coordinates: await existing('train_label_coordinates.csv'),
  } as const;
  if (layout.csv === undefined) return { ...common, ...scanned(await scan(images, {}, options), folder) };
  const { descriptions, ignored } = parseDescriptions(await readText(join(folder, layout.csv)), layout.csv);
  const notes = notesOfColumns(layout.csv, ignored);
  if (options.headers) {
    const found = scanned(await scan(images, { descriptions }, options), folder, { notes });
    return { ...common, ...withMissing(found, descriptions) };
  }
  return { ...common, ...(await described(images, descriptions, sources, options)), notes };
}

async function scan(
  root: string,
  {
    descriptions,
    only,
    reserved,
  }: { descriptions?: Descriptions; only?: readonly string[]; reserved?: Iterable<string> },
  { excluded, onScan, idKey }: DatasetOptions,
): Promise<ScannedStudies> {
  const sink = new ScanSink(onScan);
  await scanFolder(root, sink, { excluded, only });
  const base = pathToFileURL(root.endsWith('/') ? root : `${root}/`).href;
  return scannedStudies(sink, {
    idKey,
    descriptions,
    reserved,
    // Beside described studies lie studies.
    ...(only && { studyDepth: 1 }),
    // As `sources/file-source.ts` writes it.
    locationOf: ({ folder, name }) => base + encoded(folder === '' ? name : `${folder}/${name}`),
  });
}

function encoded(path: string): string {
  return pathToFileURL(`/${path}`).href.slice('file:///'.length);
}

type Scanned = Omit<Dataset, 'origin' | 'form' | 'split' | 'labels' | 'coordinates'>;

/**
 * The parts of a dataset that a scan gives.
 *
 * @param described notes of the descriptions, where there are any: then a scan without an image is theirs to explain.
 * @throws {DatasetError} `DATASET_EMPTY`
 */
export function scanned(
  found: ScannedStudies,
  origin: string,
  described?: { readonly notes: readonly string[] },
): Scanned {
  if (found.studies.length === 0 && !described) throw noImages(origin, found.report.skipped);
  return {
    notes: described?.notes ?? [],
    scan: found.report,
    studyCount: found.studies.length,
    skipped: () => found.report.skipped,
    async *studies() {
      for (const study of found.studies) yield found.entry(study);
    },
    scanOf: (study) => found.scanOf(study),
    identities: () => found.identities(),
  };
}

function noImages(origin: string, skipped: SkippedCounts): DatasetError {
  const counts = Object.entries(skipped).map(([reason, count]) => {
    const [one, many] = SKIP_REASONS[reason as keyof SkippedCounts];
    return `${count} ${count === 1 ? one : many}`;
  });
  return new DatasetError('DATASET_EMPTY', 'no DICOM image in this folder', {
    file: basename(origin),
    expected: 'DICOM images at any depth, or test_images/{study}/{series}/* with test_series_descriptions.csv',
    found: counts.length > 0 ? counts.join(', ') : 'nothing',
  });
}

/** A described folder as its descriptions say, and the studies in it that nobody described as their headers say. */
async function described(
  images: string,
  descriptions: Descriptions,
  sources: InstanceLister,
  options: DatasetOptions,
): Promise<Scanned> {
  const { concurrency = 16 } = options;
  const atOpening = new Skipped();
  const folders = (await subfolders(images, atOpening)).filter((name) => !descriptions.has(name));
  const others =
    folders.length === 0 ? undefined : await scan(images, { only: folders, reserved: descriptions.keys() }, options);
  const ofOthers = new Set(others?.studies);
  const studies = [...descriptions.keys(), ...ofOthers].sort(compareNatural);
  if (studies.length === 0) throw noImages(images, others?.report.skipped ?? atOpening.counts());
  let skipped = new Skipped();
  return {
    notes: [],
    scan: undefined,
    studyCount: studies.length,
    skipped: () => total(total(atOpening.counts(), skipped.counts()), others?.report.skipped ?? {}),
    studies() {
      skipped = new Skipped();
      const finder = new InstanceFinder(sources, concurrency, skipped);
      return mapInOrder(studies, concurrency, async (study) => {
        if (others && ofOthers.has(study)) return undescribed(others.entry(study));
        return finder.complete(await planDescribedStudy(study, images, descriptions.get(study)!, skipped));
      });
    },
    scanOf: (study) => others?.scanOf(study),
    identities: () => others?.identities() ?? [],
  };
}

function undescribed(entry: StudyEntry): StudyEntry {
  const message = 'not in the series descriptions: kinds are inferred from DICOM';
  return { ...entry, problems: [{ code: 'STUDY_NOT_DESCRIBED', message }, ...(entry.problems ?? [])] };
}

/** Adds what is described and was not found, and says what was found and not described. */
export function withMissing(dataset: Scanned, descriptions: Descriptions): Scanned {
  const missing = new Set(descriptions.keys());
  const found: string[] = [];
  for (const { study } of dataset.identities()) {
    if (found.at(-1) !== study) found.push(study);
    missing.delete(study);
  }
  const order = [...found, ...missing].sort(compareNatural);
  const complete = (entry: StudyEntry): StudyEntry => {
    const series = descriptions.get(entry.study);
    if (!series) return undescribed(entry);
    const known = new Set([...entry.series, ...(entry.rejected ?? [])].map((one) => one.series));
    const absent = [...series].filter(([id]) => !known.has(id));
    const added = absent.map(
      ([id, { kind, description }]): SeriesEntry => ({
        series: id,
        ...(kind !== undefined && { kind }),
        ...(description !== undefined && { description }),
        instances: [],
        problems: [{ code: 'SERIES_FOLDER_MISSING', message: 'there is no folder with images for this series' }],
      }),
    );
    if (added.length === 0) return entry;
    return { ...entry, series: [...entry.series, ...added].sort((a, b) => compareNatural(a.series, b.series)) };
  };
  return {
    ...dataset,
    studyCount: order.length,
    async *studies() {
      const rest = dataset.studies();
      for (const study of order) {
        if (!missing.has(study)) {
          yield complete((await rest.next()).value as StudyEntry);
          continue;
        }
        const problems: StudyEntry['problems'] = [
          { code: 'STUDY_FOLDER_MISSING', message: 'described, but there is no image in a folder for this study' },
        ];
        const series = [...descriptions.get(study)!].map(
          ([id, { kind, description }]): SeriesEntry => ({
            series: id,
            ...(kind !== undefined && { kind }),
            ...(description !== undefined && { description }),
            instances: [],
          }),
        );
        yield { study, series: series.sort((a, b) => compareNatural(a.series, b.series)), problems };
      }
    },
  };
}

function total(a: SkippedCounts, b: SkippedCounts): SkippedCounts {
  const sum: Record<string, number> = { ...a };
  for (const [reason, count] of Object.entries(b)) sum[reason] = (sum[reason] ?? 0) + count;
  return sum;
}

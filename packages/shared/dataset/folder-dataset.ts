/** A local folder as a dataset: in the challenge's layout with descriptions, or any other tree, which is scanned. */

import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findLayout, localPlace, parseDescriptions, planDescribedStudy, subfolders } from './challenge-folder.ts';
import { notesOfColumns } from './csv-table.ts';
import type { Dataset, DatasetOptions, SkippedCounts } from './dataset.ts';
import { InstanceFinder } from './instance-finder.ts';
import type { InstanceLister } from './instance-lister.ts';
import { mapInOrder } from './map-in-order.ts';
import { compareNatural } from './natural-order.ts';
import type { Descriptions } from './scan/group-studies.ts';
import { scanFolder } from './scan/scan-folder.ts';
import { ScanSink } from './scan/scan-sink.ts';
import { type ScannedStudies, scannedStudies } from './scan/scanned-dataset.ts';
import { Skipped } from './scan/skipped.ts';
import { noImages, type Scanned, scanned, undescribed } from './scanned.ts';
import { readText } from './text-file.ts';

/**
 * Opens a folder.
 *
 * @param folder absolute path.
 * @throws {DatasetError} `DATASET_INVALID` for errors in the descriptions, `DATASET_EMPTY` if there is no image,
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
    const found = await scan(images, { descriptions }, options);
    return { ...common, ...scanned(found, folder, { descriptions, notes }) };
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
    // Folders next to described studies are studies too.
    ...((only || descriptions) && { studyDepth: 1 }),
    // In the form of `sources/file.ts`.
    locationOf: ({ folder, name }) => base + encoded(folder === '' ? name : `${folder}/${name}`),
  });
}

function encoded(path: string): string {
  return pathToFileURL(`/${path}`).href.slice('file:///'.length);
}

/** Opens a described folder. Studies without a description are scanned. */
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

function total(a: SkippedCounts, b: SkippedCounts): SkippedCounts {
  const sum: Record<string, number> = { ...a };
  for (const [reason, count] of Object.entries(b)) sum[reason] = (sum[reason] ?? 0) + count;
  return sum;
}

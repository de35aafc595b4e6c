/**
 * Everything below `s3://bucket/prefix/` as a dataset: always scanned, with the challenge's descriptions if they are
 * there.
 */

import { basename } from 'node:path';
import { DatasetError } from '../domain/index.ts';
import { findLayout, parseDescriptions } from './challenge-folder.ts';
import { notesOfColumns } from './csv-table.ts';
import type { Dataset, DatasetOptions } from './dataset.ts';
import type { InstanceLister } from './instance-lister.ts';
import { ScanSink } from './scan/scan-sink.ts';
import { scanSources } from './scan/scan-sources.ts';
import { scannedStudies } from './scan/scanned-dataset.ts';
import { scanned } from './scanned.ts';

/**
 * Opens a prefix.
 *
 * @param location `s3://bucket` or `s3://bucket/prefix`; the prefix is a folder, with or without a final slash.
 * @throws {DatasetError} as for a local folder; `DATASET_INVALID` for a manifest, which must be a local file.
 */
export async function openBucket(location: string, sources: InstanceLister, options: DatasetOptions): Promise<Dataset> {
  if (/\.(jsonl|ndjson|csv)(\.gz|\.zst)?$/i.test(location)) {
    throw new DatasetError('DATASET_INVALID', 'a manifest must be a local file', {
      file: basename(location),
      hint: 'download it first; the locations in it may be s3://: see docs/manifests.md',
    });
  }
  const root = location.endsWith('/') ? location : `${location}/`;
  const place = {
    name: location,
    hasFile: async (name: string) => (await sources.head(root + name)) !== undefined,
    hasFolder: async (name: string) => {
      for await (const _ of sources.list(`${root}${name}/`)) return true;
      return false;
    },
  };
  const layout = await findLayout(place, options.split);
  const described = layout.csv === undefined ? undefined : await descriptionsIn(root, layout.csv, sources);
  const prefix = layout.images === '' ? root : `${root}${layout.images}/`;
  const sink = new ScanSink(options.onScan);
  await scanSources(prefix, sources, sink, options.excluded);
  const found = scannedStudies(sink, {
    idKey: options.idKey,
    descriptions: described?.descriptions,
    // Folders next to described studies are studies too.
    ...(described && { studyDepth: 1 }),
    locationOf: ({ folder, name }) => (folder === '' ? prefix + name : `${prefix}${folder}/${name}`),
  });
  return {
    origin: location,
    form: 's3',
    split: layout.split,
    labels: undefined,
    coordinates: undefined,
    ...scanned(found, location, described),
  };
}

async function descriptionsIn(root: string, csv: string, sources: InstanceLister) {
  const { size } = (await sources.head(root + csv))!;
  const text = new TextDecoder().decode(await sources.readStart(root + csv, size));
  const { descriptions, ignored } = parseDescriptions(text, csv);
  return { descriptions, notes: notesOfColumns(csv, ignored) };
}

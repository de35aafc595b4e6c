/**
 * The results of a query on a DICOMweb server as a dataset, for `spineline manifest`. Only metadata is fetched, no
 * images.
 */

import pLimit from 'p-limit';
import { ObjectNotFoundError } from '../domain/index.ts';
import type { DicomWebClient } from '../sources/index.ts';
import type { Dataset, DatasetOptions } from './dataset.ts';
import { compactFacts } from './scan/compact-facts.ts';
import { ScanSink } from './scan/scan-sink.ts';
import { scannedStudies } from './scan/scanned-dataset.ts';
import { scanned } from './scanned.ts';

/** Studies that are looked up concurrently; the client has its own limit of requests. */
const STUDIES_AT_ONCE = 8;

/**
 * Fetches the studies of a query, their series, and the facts of every instance.
 *
 * @param address `dicomweb+https://host/path`
 * @param query such as `StudyDate=20261101-20261127&ModalitiesInStudy=MR`
 * @throws {DatasetError} `DATASET_EMPTY` if nothing with an image is found.
 * @throws {SpinelineError} as the client does. No study is left out because the server did not answer.
 */
export async function openDicomWebDataset(
  client: Pick<DicomWebClient, 'studies' | 'seriesOf' | 'instancesOf'>,
  address: string,
  query: string,
  { idKey, onScan }: Pick<DatasetOptions, 'idKey' | 'onScan'> = {},
): Promise<Dataset> {
  const sink = new ScanSink(onScan);
  const limit = pLimit(STUDIES_AT_ONCE);
  const running = new Set<Promise<void>>();
  let failed: { error: unknown } | undefined;
  const odd = { bare: 0, fewer: 0, short: 0, vanished: 0 };
  for await (const { studyUid, series } of client.studies(address, query)) {
    if (failed) break;
    const task: Promise<void> = limit(() => look(studyUid, series))
      .catch((error: unknown) => {
        failed ??= { error };
      })
      .finally(() => running.delete(task));
    running.add(task);
    if (running.size >= 2 * STUDIES_AT_ONCE) await Promise.race(running);
  }
  await Promise.all(running);
  if (failed) throw failed.error;

  async function look(studyUid: string, promised: number | undefined): Promise<void> {
    let images = 0;
    const all = (await orNone(client.seriesOf(address, studyUid))) ?? [];
    if (promised !== undefined && all.length < promised) odd.fewer += 1;
    for (const { seriesUid, modality, instances: expected } of all) {
      const instances = await orNone(client.instancesOf(address, studyUid, seriesUid));
      if (!instances) {
        odd.vanished += 1;
        continue;
      }
      if (expected !== undefined && instances.length < expected) {
        odd.short += 1;
        // Other modalities are not read.
        if (modality === undefined || modality === 'MR') {
          sink.short.push({ studyUid, seriesUid, expected, found: instances.length });
        }
      }
      sink.found(instances.length);
      for (const { location, fingerprint, facts } of instances) {
        const slash = location.lastIndexOf('/') + 1;
        const [folder, name] = [location.slice(0, slash), location.slice(slash)];
        if (facts.rows === undefined || facts.columns === undefined) sink.skipped.add('no_image');
        else {
          // The UIDs from the search, in case the metadata lacks them.
          const known = { ...facts, studyInstanceUid: studyUid, seriesInstanceUid: seriesUid };
          sink.image({ folder, name, fingerprint, size: 0, damage: undefined }, compactFacts(known));
          images += 1;
        }
      }
      sink.read(instances.length);
    }
    if (images === 0) odd.bare += 1;
  }

  const found = scannedStudies(sink, { idKey, foldersName: false, locationOf: ({ folder, name }) => folder + name });
  return {
    origin: address,
    form: 'dicomweb',
    split: undefined,
    labels: undefined,
    coordinates: undefined,
    ...scanned(found, address),
    notes: notesOf(odd),
  };
}

/** Notes for the reader about incomplete answers of the server. */
function notesOf({ bare, fewer, short, vanished }: Record<'bare' | 'fewer' | 'short' | 'vanished', number>): string[] {
  return [
    bare > 0 && `${bare} of the studies that the server found have no image in it`,
    fewer > 0 &&
      `of ${fewer} of the studies the server lists fewer series than it says they have: it may limit what a search gives`,
    short > 0 && `of ${short} series the server gives fewer instances than it says they have`,
    vanished > 0 && `${vanished} series were gone when their metadata was asked for`,
  ].filter((note) => note !== false);
}

/** `undefined` if the object vanished between two requests. */
async function orNone<Found>(asking: Promise<Found>): Promise<Found | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return undefined;
    throw error;
  }
}

/**
 * The scan against what other people's scanners and PACS write: forty studies of `spineline phantom --as-export`, whose
 * `expected.json` has the expected result for every file.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExportExpectations } from '../../phantom/src/export/expectations.ts';
import { type Dataset, manifestLines, openDataset, type StudyEntry } from '../dataset/index.ts';
import { openSources } from '../sources/index.ts';
import { phantomExport } from './support/phantoms.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const sources = openSources();
let folder: string;
let expected: ExportExpectations;
let dataset: Dataset;
/** By StudyInstanceUID. */
const found = new Map<string, StudyEntry>();

beforeAll(async () => {
  ({ folder, expectations: expected } = await phantomExport({ seed: 23 }));
  dataset = await openDataset(join(folder, expected.root), sources);
  const ids = new Map([...dataset.identities()].map(({ study, studyUid }) => [study, studyUid!]));
  for await (const entry of dataset.studies()) found.set(ids.get(entry.study)!, entry);
});
afterAll(() => sources.close());

const root = () => `${pathToFileURL(join(folder, expected.root)).href}/`;
const pathOf = (location: string) => fileURLToPath(location).slice(fileURLToPath(root()).length);
const sorted = (files: Iterable<string>) => [...files].sort();

/** Series of an entry with kind and files. */
function readSeries(entry: StudyEntry) {
  const scan = dataset.scanOf(entry.study)!;
  return entry.series.map(({ series, instances, reasons, problems }) => ({
    kind: scan.kinds.get(series),
    files: sorted(instances.map(({ location }) => pathOf(location))),
    reasons,
    problems,
  }));
}

describe('the export of forty studies', () => {
  it('has exactly the studies that there are', () => {
    expect(sorted(found.keys())).toEqual(sorted(expected.studies.map(({ studyInstanceUid }) => studyInstanceUid)));
  });

  it('every series that may be read is there as what it is, and no other', () => {
    for (const study of expected.studies) {
      const entry = found.get(study.studyInstanceUid)!;
      const damaged = new Set(study.damaged.flatMap(({ files }) => files));
      const wanted = [
        ...Object.entries(study.kinds).flatMap(([kind, stacks]) => stacks.map(({ files }) => ({ kind, files }))),
        ...study.alternatives.map(({ kind, files }) => ({ kind: kind as string, files })),
      ].map(({ kind, files }) => `${kind} ${sorted(files).join(' ')}`);
      const read = readSeries(entry).map(
        ({ kind, files }) => `${kind} ${files.filter((file) => !damaged.has(file)).join(' ')}`,
      );
      expect(sorted(read), study.name).toEqual(sorted(wanted));
    }
  });

  it('everything else is rejected for one of the fair reasons, or left out as no image', () => {
    for (const study of expected.studies) {
      const entry = found.get(study.studyInstanceUid)!;
      const files = dataset.scanOf(entry.study)!.rejected;
      const rejectionOf = new Map(
        (entry.rejected ?? []).flatMap(({ series, rejection }) =>
          files.get(series)!.map((location) => [pathOf(location), rejection] as const),
        ),
      );
      const read = new Set(readSeries(entry).flatMap((series) => series.files));
      for (const { files: foreign, reasons, what } of study.rejected) {
        for (const file of foreign) {
          expect(read.has(file), `${study.name}: ${what}: ${file}`).toBe(false);
          const rejection = rejectionOf.get(file);
          // An object without pixels is no image at all.
          if (rejection === undefined) expect(reasons, `${study.name}: ${what}: ${file}`).toContain('capture');
          else expect(reasons, `${study.name}: ${what}: ${file}`).toContain(rejection);
        }
      }
      for (const { kind, images } of readSeries(entry).map((one) => ({ ...one, images: one.files.length }))) {
        expect([kind !== undefined, images > 0]).toEqual([true, true]);
      }
    }
  });

  it('a study that must fail for want of series has none, and every other has some', () => {
    const bare = expected.studies.filter(({ code }) => code === 'STUDY_WITHOUT_SERIES');
    expect(bare.length).toBeGreaterThan(2);
    for (const { studyInstanceUid, code, name } of expected.studies) {
      const { series, rejected } = found.get(studyInstanceUid)!;
      expect(series.length === 0, name).toBe(code === 'STUDY_WITHOUT_SERIES');
      if (series.length === 0) expect(rejected!.length, name).toBeGreaterThan(0);
    }
    expect(dataset.scan!.withoutSeries).toHaveLength(bare.length);
  });

  it('junk is in no study', () => {
    const read = new Set<string>();
    for (const entry of found.values()) {
      for (const { files } of readSeries(entry)) for (const file of files) read.add(file);
      for (const files of dataset.scanOf(entry.study)!.rejected.values()) {
        for (const location of files) read.add(pathOf(location));
      }
    }
    for (const { file, what } of expected.junk) expect(read.has(file), `${what}: ${file}`).toBe(false);
  });

  it('a damaged file of a series that is read is among its files or named in a problem', () => {
    const damaged = expected.studies.flatMap(({ studyInstanceUid, damaged: lost }) =>
      lost.flatMap(({ files }) => files.map((file) => ({ studyInstanceUid, file }))),
    );
    expect(damaged.length).toBeGreaterThan(0);
    for (const { studyInstanceUid, file } of damaged) {
      const entry = found.get(studyInstanceUid)!;
      const named = readSeries(entry).some(({ files }) => files.includes(file));
      const told = JSON.stringify([entry.problems, entry.series.map(({ problems }) => problems)]);
      expect(named || told.includes(file.slice(file.lastIndexOf('/') + 1)), file).toBe(true);
    }
  });

  it('a description that contradicts the header is told among the reasons', () => {
    for (const { studyInstanceUid, contradictions, name } of expected.studies) {
      if (contradictions.length === 0) continue;
      const reasons = readSeries(found.get(studyInstanceUid)!).flatMap((one) => one.reasons ?? []);
      expect(reasons.filter((reason) => / but /.test(reason)).length, name).toBeGreaterThanOrEqual(1);
    }
  });

  it('the manifest reads back as the same studies, in the same order', async () => {
    const manifest = join(await temporaryFolder(), 'export.jsonl');
    await writeFile(manifest, manifestLines(dataset));
    const again = await Array.fromAsync((await openDataset(manifest, sources)).studies());
    expect(again).toEqual(await Array.fromAsync(dataset.studies()));
  });
});

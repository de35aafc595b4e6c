/**
 * Other people's oddities and a real scanner's files, as datasets: `../shared/cases` made from a phantom, and the
 * scanner phantom of `../shared/data` as it is, flat, and without descriptions. Skipped where these or pydicom are
 * absent.
 */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dataset, manifestLines, openDataset, type StudyEntry } from '../dataset/index.ts';
import { openSources } from '../sources/index.ts';
import { phantomDataset } from './support/phantoms.ts';
import { pythonWith } from './support/python-with.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const shared = fileURLToPath(new URL('../../../../shared', import.meta.url));
const makeCases = join(shared, 'cases', 'make.py');
const PYTHON = pythonWith('pydicom', 'numpy');
const scanner = join(process.env.SPINELINE_TEST_DATA ?? join(shared, 'data'), 'scanner-phantom');
const sources = openSources();
afterAll(() => sources.close());

interface Opened {
  readonly dataset: Dataset;
  readonly studies: StudyEntry[];
}

/** As `spineline manifest` opens it: described or not, the headers are read. */
async function open(folder: string): Promise<Opened> {
  const dataset = await openDataset(folder, sources, { headers: true });
  return { dataset, studies: await Array.fromAsync(dataset.studies()) };
}

/** Kind and number of files of each series that is read, without its name. */
const readOf = ({ dataset }: Opened, { study, series }: StudyEntry) =>
  series.map((one) => `${dataset.scanOf(study)?.kinds.get(one.series)} ${one.instances.length}`).sort();
const rejectedOf = ({ rejected = [] }: StudyEntry) =>
  rejected.map(({ rejection, images }) => `${rejection} ${images}`).sort();

const noCases = !existsSync(makeCases) || PYTHON === undefined;
describe.skipIf(noCases)('the cases of ../shared/cases (skipped without them or without pydicom)', () => {
  let root: string;
  let plain: string[];
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'spineline-cases-'));
    const phantom = await phantomDataset({ studies: 1, seed: 5 });
    execFileSync(PYTHON!, [makeCases, phantom, join(root, 'cases')], { stdio: 'ignore' });
    const opened = await open(join(root, 'cases', 'plain'));
    plain = readOf(opened, opened.studies[0]!);
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('plain has a series of each kind', () => {
    expect(plain.map((series) => series.split(' ')[0])).toEqual(['axial_t2', 'sagittal_t1', 'sagittal_t2']);
  });

  it.each([
    ['implicit-file-meta', '1001'],
    ['private-vr-zeros', '1001'],
    ['private-vr-question-marks', '1001'],
    ['private-implicit-in-explicit', '1001'],
    ['siemens-names', '1001'],
    ['dicom-suffix', '1001'],
    ['csv-with-fold', '1001'],
    ['csv-with-pandas-index', '1001'],
    ['junk', '1001'],
    ['patient-study-series', 'ST000001'],
    ['decimal-comma', '1001'],
  ])('%s is read as plain is', async (name, id) => {
    const opened = await open(join(root, 'cases', name));
    expect(opened.studies.map(({ study }) => study)).toEqual([id]);
    expect(readOf(opened, opened.studies[0]!)).toEqual(plain);
    expect(rejectedOf(opened.studies[0]!)).toEqual([]);
    if (name === 'junk') expect(opened.dataset.skipped()).toEqual({ left_behind: 5 });
    if (name.startsWith('csv')) expect(opened.dataset.notes).toHaveLength(1);
  });

  it.each([
    ['localizer-first', 'localizer 3'],
    ['colour-capture-first', 'capture 1'],
  ])('%s is read as plain is, and lists the foreign images', async (name, rejected) => {
    const opened = await open(join(root, 'cases', name));
    expect(opened.studies.map(({ study }) => study)).toEqual(['1001']);
    expect(readOf(opened, opened.studies[0]!)).toEqual(plain);
    expect(rejectedOf(opened.studies[0]!)).toEqual([rejected]);
  });

  it('t1-and-t2-swapped keeps what was written, reads by the header, and says that the two differ', async () => {
    const opened = await open(join(root, 'cases', 't1-and-t2-swapped'));
    const [study] = opened.studies;
    expect(readOf(opened, study!)).toEqual(plain);
    const swapped = study!.series.filter(({ kind }) => kind !== 'axial_t2');
    for (const { series, kind, reasons } of swapped) {
      expect(kind).not.toBe(opened.dataset.scanOf('1001')!.kinds.get(series));
      expect(reasons!.some((reason) => / but /.test(reason))).toBe(true);
    }
  });

  it('modality-ct has nothing to score, and says so', async () => {
    const { dataset, studies } = await open(join(root, 'cases', 'modality-ct'));
    expect(studies).toMatchObject([{ study: '1001', series: [] }]);
    expect(new Set(studies[0]!.rejected!.map(({ rejection, reason }) => `${rejection}: ${reason}`))).toEqual(
      new Set(['not_mr: Modality CT']),
    );
    expect(dataset.scan!.withoutSeries).toEqual(['1001']);
  });

  it('every case has a manifest that reads back as the same studies', async () => {
    for (const name of await readdir(join(root, 'cases'))) {
      const { dataset, studies } = await open(join(root, 'cases', name));
      const manifest = join(await temporaryFolder(), 'x.jsonl');
      await writeFile(manifest, manifestLines(dataset));
      expect(await Array.fromAsync((await openDataset(manifest, sources)).studies()), name).toEqual(studies);
    }
  });
});

describe.skipIf(!existsSync(scanner))('the scanner phantom (skipped where ../shared/data is absent)', () => {
  it('as described has its two studies with every described series', async () => {
    const opened = await open(scanner);
    expect(opened.studies.map(({ study, series }) => [study, series.map(({ description }) => description)])).toEqual(
      ['1486', '1487'].map((id) => [id, ['Sagittal T2/STIR', 'Sagittal T1', 'Axial T2', 'Axial T2']]),
    );
    for (const { series } of opened.studies) expect(series.flatMap(({ instances }) => instances)).toHaveLength(31);
  });

  it('flat and without descriptions is the same two studies, every image read or rejected with a reason', async () => {
    const flat = await temporaryFolder();
    let files = 0;
    for (const entry of await readdir(scanner, { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && entry.name.endsWith('.dcm'))
        await copyFile(join(entry.parentPath, entry.name), join(flat, `IM${files++}`));
    }
    expect(files).toBe(62);
    const bare = await temporaryFolder();
    await cp(join(scanner, 'test_images'), bare, { recursive: true });
    const [a, b] = [await open(flat), await open(bare)];
    expect(b.studies.map(({ study }) => study)).toEqual(['1486', '1487']);
    const shape = ({ dataset, studies }: Opened) =>
      studies.map((study) => [...readOf({ dataset, studies }, study), ...rejectedOf(study)].join(', ')).sort();
    expect(shape(a)).toEqual(shape(b));
    for (const { studies } of [a, b]) {
      expect(studies).toHaveLength(2);
      for (const { series, rejected = [] } of studies) {
        const images = series.reduce((sum, { instances }) => sum + instances.length, 0);
        expect(images + rejected.reduce((sum, one) => sum + one.images, 0)).toBe(31);
        for (const { reason } of rejected) expect(reason).not.toBe('');
      }
    }
  });
});

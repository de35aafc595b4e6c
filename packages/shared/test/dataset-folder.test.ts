import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DatasetOptions, openDataset, StudyEntry } from '../dataset/index.ts';
import { openSources } from '../sources/index.ts';

const sources = openSources();
let root: string;
let folders = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'spineline-dataset-'));
});
afterAll(async () => {
  await sources.close();
  await rm(root, { recursive: true, force: true });
});

/** A fresh folder with these files; a path that ends in a slash is an empty folder. */
async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = join(root, `folder ${++folders} #1`);
  await mkdir(folder);
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(name.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!name.endsWith('/')) await writeFile(path, text);
  }
  return folder;
}

async function read(path: string, options?: DatasetOptions): Promise<StudyEntry[]> {
  const dataset = await openDataset(path, sources, options);
  const studies = await Array.fromAsync(dataset.studies());
  expect(studies).toHaveLength(dataset.studyCount);
  for (const study of studies) StudyEntry.parse(study);
  return studies;
}

const names = (study: StudyEntry, series: string) =>
  study.series
    .find((one) => one.series === series)!
    .instances.map(({ location }) => fileURLToPath(location).split(`/${series}/`)[1]);
const codes = (entry: { problems?: { code: string }[] | undefined }) => (entry.problems ?? []).map(({ code }) => code);

const DESCRIPTIONS = 'study_id,series_id,series_description\n';

describe('a folder in the layout of the challenge', () => {
  it('lists studies, series and instances by number, with kinds from the descriptions', async () => {
    const folder = await folderWith({
      'test_series_descriptions.csv': `${DESCRIPTIONS}100,12,Axial T2\n20,7,Sagittal T1\n20,11,Sagittal T2/STIR\n`,
      'test_images/100/12/10.dcm': 'x',
      'test_images/100/12/9.dcm': 'xy',
      'test_images/20/7/1.dcm': 'x',
      'test_images/20/11/1.dcm': 'x',
    });
    const studies = await read(folder);
    expect(studies.map(({ study }) => study)).toEqual(['20', '100']);
    expect(studies[0]!.series.map(({ series, kind }) => [series, kind])).toEqual([
      ['7', 'sagittal_t1'],
      ['11', 'sagittal_t2'],
    ]);
    expect(names(studies[1]!, '12')).toEqual(['9.dcm', '10.dcm']);
    const [nine] = studies[1]!.series[0]!.instances;
    expect(nine!.location).toBe(pathToFileURL(join(folder, 'test_images/100/12/9.dcm')).href);
    expect(nine!.fingerprint).toMatch(/^2-\d{16,}$/);
    expect(studies.every((study) => study.problems === undefined)).toBe(true);
  });

  it('prefers test where both halves are whole, follows a linked image folder, and takes train when told', async () => {
    const folder = await folderWith({
      'test_series_descriptions.csv': `${DESCRIPTIONS}1,1,Axial T2\n`,
      'train_series_descriptions.csv': `${DESCRIPTIONS}1,1,Sagittal T1\n`,
      'train_images/1/1/1.dcm': 'x',
      'train.csv': '',
      'train_label_coordinates.csv': '',
    });
    await symlink('train_images', join(folder, 'test_images'));
    const test = await openDataset(folder, sources);
    expect([test.split, test.labels, test.coordinates]).toEqual([
      'test',
      join(folder, 'train.csv'),
      join(folder, 'train_label_coordinates.csv'),
    ]);
    expect((await read(folder))[0]!.series[0]).toMatchObject({ kind: 'axial_t2', instances: [{}] });
    expect((await read(folder, { split: 'train' }))[0]!.series[0]).toMatchObject({ kind: 'sagittal_t1' });
  });

  it('takes train where only train has images', async () => {
    const folder = await folderWith({
      'test_series_descriptions.csv': DESCRIPTIONS,
      'train_series_descriptions.csv': `${DESCRIPTIONS}1,1,Axial T2\n`,
      'train_images/1/1/1.dcm': 'x',
    });
    expect((await openDataset(folder, sources)).split).toBe('train');
    await expect(openDataset(folder, sources, { split: 'test' })).rejects.toMatchObject({
      code: 'DATASET_IMAGES_MISSING',
    });
  });

  it('lists what is missing and what nobody described, and says so', async () => {
    const folder = await folderWith({
      'test_series_descriptions.csv': `${DESCRIPTIONS}1,1,Axial T2\n1,2,Sagittal T1\n1,3,Sagittal T1\n2,1,Axial T2\n`,
      'test_images/1/1/1.dcm': 'x',
      'test_images/1/3/': '',
      'test_images/1/4/1.dcm': 'x',
      'test_images/1/loose.dcm': 'x',
      'test_images/3/1/1.dcm': 'x',
    });
    const [one, two, three] = await read(folder);
    expect(codes(one!)).toEqual(['FILES_OUTSIDE_SERIES']);
    expect(one!.series.map((series) => [series.series, series.kind, series.instances.length, codes(series)])).toEqual([
      ['1', 'axial_t2', 1, []],
      ['2', 'sagittal_t1', 0, ['SERIES_FOLDER_MISSING']],
      ['3', 'sagittal_t1', 0, ['SERIES_FOLDER_EMPTY']],
      ['4', undefined, 1, []],
    ]);
    expect(codes(two!)).toEqual(['STUDY_FOLDER_MISSING']);
    expect(two!.series).toEqual([{ series: '1', kind: 'axial_t2', description: 'Axial T2', instances: [] }]);
    expect(codes(three!)).toEqual(['STUDY_NOT_DESCRIBED']);
    expect(three!.series[0]).toMatchObject({ series: '1', instances: [{}] });
    expect(three!.series[0]!.kind).toBeUndefined();
  });

  it('takes *.dcm and files without an extension, UIDs among them, and nothing else', async () => {
    const folder = await folderWith({
      'a/s/1.dcm': 'x',
      'a/s/2.DCM': 'x',
      'a/s/IM0003': 'x',
      'a/s/MR.1.2.840.10008': 'x',
      'a/s/1.2.840.4': 'x',
      'a/s/deeper/5': 'x',
      'a/s/DICOMDIR': 'x',
      'a/s/.hidden.dcm': 'x',
      'a/s/.cache/6.dcm': 'x',
      'a/s/notes.txt': 'x',
      'a/s/empty.dcm/': '',
      'a/t/notes.txt': 'x',
      '.git/config': 'x',
      'README.md': 'x',
    });
    const [study] = await read(folder);
    expect(names(study!, 's')).toEqual(['1.2.840.4', '1.dcm', '2.DCM', 'IM0003', 'MR.1.2.840.10008', 'deeper/5']);
    expect(codes(study!.series[1]!)).toEqual(['SERIES_FOLDER_EMPTY']);
    expect(study!.series[1]!.problems![0]!.message).toContain('not an image');
  });

  it.skipIf(process.getuid?.() === 0)('lists a folder that may not be read as a problem of its study', async () => {
    const folder = await folderWith({ 'a/s/1.dcm': 'x', 'b/s/1.dcm': 'x' });
    await chmod(join(folder, 'a/s'), 0);
    const [a, b] = await read(folder);
    expect(codes(a!.series[0]!)).toEqual(['SERIES_FOLDER_UNREADABLE']);
    expect(b!.series[0]!.instances).toHaveLength(1);
  });

  it('gives the same entries whatever the concurrency, and every time', async () => {
    const files: Record<string, string> = {};
    for (let study = 1; study <= 25; study++) {
      for (let series = 1; series <= 3; series++) files[`${study}/${series}/1.dcm`] = 'x'.repeat(study);
    }
    const folder = await folderWith(files);
    const alone = await read(folder, { concurrency: 1 });
    expect(alone.map(({ study }) => Number(study))).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
    expect(await read(folder, { concurrency: 7 })).toEqual(alone);
    const dataset = await openDataset(folder, sources);
    expect(await Array.fromAsync(dataset.studies())).toEqual(await Array.fromAsync(dataset.studies()));
  });

  it('reports all faults of the descriptions with their lines', async () => {
    const folder = await folderWith({
      'test_series_descriptions.csv': `${DESCRIPTIONS}1,1,Axial T2\n1,1,Axial T2\n1,2,Coronal\n1,3\n../1,4,Axial T2\n1,5,\n`,
      'test_images/1/1/1.dcm': 'x',
    });
    const opening = openDataset(folder, sources);
    await expect(opening).rejects.toMatchObject({ name: 'DatasetError', code: 'DATASET_INVALID' });
    await expect(opening).rejects.toThrow(
      /4 faults\n {2}line 3: series 1 of study 1 for the second time\n {2}line 4: unknown description "Coronal".*\n {2}line 5: 2 cells where the header has 3\n {2}line 6: a study id/,
    );
  });

  it.each([
    [{ 'notes.txt': 'x' }, 'DATASET_EMPTY'],
    [{ 'test_series_descriptions.csv': DESCRIPTIONS }, 'DATASET_IMAGES_MISSING'],
    [{ 'Some One^1970/1/1.dcm': 'x' }, 'DATASET_INVALID'],
  ])('refuses %j with %s', async (files, code) => {
    await expect(openDataset(await folderWith(files as Record<string, string>), sources)).rejects.toMatchObject({
      code,
    });
  });

  it('says what it takes when given something else', async () => {
    const folder = await folderWith({ 'list.xlsx': 'x' });
    await expect(openDataset(join(folder, 'list.xlsx'), sources)).rejects.toThrow('*.jsonl, *.ndjson or *.csv');
    await expect(openDataset(join(folder, 'nothing'), sources)).rejects.toMatchObject({ code: 'DATASET_NOT_FOUND' });
    await expect(openDataset('s3://bucket/folder', sources)).rejects.toThrow('docs/manifests.md');
  });
});

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const scanner = join(process.env.SPINELINE_TEST_DATA ?? join(repository, '../shared/data'), 'scanner-phantom');

describe.skipIf(!existsSync(scanner))('the scanner phantom (skipped where ../shared/data is absent)', () => {
  it('has two studies of four series with 31 instances each', async () => {
    const studies = await read(scanner);
    expect(studies.map(({ study }) => study)).toEqual(['1486', '1487']);
    for (const { series, problems } of studies) {
      expect(problems).toBeUndefined();
      expect(series.map(({ kind, instances }) => [kind, instances.length])).toEqual([
        ['sagittal_t2', 7],
        ['sagittal_t1', 7],
        ['axial_t2', 7],
        ['axial_t2', 10],
      ]);
    }
  });
});

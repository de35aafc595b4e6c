import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatasetOptions } from '../dataset/dataset.ts';
import { openDataset, StudyEntry } from '../dataset/index.ts';
import { openSources } from '../sources/index.ts';
import { placed, seriesSlices, type Tree, writeTree } from './support/dicom-tree.ts';

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
async function folderWith(files: Tree): Promise<string> {
  const folder = join(root, `folder ${++folders} #1`);
  await mkdir(folder);
  await writeTree(folder, files);
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
      ...placed(seriesSlices('axial_t2', { study: 3, series: 1, slices: 1 }), () => 'test_images/3/1/1.dcm'),
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

  it('every study is there once with its own images, with headers as without, whatever else cannot be read', async () => {
    const good = (n: number) =>
      placed(seriesSlices('axial_t2', { study: n, series: 1 }), (i) => `test_images/${n}/1/${i}.dcm`);
    const folder = await folderWith({
      'test_series_descriptions.csv': `${DESCRIPTIONS}100,1,Axial T2\n300,1,Axial T2\n350,1,Axial T2\n`,
      ...good(100),
      'test_images/200/1/1.dcm': 'garbage',
      ...good(300),
      'test_images/350/1/1.dcm': 'garbage',
      ...good(400),
      ...good(500),
    });
    for (const headers of [true, false]) {
      const studies = await read(folder, { headers });
      expect(studies.map(({ study }) => study)).toEqual(['100', '200', '300', '350', '400', '500']);
      for (const { study, series } of studies) {
        if (study === '200' || study === '350') continue;
        expect(series.map(({ instances }) => instances.length)).toEqual([3]);
        for (const { location } of series[0]!.instances) expect(location).toContain(`/test_images/${study}/1/`);
      }
      expect(codes(studies[1]!)).toEqual(['STUDY_NOT_DESCRIBED', 'FILES_DAMAGED']);
      if (!headers) continue;
      expect(codes(studies[3]!)).toEqual(['FILES_DAMAGED']);
      expect(studies[3]!.series).toMatchObject([{ series: '1', kind: 'axial_t2', instances: [] }]);
      expect(codes(studies[3]!.series[0]!)).toEqual(['SERIES_FOLDER_MISSING']);
    }
  });

  it('takes every file of a series whatever its name, but junk, and what has another extension and is no DICOM', async () => {
    const image = seriesSlices('axial_t2', { study: 1, series: 1, slices: 1 })[0]!;
    const folder = await folderWith({
      'test_series_descriptions.csv': `${DESCRIPTIONS}a,s,Axial T2\na,t,Axial T2\n`,
      'test_images/a/s/1.dcm': 'x',
      'test_images/a/s/2.DCM': 'x',
      'test_images/a/s/IM0003': 'x',
      'test_images/a/s/LWS.MR.SPINE.0001.IMA': 'x',
      'test_images/a/s/4.dicom': 'x',
      'test_images/a/s/5.MRDCM': 'x',
      'test_images/a/s/MR.1.2.840.10008': 'x',
      'test_images/a/s/1.2.840.4': 'x',
      'test_images/a/s/deeper/5': 'x',
      'test_images/a/s/picture.jpg.scan': image,
      'test_images/a/s/DICOMDIR': 'x',
      'test_images/a/s/.hidden.dcm': 'x',
      'test_images/a/s/.cache/6.dcm': 'x',
      'test_images/a/s/@eaDir/7.dcm': 'x',
      'test_images/a/s/Thumbs.db': 'x',
      'test_images/a/s/notes.txt': 'x',
      'test_images/a/s/thumbnail.jpg': Buffer.from([0xff, 0xd8, 0xff, 0xe0]),
      'test_images/a/s/empty.dcm/': '',
      'test_images/a/t/notes.txt': 'x',
    });
    const dataset = await openDataset(folder, sources);
    const [study] = await Array.fromAsync(dataset.studies());
    expect(names(study!, 's').sort()).toEqual(
      [
        ...['1.2.840.4', '1.dcm', '2.DCM', '4.dicom', '5.MRDCM', 'IM0003', 'LWS.MR.SPINE.0001.IMA'],
        ...['MR.1.2.840.10008', 'deeper/5', 'picture.jpg.scan'],
      ].sort(),
    );
    expect(codes(study!.series[1]!)).toEqual(['SERIES_FOLDER_EMPTY']);
    expect(study!.series[1]!.problems![0]!.message).toContain('not a DICOM image');
    expect(dataset.skipped()).toEqual({ hidden: 2, left_behind: 2, not_dicom: 3, dicomdir: 1 });
    // Counted anew, not on top.
    await Array.fromAsync(dataset.studies());
    expect(dataset.skipped()).toMatchObject({ not_dicom: 3 });
  });

  it('leaves columns that nobody asked for out and says so once', async () => {
    const headers: [string, string, string[]][] = [
      ['study_id,series_id,series_description,fold', '1,2,Axial T2,0', ['"fold"']],
      [',study_id,series_id,series_description', '0,1,2,Axial T2', ['""']],
      ['Unnamed: 0,study_id,series_id,series_description', '0,1,2,Axial T2', ['"Unnamed: 0"']],
      [
        ',Unnamed: 0,series_description,series_id,study_id,site',
        '0,0,Axial T2,2,1,x',
        ['""', '"Unnamed: 0"', '"site"'],
      ],
    ];
    for (const [header, row, ignored] of headers) {
      const folder = await folderWith({
        'test_series_descriptions.csv': `${header}\n${row}\n`,
        'test_images/1/2/1.dcm': 'x',
      });
      const dataset = await openDataset(folder, sources);
      const [study] = await Array.fromAsync(dataset.studies());
      expect(study).toMatchObject({ study: '1', series: [{ series: '2', kind: 'axial_t2' }] });
      expect(dataset.notes).toHaveLength(1);
      for (const column of ignored) expect(dataset.notes[0]).toContain(column);
    }
  });

  it('skips what is beside the described studies and is no study, and reads what is one', async () => {
    const folder = await folderWith({
      'test_series_descriptions.csv': `${DESCRIPTIONS}1,2,Axial T2\n`,
      'test_images/1/2/1.dcm': 'x',
      'test_images/__MACOSX/1/._1.dcm': 'x',
      'test_images/@eaDir/x': 'x',
      'test_images/lost+found/': '',
      'test_images/$RECYCLE.BIN/desktop.ini': 'x',
      'test_images/System Volume Information/': '',
      'test_images/thumb nails (old)/a.jpg': 'x',
      'test_images/logs/today.txt': 'x',
      ...placed(seriesSlices('axial_t2', { study: 9, series: 1 }), (i) => `test_images/Some One^1970/9/${i}`),
    });
    const dataset = await openDataset(folder, sources);
    const studies = await Array.fromAsync(dataset.studies());
    expect(studies.map(({ study }) => study)).toEqual(['1', expect.stringMatching(/^study-[0-9a-f]{20}$/)]);
    expect(studies[1]!.series).toMatchObject([{ series: '9', instances: [{}, {}, {}] }]);
    expect(codes(studies[1]!)).toEqual(['STUDY_NOT_DESCRIBED']);
    expect(dataset.skipped()).toEqual({ left_behind: 5, not_dicom: 2 });
  });

  it.skipIf(process.getuid?.() === 0)('lists a folder that may not be read as a problem of its study', async () => {
    const folder = await folderWith({
      'test_series_descriptions.csv': `${DESCRIPTIONS}a,s,Axial T2\nb,s,Axial T2\n`,
      'test_images/a/s/1.dcm': 'x',
      'test_images/b/s/1.dcm': 'x',
    });
    await chmod(join(folder, 'test_images/a/s'), 0);
    const [a, b] = await read(folder);
    expect(codes(a!.series[0]!)).toEqual(['SERIES_FOLDER_UNREADABLE']);
    expect(b!.series[0]!.instances).toHaveLength(1);
  });

  it('gives the same entries whatever the concurrency, and every time', async () => {
    const files: Record<string, string> = { 'test_series_descriptions.csv': DESCRIPTIONS };
    for (let study = 1; study <= 25; study++) {
      for (let series = 1; series <= 3; series++) {
        files['test_series_descriptions.csv'] += `${study},${series},\n`;
        files[`test_images/${study}/${series}/1.dcm`] = 'x'.repeat(study);
      }
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
      /4 faults\n {2}line 3: series 1 of study 1 appears twice\n {2}line 4: unknown description "Coronal".*\n {2}line 5: 2 cells where the header has 3\n {2}line 6: a study id/,
    );
  });

  it.each([
    [{ 'notes.txt': 'x' }, 'DATASET_EMPTY'],
    [{ 'test_series_descriptions.csv': DESCRIPTIONS }, 'DATASET_IMAGES_MISSING'],
    [{ 'a/b/c.dcm': 'x', 'x/Thumbs.db': 'x' }, 'DATASET_EMPTY'],
    [{ 'test_series_descriptions.csv': DESCRIPTIONS, 'test_images/': '' }, 'DATASET_EMPTY'],
  ])('refuses %j with %s', async (files, code) => {
    await expect(openDataset(await folderWith(files as Tree), sources)).rejects.toMatchObject({
      code,
    });
  });

  it('says what it takes when given something else', async () => {
    const folder = await folderWith({ 'list.xlsx': 'x' });
    await expect(openDataset(join(folder, 'list.xlsx'), sources)).rejects.toThrow('*.jsonl, *.ndjson or *.csv');
    await expect(openDataset(join(folder, 'nothing'), sources)).rejects.toMatchObject({ code: 'DATASET_NOT_FOUND' });
    await expect(openDataset('s3://bucket/tonight.jsonl', sources)).rejects.toThrow('docs/manifests.md');
    await expect(openDataset('dicomweb+https://host/x', sources)).rejects.toThrow('spineline manifest --from');
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

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestLines, openDataset, StudyEntry } from '../dataset/index.ts';
import type { InstanceLister } from '../dataset/instance-lister.ts';
import { Problem } from '../dataset/study-entry.ts';
import { DatasetError, StoreUnavailableError } from '../domain/index.ts';
import { openSources } from '../sources/index.ts';

const files = openSources();

/** A list of keys replaces the object store, since only manifests are tested here. The store has its own tests. */
function bucketWith(...locations: string[]): InstanceLister {
  const fingerprint = 'etag-1';
  return {
    async head(location) {
      if (location.startsWith('file:')) return files.head(location);
      return locations.includes(location) ? { size: 1, fingerprint } : undefined;
    },
    async *list(prefix) {
      if (prefix.startsWith('file:')) yield* files.list(prefix);
      for (const location of locations) if (location.startsWith(prefix)) yield { location, size: 1, fingerprint };
    },
    readStart: (location, bytes) => files.readStart(location, bytes),
  };
}

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'spineline-manifest-'));
  await mkdir(join(root, 'scans', 'one'), { recursive: true });
  for (const name of ['2.dcm', '10.dcm', 'multi.dcm']) await writeFile(join(root, 'scans', 'one', name), name);
});
afterAll(async () => {
  await files.close();
  await rm(root, { recursive: true, force: true });
});

let manifests = 0;
async function manifest(extension: string, content: string | Uint8Array): Promise<string> {
  const path = join(root, `manifest-${++manifests}${extension}`);
  await writeFile(path, content);
  return path;
}

async function read(path: string, sources: InstanceLister = files): Promise<StudyEntry[]> {
  const dataset = await openDataset(path, sources);
  const studies = await Array.fromAsync(dataset.studies());
  expect(studies).toHaveLength(dataset.studyCount);
  for (const study of studies) StudyEntry.parse(study);
  return studies;
}

async function faultsOf(path: string): Promise<string> {
  const error = await openDataset(path, files).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DatasetError);
  expect(error).toMatchObject({ code: 'MANIFEST_INVALID', kind: 'permanent' });
  return (error as DatasetError).message;
}

const lines = (...studies: unknown[]) => studies.map((study) => `${JSON.stringify(study)}\n`).join('');
const one = (study: string | number) => ({ study, series: [{ series: 1, folder: 'scans/one' }] });
const locations = (study: StudyEntry, series = 0) => study.series[series]!.instances.map(({ location }) => location);
const local = (name: string) => pathToFileURL(join(root, 'scans', 'one', name)).href;

describe('a manifest as JSON Lines', () => {
  it('takes folders and files, relative to itself, absolute, file:// and s3://, and keeps its own order', async () => {
    const path = await manifest(
      '.jsonl',
      lines(
        {
          study: 'b-2',
          series: [
            { series: '1', description: 'Sagittal T2/STIR', folder: './scans/one' },
            { series: '2', description: 'axial t2', folder: pathToFileURL(join(root, 'scans', 'one')).href },
            { series: '3', files: [join(root, 'scans/one/10.dcm'), 'scans/one/2.dcm'] },
          ],
        },
        {
          study: 7,
          series: [
            { series: 9, folder: 's3://bucket/seven' },
            { series: 10, files: ['s3://bucket/x/1.dcm'] },
          ],
        },
      ),
    );
    const sources = bucketWith(
      's3://bucket/seven/10.dcm',
      's3://bucket/seven/9.dcm',
      's3://bucket/seventy/1.dcm',
      's3://bucket/x/1.dcm',
    );
    const [b, seven] = await read(path, sources);
    expect([b!.study, seven!.study]).toEqual(['b-2', '7']);
    expect(b!.series.map(({ kind }) => kind)).toEqual(['sagittal_t2', 'axial_t2', undefined]);
    expect(locations(b!, 0)).toEqual([local('2.dcm'), local('10.dcm'), local('multi.dcm')]);
    expect(locations(b!, 1)).toEqual(locations(b!, 0));
    expect(locations(b!, 2)).toEqual([local('10.dcm'), local('2.dcm')]);
    expect(locations(seven!, 0)).toEqual(['s3://bucket/seven/9.dcm', 's3://bucket/seven/10.dcm']);
    expect(locations(seven!, 1)).toEqual(['s3://bucket/x/1.dcm']);
  });

  it('lists what is not there as problems of the series', async () => {
    const path = await manifest(
      '.jsonl',
      lines({
        study: '1',
        series: [
          { series: 'a', folder: 'scans/none' },
          { series: 'b', files: ['scans/one/2.dcm', 'scans/one/none.dcm'] },
          { series: 'c', folder: 's3://bucket/none/' },
        ],
      }),
    );
    const [study] = await read(path, bucketWith());
    expect(study!.series.map(({ instances, problems }) => [instances.length, problems?.[0]?.code])).toEqual([
      [0, 'SERIES_FOLDER_MISSING'],
      [1, 'FILES_MISSING'],
      [0, 'SERIES_FOLDER_MISSING'],
    ]);
    expect(study!.series[1]!.problems![0]!.message).toBe('1 of 2 files of the manifest cannot be read: none.dcm');
  });

  it('names missing files as people know them, and none by its UID', async () => {
    const uid = '1.2.840.113619.2.176.3596';
    const path = await manifest(
      '.jsonl',
      lines({
        study: 'a',
        series: [
          { series: '1', files: ['scans/one/2.dcm', 'scans/one/a b#ü.dcm', `scans/one/MR.${uid}.dcm`] },
          { series: '2', files: [`s3://bucket/${uid}.dcm`, 's3://bucket/100%.dcm'] },
          { series: '3', files: [`dicomweb+https://h/studies/${uid}/series/${uid}.1/instances/${uid}.2`] },
        ],
      }),
    );
    const messages = (await read(path, bucketWith()))[0]!.series.map(({ problems }) => problems![0]!.message);
    expect(messages).toEqual([
      '2 of 3 files of the manifest cannot be read: a b#ü.dcm, MR.uid-4c4d1abc.dcm',
      '2 of 2 files of the manifest cannot be read: uid-4c4d1abc.dcm, 100%.dcm',
      expect.stringMatching(/^1 of 1 files of the manifest cannot be read: instance [\da-f]{8}$/),
    ]);
  });

  it('fails as a whole when the object store does not answer, rather than listing studies as empty', async () => {
    const path = await manifest('.jsonl', lines({ study: '1', series: [{ series: 'a', folder: 's3://bucket/a/' }] }));
    const down: InstanceLister = {
      head: () => Promise.reject(new StoreUnavailableError('no answer')),
      // oxlint-disable-next-line require-yield -- it fails before it has anything to yield
      async *list() {
        throw new StoreUnavailableError('no answer');
      },
      readStart: () => Promise.reject(new StoreUnavailableError('no answer')),
    };
    const dataset = await openDataset(path, down);
    await expect(Array.fromAsync(dataset.studies())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it.each([
    ['one study after the other', JSON.stringify({ study: '1', series: [{ series: 1, folder: 'x' }] }, null, 2)],
    ['a list of them', JSON.stringify([{ study: '1', series: [{ series: 1, folder: 'x' }] }], null, 2)],
  ])('says how to mend JSON that is laid out over lines, %s, in one fault', async (_, text) => {
    const message = await faultsOf(await manifest('.jsonl', text));
    expect(message).toContain('line 1: this study is spread over several lines');
    expect(message).toContain('jq -c');
    expect(message).not.toContain('not JSON');
  });

  it('names every fault with its line, and counts those after the twentieth', async () => {
    const message = await faultsOf(
      await manifest(
        '.jsonl',
        `\uFEFF${lines(one('1'))}\n{"study":\n${lines(
          one('1'),
          { study: 'a/b', series: [{ series: 1, folder: 'x' }] },
          {
            study: '2',
            series: [
              { series: 1, folder: 'x' },
              { series: '1', folder: 'x' },
            ],
          },
          { study: '3', series: [{ series: 1, description: 'Sagittal PD', folder: 'x' }] },
          { study: '4', series: [{ series: 1 }, { series: 2, folder: 'x', files: ['x'] }] },
          { study: '5', series: [], extra: 1 },
          { study: '6', series: [{ series: 1, folder: 'http://host/x' }] },
          ...Array.from({ length: 15 }, (_, i) => ({ study: `wide ${i}` })),
        )}`,
      ),
    );
    expect(message).toMatch(/^file manifest-\d+\.jsonl: 40 faults$/m);
    for (const expected of [
      'line 3: not JSON',
      'line 4: study 1 appears twice, first on line 1',
      'line 5: study: a study id is letters',
      'line 6: series 1 appears twice',
      'line 7: series 1: unknown description "Sagittal PD", expected "Sagittal T2/STIR", "Sagittal T1", "Axial T2"',
      'line 8: series[0]: either "folder" or "files"',
      'line 8: series[1]: either "folder" or "files"',
      'line 9: no series, neither in "series" nor in "rejected"',
      'line 9: Unrecognized key: "extra"',
      'line 10: series 1: a location is a path, file://, s3:// or dicomweb+https://, not http://',
    ]) {
      expect(message).toContain(expected);
    }
    expect(message).toContain('... and 20 more; docs/manifests.md describes manifests');
    expect(message.split('\n')).toHaveLength(22);
  });

  it('refuses ids that JSON numbers cannot hold, and an empty manifest', async () => {
    expect(
      await faultsOf(await manifest('.jsonl', '{"study":12345678901234567890,"series":[{"series":1,"folder":"x"}]}')),
    ).toContain('line 1: study');
    expect(await faultsOf(await manifest('.ndjson', '\n\n'))).toContain('the manifest is empty');
  });

  const studies = Array.from({ length: 3000 }, (_, i) => one(`study-${i}`));
  const ids = studies.map(({ study }) => study);
  const text = lines(...studies);
  it.each([
    ['.jsonl.gz', gzipSync(text)],
    ['.jsonl.gz', Buffer.concat([gzipSync(text.slice(0, 5000)), gzipSync(text.slice(5000))])],
    ['.jsonl.zst', zstdCompressSync(text)],
    ['.jsonl.zst', Buffer.concat(studies.map((study) => zstdCompressSync(lines(study))))],
    ['.JSONL', text.replaceAll('\n', '\r\n').trimEnd()],
  ])('reads %s to the last study', async (extension, content) => {
    expect((await read(await manifest(extension, content))).map(({ study }) => study)).toEqual(ids);
  });

  it('reads Zstandard frames of every form: checksums, skippable frames, run-length blocks, incompressible ones', async () => {
    const noise = Array.from({ length: 40_000 }, (_, i) => (Math.sin(i) * 1e9).toString(36)).join('');
    const described = (study: string, filler: string) =>
      lines({ ...one(study), series: [{ series: 1, files: [filler] }] });
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const checksum = { params: { [(await import('node:zlib')).constants.ZSTD_c_checksumFlag]: 1 } };
    const path = await manifest(
      '.jsonl.zst',
      Buffer.concat([
        skippable,
        zstdCompressSync(described('a', noise), checksum),
        zstdCompressSync(described('b', 'x'.repeat(1_000_000))),
        skippable,
        zstdCompressSync('', checksum),
        zstdCompressSync(lines(one('c')), checksum),
        zstdCompressSync(Buffer.alloc(300_000, '\n')),
        zstdCompressSync(lines(one('d'))),
        skippable,
      ]),
    );
    expect((await openDataset(path, files)).studyCount).toBe(4);
  });

  it.each([
    ['.jsonl.gz', gzipSync(text).subarray(0, -20)],
    ['.jsonl.zst', zstdCompressSync(text).subarray(0, -20)],
    ['.jsonl.zst', Buffer.concat([zstdCompressSync(text), Buffer.from('no frame')])],
    ['.jsonl', Buffer.from([0xff, 0xfe, 0x7b, 0x00])],
  ])('says that a damaged %s cannot be read', async (extension, content) => {
    await expect(openDataset(await manifest(extension, content), files)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
  });
});

describe('what `spineline manifest` wrote and a person changed', () => {
  const reasons = ['sagittal by its planes', 'T2: EchoTime 105 ms, RepetitionTime 3500 ms'];
  const T2 = {
    series: '1',
    description: 'Sagittal T2/STIR',
    inferred: 'Sagittal T2/STIR',
    files: ['scans/one/2.dcm'],
    reasons,
  };
  const LOCALIZER = { series: '2', rejection: 'localizer', reason: 'ImageType LOCALIZER', files: ['scans/one/10.dcm'] };

  it('as it was written: what the headers said is inferred again, what was rejected is counted', async () => {
    const [study] = await read(await manifest('.jsonl', lines({ study: 1, series: [T2], rejected: [LOCALIZER] })));
    expect(study!.series).toEqual([{ series: '1', instances: [expect.anything()], reasons }]);
    expect(study!.rejected).toEqual([
      { series: '2', images: 1, rejection: 'localizer', reason: 'ImageType LOCALIZER' },
    ]);
  });

  it('another description is what a person said, with and without trust', async () => {
    const changed = { ...T2, description: 'Sagittal T1' };
    const trusted = { ...T2, trust: 'description' };
    const path = await manifest(
      '.jsonl',
      lines(
        { study: 1, series: [changed] },
        { study: 2, series: [trusted] },
        { study: 3, series: [{ ...T2, inferred: undefined }] },
      ),
    );
    expect((await read(path)).map(({ series: [one] }) => [one!.kind, one!.trust])).toEqual([
      ['sagittal_t1', undefined],
      ['sagittal_t2', 'description'],
      ['sagittal_t2', undefined],
    ]);
  });

  it('a rejected object that was moved to the series is read as described', async () => {
    const moved = { ...LOCALIZER, description: 'Sagittal T2/STIR', trust: 'description' };
    const [study] = await read(await manifest('.jsonl', lines({ study: 1, series: [T2, moved] })));
    expect(study!.series[1]).toMatchObject({ series: '2', kind: 'sagittal_t2', trust: 'description', instances: [{}] });
    expect(study!.rejected).toBeUndefined();
  });

  it('a study of which everything is rejected stays, and so do problems', async () => {
    const problems = [{ code: 'FILES_DAMAGED', message: '1 file is damaged' }];
    const path = await manifest(
      '.jsonl',
      lines(
        { study: 1, series: [], rejected: [LOCALIZER] },
        { study: 2, series: [{ ...T2, problems }], problems },
        { study: 3, series: [{ series: 'gone', files: [], problems }] },
      ),
    );
    const [one, two, three] = await read(path);
    expect(one).toMatchObject({ series: [], rejected: [{ images: 1 }] });
    expect(two).toMatchObject({ problems, series: [{ problems, instances: [{}] }] });
    expect(three).toMatchObject({ series: [{ instances: [], problems }] });
  });

  it('takes DICOMweb locations, and none with a password, which it does not repeat', async () => {
    const at = (host: string) => ({
      study: 1,
      series: [{ series: 1, files: [`dicomweb+https://${host}/web/studies/1.2/series/1.3/instances/1.4`] }],
    });
    const path = await manifest('.jsonl', lines(at('pacs.example.org')));
    const found = { size: 0, fingerprint: 'f' };
    const [study] = await read(path, { ...bucketWith(), head: async () => found });
    expect(study!.series[0]!.instances[0]!.location).toMatch(/^dicomweb\+https:\/\/pacs/);
    const message = await faultsOf(await manifest('.jsonl', lines(at('reader:hunter2@pacs.example.org'))));
    expect(message).toContain('without user and password');
    expect(message).not.toContain('hunter2');
  });

  it.each<[string, unknown, string]>([
    [
      'an unknown rejection',
      { study: 1, series: [T2], rejected: [{ ...LOCALIZER, rejection: 'dull' }] },
      'rejected[0].rejection: ',
    ],
    [
      'a rejection without a reason',
      { study: 1, series: [T2], rejected: [{ ...LOCALIZER, reason: undefined }] },
      'rejected[0].reason: ',
    ],
    [
      'a rejection without files',
      { study: 1, series: [T2], rejected: [{ ...LOCALIZER, files: [] }] },
      'rejected[0].files: ',
    ],
    [
      'one id for a series and a rejection',
      { study: 1, series: [T2], rejected: [{ ...LOCALIZER, series: 1 }] },
      'series 1 appears twice',
    ],
    ['trust in something else', { study: 1, series: [{ ...T2, trust: 'me' }] }, 'series[0].trust: '],
    [
      'trust without a description',
      { study: 1, series: [{ series: 1, files: ['x'], trust: 'description' }] },
      '"trust" needs a "description"',
    ],
    [
      'a series without files and without a problem',
      { study: 1, series: [{ series: 1, files: [] }] },
      '"files" is empty',
    ],
    ['a study of nothing', { study: 1, series: [], rejected: [] }, 'no series'],
    ['empty reasons', { study: 1, series: [{ ...T2, reasons: [''] }] }, 'series[0].reasons[0]: '],
  ])('refuses %s', async (_, line, fault) => {
    expect(await faultsOf(await manifest('.jsonl', lines(line)))).toContain(fault);
  });

  const PROBLEM_CODES = Problem.shape.code.options;
  it.each(PROBLEM_CODES)('every study with the problem %s is written so that it reads back the same', async (code) => {
    const problems: Problem[] = [{ code, message: 'what was odd' }];
    const bare: StudyEntry['series'][number] = {
      series: '7',
      kind: 'axial_t2',
      description: 'Axial T2',
      instances: [],
    };
    const instances = [{ location: local('2.dcm'), fingerprint: (await files.head(local('2.dcm')))!.fingerprint }];
    const studies: StudyEntry[] = [
      { study: 'lost', series: [], problems },
      { study: 'described', series: [{ ...bare }, { ...bare, series: '8' }], problems },
      {
        study: 'in-part',
        series: [
          { ...bare, problems },
          { ...bare, series: '8', instances },
        ],
      },
      { study: 'both', series: [{ ...bare, instances, problems }], problems },
    ];
    const dataset = {
      async *studies() {
        yield* studies.map((study) => StudyEntry.parse(study));
      },
      scanOf: () => undefined,
    };
    const text = (await Array.fromAsync(manifestLines(dataset))).join('');
    expect(await read(await manifest('.jsonl', text))).toEqual(studies);
  });

  it('entries without the new fields are written as they always were', async () => {
    const [study] = await read(
      await manifest(
        '.jsonl',
        lines({ study: 1, series: [{ series: 2, description: 'Axial T2', files: ['scans/one/2.dcm'] }] }),
      ),
    );
    const [{ instances }] = study!.series as [StudyEntry['series'][number]];
    expect(JSON.stringify(study)).toBe(
      JSON.stringify({ study: '1', series: [{ series: '2', kind: 'axial_t2', description: 'Axial T2', instances }] }),
    );
  });
});

describe('a manifest as CSV', () => {
  it('takes rows of one study from anywhere, columns in any order, folders and single files', async () => {
    const path = await manifest(
      '.csv',
      [
        'location,study_id,series_id,series_description',
        'scans/one/,2,1,Sagittal T1',
        's3://bucket/a,1,1,',
        '"scans/one/multi.dcm",2,2,Axial T2',
        's3://bucket/b,1,2,Axial T2',
      ].join('\r\n'),
    );
    const [two, first] = await read(path, bucketWith('s3://bucket/a', 's3://bucket/b/1.dcm', 's3://bucket/b/2.dcm'));
    expect([two!.study, first!.study]).toEqual(['2', '1']);
    expect(two!.series.map(({ kind, instances }) => [kind, instances.length])).toEqual([
      ['sagittal_t1', 3],
      ['axial_t2', 1],
    ]);
    expect(locations(two!, 1)).toEqual([local('multi.dcm')]);
    expect(locations(first!, 0)).toEqual(['s3://bucket/a']);
    expect(locations(first!, 1)).toEqual(['s3://bucket/b/1.dcm', 's3://bucket/b/2.dcm']);
  });

  it('takes a folder that a link leads to', async () => {
    await symlink('one', join(root, 'scans', 'linked'));
    const [study] = await read(await manifest('.csv', 'study_id,series_id,location\n1,1,scans/linked\n'));
    expect(study!.series[0]!.instances).toHaveLength(3);
  });

  it('names missing and unknown columns', async () => {
    const message = await faultsOf(await manifest('.csv', 'study_id,series_id,description\n1,1,x\n'));
    expect(message).toContain('line 1: no column "location"');
    expect(message).toContain('line 1: unknown column "description"');
  });

  it('names every fault with its line', async () => {
    const message = await faultsOf(
      await manifest(
        '.csv.gz',
        gzipSync(
          [
            'study_id,series_id,series_description,location',
            '1,1,Axial T2,scans/one',
            '1,1,Axial T2,scans/one',
            '',
            '1,2,Coronal,scans/one',
            '1,3,Axial T2,',
            ',4,Axial T2,s3://bucket',
            '1,5,Axial T2',
          ].join('\n'),
        ),
      ),
    );
    expect(message).toContain('line 3: series 1 of study 1 appears twice, first on line 2');
    expect(message).toContain('line 5: unknown description "Coronal"');
    expect(message).toContain('line 6: no location');
    expect(message).toContain('line 7: a study id');
    expect(message).toContain('line 7: an s3:// location needs a bucket and a key');
    expect(message).toContain('line 8: 3 cells where the header has 4');
  });

  it.each(['', 'study_id,series_id,location\n'])('refuses an empty manifest: %j', async (text) => {
    expect(await faultsOf(await manifest('.csv', text))).toContain('empty');
  });

  it('says where quotes are not closed', async () => {
    expect(await faultsOf(await manifest('.csv', 'study_id,series_id,location\n1,1,"scans'))).toMatch(
      /line \d: not CSV/,
    );
  });
});

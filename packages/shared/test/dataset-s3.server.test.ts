/**
 * A prefix of a real S3 server as a dataset: keys as they are, byte ranges of headers, and a local folder's answers.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset, type StudyEntry } from '../dataset/index.ts';
import type { InstanceLister } from '../dataset/instance-lister.ts';
import { StoreUnavailableError } from '../domain/index.ts';
import { openSources, type SourceReader } from '../sources/index.ts';
import { type ObjectStore, openStore } from '../store/index.ts';
import { placed, plainStudy, seriesSlices, type Tree, writeTree } from './support/dicom-tree.ts';
import { S3_START_TIMEOUT_MS, s3Missing, startS3, type TestS3 } from './support/s3-server.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const missing = await s3Missing();

describe.skipIf(missing)(`a dataset on S3${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let s3: TestS3;
  let bucket: string;
  let store: ObjectStore;
  let sources: SourceReader;
  beforeAll(async () => {
    s3 = await startS3();
    bucket = s3.newBucket();
    store = await openStore(`s3://${bucket}`, { ...s3.options, createBucket: true });
    sources = openSources({ s3: s3.options });
  }, S3_START_TIMEOUT_MS);
  afterAll(async () => {
    await sources?.close();
    await store?.close();
    await s3?.stop();
  });

  /** Puts files without the store's own rules for keys: a hospital's keys follow none. */
  async function put(prefix: string, tree: Tree): Promise<void> {
    const { S3Client, PutObjectCommand } = await import('@aws-sdk/client-s3');
    const { endpoint, region, forcePathStyle, accessKeyId, secretAccessKey } = s3.options;
    const client = new S3Client({
      endpoint,
      region,
      forcePathStyle,
      credentials: { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! },
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
    for (const [name, content] of Object.entries(tree)) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: prefix + name, Body: content }));
    }
    client.destroy();
  }

  const shape = (studies: readonly StudyEntry[], root: string) =>
    studies.map(({ study, series, rejected, problems }) => ({
      study,
      problems,
      rejected,
      series: series.map(({ series: id, reasons, instances }) => ({
        id,
        reasons,
        files: instances.map(({ location }) =>
          (root.startsWith('s3:') ? location : decodeURIComponent(location)).slice(root.length),
        ),
      })),
    }));

  it('gives what the same tree gives as a local folder', async () => {
    const { sagittal_t2, sagittal_t1, axial_t2 } = plainStudy(1);
    const tree = {
      ...placed(sagittal_t2, (i) => `ST1/1/IM${i}`),
      ...placed(sagittal_t1, (i) => `ST1/2/IM${i}.IMA`),
      ...placed(axial_t2, (i) => `ST1/3/${i}`),
      ...placed(seriesSlices('localizer', { study: 1, series: 9 }), (i) => `ST1/1/0${i}`),
      ...placed(
        seriesSlices('sagittal_t2', { study: 2, series: 1, attributes: { Modality: 'CT' } }),
        (i) => `ST2/1/${i}`,
      ),
      'ST1/1/readme.txt': 'x',
      'ST1/1/cut.dcm': sagittal_t2[0]!.subarray(0, 135),
      'ST1/1/empty': '',
      DICOMDIR: 'x',
      '__MACOSX/ST1/1.dcm': 'x',
      'old/store/datasets/pages/ab/abc.jsonl.zst': 'x',
      'old/store/runs/r/run.json': '{}',
      'old/store/stages/x/y.dcm': sagittal_t2[0]!,
    };
    await put('export/', tree);
    const folder = await temporaryFolder();
    await writeTree(folder, tree);
    const remote = await openDataset(`s3://${bucket}/export`, sources);
    const local = await openDataset(folder, sources);
    const remoteStudies = await Array.fromAsync(remote.studies());
    expect(shape(remoteStudies, `s3://${bucket}/export/`)).toEqual(
      shape(await Array.fromAsync(local.studies()), `file://${folder}/`),
    );
    expect(remoteStudies).toHaveLength(2);
    // One store is one folder that is left out locally, and as many objects here.
    expect({ ...remote.skipped(), output: 1 }).toEqual(local.skipped());
    for (const { location, fingerprint } of remoteStudies.flatMap(({ series }) =>
      series.flatMap((one) => one.instances),
    )) {
      expect(await sources.head(location)).toMatchObject({ fingerprint });
    }
  });

  it.each(['100%', '%zz', 'a%2Fb', 'with space', 'plus+and#hash', 'ü-日本', 'q?x=1&y'])(
    'takes a key with %j as it is',
    async (part) => {
      const slices = seriesSlices('sagittal_t2', { study: 3, series: 1 });
      const prefix = `odd ${encodeURIComponent(part).replaceAll('%', '')}/`;
      await put(
        prefix,
        placed(slices, (i) => `ST1/${part}/${part}-${i}.dcm`),
      );
      const dataset = await openDataset(`s3://${bucket}/${prefix}`, sources);
      const [study] = await Array.fromAsync(dataset.studies());
      expect(study).toMatchObject({ study: 'ST1', series: [{ series: part }] });
      const [{ location, fingerprint }] = study!.series[0]!.instances as [{ location: string; fingerprint: string }];
      expect(location).toBe(`s3://${bucket}/${prefix}ST1/${part}/${part}-0.dcm`);
      expect(await sources.head(location)).toMatchObject({ fingerprint });
      expect(Buffer.from(await sources.read(location))).toEqual(slices[0]);
    },
  );

  it('takes the descriptions of the challenge’s layout where they lie there', async () => {
    const { sagittal_t2, axial_t2 } = plainStudy(4);
    await put('rsna/', {
      'train_series_descriptions.csv':
        'study_id,series_id,series_description,fold\n40,7,Sagittal T2/STIR,1\n41,1,Axial T2,1\n',
      ...placed(sagittal_t2, (i) => `train_images/40/7/${i}.dcm`),
      ...placed(axial_t2, (i) => `train_images/40/8/${i}.dcm`),
    });
    const dataset = await openDataset(`s3://${bucket}/rsna/`, sources);
    expect(dataset).toMatchObject({ split: 'train', studyCount: 2 });
    const [forty, fortyOne] = await Array.fromAsync(dataset.studies());
    expect(forty).toMatchObject({
      study: '40',
      series: [{ series: '7', description: 'Sagittal T2/STIR' }, { series: '8' }],
    });
    expect(fortyOne).toMatchObject({ study: '41', problems: [{ code: 'STUDY_FOLDER_MISSING' }] });
    expect(dataset.notes).toEqual(['train_series_descriptions.csv: column "fold" left out']);
  });

  it('reads headers only', async () => {
    const slices = seriesSlices('sagittal_t2', { study: 5, series: 1, attributes: { Rows: 512, Columns: 512 } });
    await put(
      'large/',
      placed(slices, (i) => `A/1/${i}`),
    );
    const dataset = await openDataset(`s3://${bucket}/large/`, sources);
    const size = slices.reduce((sum, { length }) => sum + length, 0);
    expect(size).toBeGreaterThan(1_500_000);
    expect(dataset.scan!.bytesRead).toBeLessThan(size / 10);
  });

  it('says that nothing is there, and fails as a whole when the server stops answering', async () => {
    await expect(openDataset(`s3://${bucket}/nothing/`, sources)).rejects.toMatchObject({ code: 'DATASET_EMPTY' });
    await put(
      'few/',
      placed(seriesSlices('sagittal_t2', { study: 6, series: 1, slices: 5 }), (i) => `A/1/${i}`),
    );
    let answers = 3;
    const failing: InstanceLister = {
      head: (location) => sources.head(location),
      list: (prefix) => sources.list(prefix),
      readStart: (location, bytes) =>
        answers-- > 0 ? sources.readStart(location, bytes) : Promise.reject(new StoreUnavailableError('no answer')),
    };
    await expect(openDataset(`s3://${bucket}/few/`, failing)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

/**
 * What a query finds on a real PACS as a dataset, and its manifest read back: the same series as in the files
 * themselves.
 */

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDicom } from '@spineline/phantom/dicom-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestLines, openDataset, openDicomWebDataset, type StudyEntry } from '../dataset/index.ts';
import { readFacts } from '../dicom/index.ts';
import { type DicomWebClient, openDicomWeb, openSources, type SourceReader } from '../sources/index.ts';
import { placed, plainStudy, seriesSlices, seriesUid, studyUid, writeTree } from './support/dicom-tree.ts';
import { orthancMissing, startOrthanc, type TestOrthanc } from './support/orthanc.ts';
import { UID_ROOT } from './support/small-study.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const missing = orthancMissing();
const QUERY = 'ModalitiesInStudy=MR';

describe.skipIf(missing)(`a dataset from a PACS${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let pacs: TestOrthanc;
  let client: DicomWebClient;
  let sources: SourceReader;
  const files: Buffer[] = [
    ...Object.values(plainStudy(1)).flat(),
    ...seriesSlices('localizer', { study: 1, series: 9 }),
    ...Object.values(plainStudy(2)).flat(),
    ...seriesSlices('axial_t2', { study: 3, series: 1, attributes: { BodyPartExamined: 'KNEE' } }),
  ];
  const report = writeDicom(
    {
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.88.22',
      SOPInstanceUID: `${UID_ROOT}.77`,
      StudyInstanceUID: studyUid(1),
      SeriesInstanceUID: seriesUid(1, 66),
      Modality: 'SR',
      PatientID: 'x',
    },
    { transferSyntax: 'explicit_little' },
  );
  beforeAll(async () => {
    pacs = await startOrthanc();
    for (const file of [...files, report]) await pacs.store(file);
    const options = { url: pacs.url, user: pacs.user, password: pacs.password };
    client = await openDicomWeb(options);
    sources = openSources({ dicomweb: options });
  }, 60_000);
  afterAll(async () => {
    await sources?.close();
    client?.close();
    await pacs?.stop();
  });

  /** What does not depend on where images lie. */
  const shape = (studies: readonly StudyEntry[]) =>
    studies
      .map(({ series, rejected = [] }) => ({
        series: series.map(({ series: id, reasons, instances }) => [id, reasons, instances.length]),
        rejected: rejected.map(({ series: id, images, rejection, reason }) => [id, images, rejection, reason]),
      }))
      .map((study) => JSON.stringify(study))
      .sort();

  it('has the series, reasons and pseudonyms of the same files in a flat folder', async () => {
    const remote = await openDicomWebDataset(client, pacs.address, QUERY);
    const folder = await temporaryFolder();
    await writeTree(
      folder,
      placed([...files, report], (i) => `I${i}`),
    );
    const local = await openDataset(folder, sources);
    const [a, b] = [await Array.fromAsync(remote.studies()), await Array.fromAsync(local.studies())];
    expect(a).toHaveLength(3);
    expect(shape(a)).toEqual(shape(b));
    expect(a.map(({ study }) => study)).toEqual(b.map(({ study }) => study));
    expect(remote.skipped()).toEqual({ no_image: 1 });
    expect(remote.scan!.withoutSeries).toHaveLength(1);
    const uids = new Set([...remote.identities()].map(({ studyUid: uid }) => uid));
    expect(uids).toEqual(new Set([1, 2, 3].map(studyUid)));
  });

  it('has a manifest that reads back as the same studies, whose images can be fetched', async () => {
    const dataset = await openDicomWebDataset(client, pacs.address, QUERY);
    const studies = await Array.fromAsync(dataset.studies());
    const manifest = join(await temporaryFolder(), 'pacs.jsonl');
    await writeFile(manifest, manifestLines(dataset));
    const text = await readFile(manifest, 'utf8');
    for (const secret of [pacs.user, pacs.password, 'Doe', 'MRN-4711', 't2_tse']) expect(text).not.toContain(secret);
    expect(await Array.fromAsync((await openDataset(manifest, sources)).studies())).toEqual(studies);

    const known = new Set(files.map((file) => digestOf(file.subarray(-96))));
    const locations = studies.flatMap(({ series }) => series.flatMap(({ instances }) => instances));
    expect(locations).toHaveLength(24);
    for (const { location } of locations) {
      // The PACS may write another header; the pixels come last.
      expect(known.has(digestOf((await sources.read(location)).subarray(-96)))).toBe(true);
    }
  });

  it('says that a query finds nothing, and throws what the server refuses', async () => {
    await expect(openDicomWebDataset(client, pacs.address, 'PatientID=nobody')).rejects.toMatchObject({
      code: 'DATASET_EMPTY',
    });
    const stranger = await openDicomWeb({ url: pacs.url, user: pacs.user, password: 'wrong', attempts: 1 });
    await expect(openDicomWebDataset(stranger, pacs.address, QUERY)).rejects.toMatchObject({
      code: 'OBJECT_ACCESS_DENIED',
    });
    stranger.close();
  });
});

describe('a server that gives less than it promises', () => {
  const ADDRESS = 'dicomweb+https://h/x';
  /** Promises one number of instances of every series, and gives those of `given`. */
  function server(
    studies: readonly (readonly [uid: string, series: readonly (readonly [uid: string, given: Buffer[]])[]])[],
    promised: number | undefined,
  ): Pick<DicomWebClient, 'studies' | 'seriesOf' | 'instancesOf'> {
    const seriesOf = (uid: string) => studies.find(([one]) => one === uid)![1];
    return {
      async *studies() {
        for (const [uid, series] of studies) yield { studyUid: uid, series: series.length };
      },
      seriesOf: async (_, uid) =>
        seriesOf(uid).map(([one]) => ({ seriesUid: one, modality: 'MR', instances: promised })),
      instancesOf: async (_, study, series) =>
        seriesOf(study)
          .find(([one]) => one === series)![1]
          .map((bytes, i) => {
            const look = readFacts(bytes, { whole: true }, {});
            if (typeof look === 'string') throw new Error('the test made no DICOM');
            const location = `${ADDRESS}/studies/${study}/series/${series}/instances/${series}.${i}`;
            return { location, fingerprint: 'f', facts: look.facts };
          }),
    };
  }
  const slices = (series: number, count: number) => seriesSlices('sagittal_t2', { study: 1, series, slices: count });
  const open = async (client: ReturnType<typeof server>) => {
    const dataset = await openDicomWebDataset(client, ADDRESS, QUERY);
    return { dataset, studies: await Array.fromAsync(dataset.studies()) };
  };

  it('has a note, and a problem on the series that has fewer instances', async () => {
    const all = [
      [
        studyUid(1),
        [
          [seriesUid(1, 1), slices(1, 5)],
          [seriesUid(1, 2), slices(2, 3)],
        ],
      ],
    ] as const;
    const { dataset, studies } = await open(server(all, 5));
    expect(dataset.notes).toEqual([expect.stringContaining('of 1 series the server gives fewer instances')]);
    const problems = studies[0]!.series.map(({ instances, problems: told }) => [instances.length, told]);
    expect(problems).toEqual(
      expect.arrayContaining([
        [5, undefined],
        [3, [{ code: 'FILES_MISSING', message: expect.stringMatching(/5 instances, and gives 3/) }]],
      ]),
    );
    const manifest = join(await temporaryFolder(), 'pacs.jsonl');
    await writeFile(manifest, manifestLines(dataset));
    const lister = {
      head: async () => ({ size: 1, fingerprint: 'f' }),
      async *list() {},
      readStart: async () => new Uint8Array(),
    };
    expect(await Array.fromAsync((await openDataset(manifest, lister)).studies())).toEqual(studies);
  });

  it('has a problem on the study where nothing of the series is given, and keeps a study of which nothing is', async () => {
    const all = [
      [
        studyUid(1),
        [
          [seriesUid(1, 1), slices(1, 5)],
          [seriesUid(1, 2), []],
        ],
      ],
      [studyUid(2), [[seriesUid(2, 1), []]]],
    ] as const;
    const { studies } = await open(
      server(
        all.map(([uid, series]) => [uid, series.map(([one, given]) => [one, [...given]])]),
        5,
      ),
    );
    expect(studies).toHaveLength(2);
    for (const { problems } of studies) expect(problems).toMatchObject([{ code: 'FILES_MISSING' }]);
    expect(studies.map(({ series }) => series.length).sort()).toEqual([0, 1]);
    expect(JSON.stringify(studies.map(({ problems }) => problems))).not.toContain(UID_ROOT);
  });

  it.each([undefined, 5, 3])('says nothing where the server promises %s of 5', async (promised) => {
    const { dataset, studies } = await open(server([[studyUid(1), [[seriesUid(1, 1), slices(1, 5)]]]], promised));
    expect(dataset.notes).toEqual([]);
    expect(studies[0]!.series[0]!.problems).toBeUndefined();
  });
});

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Phantoms in a real PACS, Orthanc: a manifest by DICOMweb, scored by three pools with the store on S3, gives the severities
 * of the files themselves, also through a line that fails and answers late. `SPINELINE_TEST_PACS_STUDIES` makes it larger.
 */

import { mkdir, readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { readFacts } from '@spineline/shared/dicom';
import { openStore } from '@spineline/shared/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { orthancMissing, startOrthanc, type TestOrthanc } from '../../../packages/shared/test/support/orthanc.ts';
import { phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import {
  S3_START_TIMEOUT_MS,
  s3Missing,
  startS3,
  type TestS3,
} from '../../../packages/shared/test/support/s3-server.ts';
import { promoteTinyBundles, tinyModels } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { startWebServer, type WebAnswer } from '../../../packages/shared/test/support/web-server.ts';
import { filesBelow } from './support/bad-files.ts';
import { type Deployment, resultsOf, s3Settings, scoreRun, startDeployment } from './support/deployment.ts';
import { type ResultsFile, readResults } from './support/results-file.ts';
import { spineline, spinelineOk } from './support/spineline-command.ts';
import { startPools } from './support/worker.ts';

const STUDIES = Number(process.env.SPINELINE_TEST_PACS_STUDIES || 2);
const TIMEOUT_MS = 60_000 + STUDIES * 30_000;
const missing = orthancMissing() ?? redisMissing();
const noS3 = missing ?? (await s3Missing());
const QUERY = 'ModalitiesInStudy=MR&StudyDate=19990101-20261231';

describe.skipIf(missing)(`a PACS${missing ? ` (${missing})` : ''}`, () => {
  let orthanc: TestOrthanc;
  let s3: TestS3 | undefined;
  let deployment: Deployment;
  let models: string[];
  let local: ResultsFile;
  let access: Record<string, string>;
  /** The study's id here by its StudyInstanceUID. */
  const studies = new Map<string, string>();

  beforeAll(async () => {
    orthanc = await startOrthanc();
    s3 = noS3 ? undefined : await startS3();
    const dataset = await phantomDataset({ studies: STUDIES });
    models = await tinyModels();
    deployment = await startDeployment(async (folder) => {
      const out = join(folder, 'local');
      await spinelineOk(['score', dataset, '--out', out, ...models]);
      local = await readResults(join(out, 'results.json'));
      for (const study of await readdir(join(dataset, 'train_images'))) {
        for (const file of await filesBelow(join(dataset, 'train_images', study))) {
          const bytes = await readFile(file);
          const read = readFacts(bytes, { whole: true });
          if (typeof read !== 'string') studies.set(read.facts.studyInstanceUid!, study);
          await orthanc.store(bytes);
        }
      }
    });
    access = {
      SPINELINE_DICOMWEB_URL: orthanc.url,
      SPINELINE_DICOMWEB_USER: orthanc.user,
      SPINELINE_DICOMWEB_PASSWORD: orthanc.password,
    };
  }, S3_START_TIMEOUT_MS + TIMEOUT_MS);
  afterAll(async () => {
    await deployment?.stop();
    await s3?.stop();
    await orthanc?.stop();
  });

  /** How far the severities are from those of the files, by the table of UIDs and pseudonyms. */
  async function distanceFromLocal(results: ResultsFile, map: string): Promise<number> {
    const ids = new Map<string, string>();
    const [header, ...rows] = (await readFile(map, 'utf8')).trim().split('\n');
    const columns = header!.split(',');
    for (const row of rows.map((line) => line.split(','))) {
      ids.set(row[columns.indexOf('study_id')]!, studies.get(row[columns.indexOf('study_instance_uid')]!)!);
    }
    expect(results.studies).toHaveLength(STUDIES);
    let most = 0;
    for (const { study, targets } of results.studies) {
      const same = local.studies.find((one) => one.study === ids.get(study))!;
      expect(targets.map(({ name }) => name)).toEqual(same.targets.map(({ name }) => name));
      for (const [i, { severities }] of targets.entries()) {
        severities.forEach((value, at) => {
          most = Math.max(most, Math.abs(value - same.targets[i]!.severities[at]!));
        });
      }
    }
    return most;
  }

  async function manifest(name: string, settings = access): Promise<{ file: string; map: string }> {
    const folder = join(deployment.folder, name);
    await mkdir(folder);
    const [file, map] = [join(folder, 'tonight.jsonl'), join(folder, 'map.csv')];
    const address = `dicomweb+${settings.SPINELINE_DICOMWEB_URL}`;
    await spinelineOk(['manifest', '--from', address, '--query', QUERY, '--out', file, '--map', map], settings);
    return { file, map };
  }

  it(
    'gives through three pools, with the store on S3, the severities of the files',
    async ({ skip }) => {
      skip(s3 === undefined, noS3);
      const { file, map } = await manifest('pools');
      const url = `s3://${s3!.newBucket()}/scores`;
      const store = await openStore(url, { ...s3!.options, createBucket: true });
      await promoteTinyBundles(store);
      await store.close();
      const settings = { ...deployment.settings, ...s3Settings(s3!), ...access, SPINELINE_STORE_URL: url };
      const pools = await startPools(1, settings);
      try {
        expect(await scoreRun(file, 'pacs', settings)).toMatchObject({ code: 0, scored: STUDIES, failures: [] });
        const results = await resultsOf('pacs', deployment.folder, settings);
        expect(await distanceFromLocal(results, map)).toBeLessThanOrEqual(1e-6);
        // UIDs are in the locations, and nowhere that people read.
        const logs = JSON.stringify(pools.lines(() => true));
        for (const uid of studies.keys()) {
          expect(JSON.stringify(results)).not.toContain(uid);
          expect(logs).not.toContain(uid);
        }
      } finally {
        await pools.stop();
      }
    },
    TIMEOUT_MS,
  );

  it(
    'gives the same through a line that answers late, with 503, and stops in the middle of an instance',
    async () => {
      const faults = { late: 0, unavailable: 0, cut: 0 };
      const faulty: WebAnswer = (asked, answer, place) => {
        if (place % 17 === 3) {
          faults.unavailable += 1;
          answer.writeHead(503).end();
          return;
        }
        const { port } = new URL(orthanc.origin);
        const onward = request(
          { host: '127.0.0.1', port, path: asked.url, method: asked.method, headers: asked.headers },
          (given) => {
            answer.writeHead(given.statusCode ?? 500, given.headers);
            if (place % 19 === 5 && asked.url?.includes('/instances/')) {
              faults.cut += 1;
              given.once('data', (chunk: Buffer) => {
                answer.write(chunk.subarray(0, chunk.length >> 1), () => answer.destroy());
                given.destroy();
              });
            } else if (place % 13 === 6) {
              faults.late += 1;
              setTimeout(() => given.pipe(answer), 100);
            } else given.pipe(answer);
          },
        );
        asked.pipe(onward);
      };
      const proxy = await startWebServer(faulty);
      const settings = { ...access, SPINELINE_DICOMWEB_URL: `${proxy.origin}/dicom-web` };
      const { file, map } = await manifest('faults', settings);
      const out = join(deployment.folder, 'faults', 'out');
      const scored = await spineline(['score', file, '--out', out, ...models], settings);
      expect(scored.code, scored.stderr).toBe(0);
      expect(await distanceFromLocal(await readResults(join(out, 'results.json')), map)).toBeLessThanOrEqual(1e-6);
      expect(Math.min(...Object.values(faults))).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  it('says a wrong password before anything is written, without repeating it', async () => {
    const out = join(deployment.folder, 'never.jsonl');
    const settings = { ...access, SPINELINE_DICOMWEB_PASSWORD: 'canary-5321' };
    const refused = await spineline(
      ['manifest', '--from', `dicomweb+${orthanc.url}`, '--query', QUERY, '--out', out],
      settings,
    );
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('OBJECT_ACCESS_DENIED');
    expect(refused.stderr).toContain('SPINELINE_DICOMWEB_PASSWORD');
    expect(refused.stderr + refused.stdout).not.toContain('canary-5321');
    await expect(readFile(out)).rejects.toThrow('ENOENT');
  });

  it('fails a study whose images a worker may not read, and scores no part of it', async () => {
    const { file } = await manifest('denied');
    const out = join(deployment.folder, 'denied', 'out');
    const settings = { ...access, SPINELINE_DICOMWEB_PASSWORD: 'canary-5321' };
    const scored = await spineline(['score', file, '--out', out, ...models], settings);
    expect(scored.code).not.toBe(0);
    expect(scored.stdout + scored.stderr).toContain('OBJECT_ACCESS_DENIED');
    expect(scored.stdout + scored.stderr).not.toContain('canary-5321');
  });
});

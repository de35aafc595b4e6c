/**
 * The same studies through separate processes with Redis and an S3 server between them as through the embedded ones.
 * `SPINELINE_TEST_CLUSTER_STUDIES` makes it as large as wanted; its time grows with that.
 */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STAGE_NAMES } from '@spineline/shared/domain';
import { openStore } from '@spineline/shared/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import {
  S3_START_TIMEOUT_MS,
  s3Missing,
  startS3,
  type TestS3,
} from '../../../packages/shared/test/support/s3-server.ts';
import { promoteTinyBundles, tinyModels } from '../../../packages/shared/test/support/tiny-bundles.ts';
import {
  type Deployment,
  resultsOf,
  type Settings,
  s3Settings,
  scoreRun,
  startDeployment,
} from './support/deployment.ts';
import { largestDifference, type ResultsFile, readResults } from './support/results-file.ts';
import { spinelineOk } from './support/spineline-command.ts';
import { type Pools, startPools } from './support/worker.ts';

const STUDIES = Number(process.env.SPINELINE_TEST_CLUSTER_STUDIES || 4);
const TIMEOUT_MS = 60_000 + STUDIES * 30_000;
const WORKERS = 2;
const missing = redisMissing() ?? (await s3Missing());

describe.skipIf(missing)(`a cluster${missing ? ` (${missing})` : ''}`, () => {
  let s3: TestS3;
  let deployment: Deployment;
  let settings: Settings;
  let pools: Pools;
  let dataset = '';
  let embedded: ResultsFile;

  beforeAll(async () => {
    s3 = await startS3();
    dataset = await phantomDataset({ studies: STUDIES });
    deployment = await startDeployment(async (folder) => {
      const out = join(folder, 'embedded');
      await spinelineOk(['score', dataset, '--out', out, ...(await tinyModels())]);
      embedded = await readResults(join(out, 'results.json'));
    });
    const url = `s3://${s3.newBucket()}/scores`;
    const store = await openStore(url, { ...s3.options, createBucket: true });
    await promoteTinyBundles(store);
    await store.close();
    settings = { ...deployment.settings, ...s3Settings(s3), SPINELINE_STORE_URL: url };
    pools = await startPools(WORKERS, settings);
  }, S3_START_TIMEOUT_MS + TIMEOUT_MS);
  afterAll(async () => {
    await pools?.stop();
    await deployment?.stop();
    await s3?.stop();
  });

  it('is compared with an embedded run that scored every study', () => {
    expect(embedded.studies).toHaveLength(STUDIES);
  });

  it(
    `gives the same severities with ${WORKERS} workers per stage and the store on S3, each study once`,
    async () => {
      const status = await scoreRun(dataset, 'cluster', settings);
      expect(status).toMatchObject({ failures: [], code: 0, scored: STUDIES, failed: 0, missing: 0 });
      const results = await resultsOf('cluster', deployment.folder, settings);
      const difference = largestDifference(embedded, results);
      console.info(`${STUDIES} studies, ${WORKERS} workers per stage: severities differ by ${difference} at most`);
      expect(difference).toBeLessThanOrEqual(1e-5);

      const studies = embedded.studies.map(({ study }) => study).sort();
      for (const stage of STAGE_NAMES) {
        const done = pools.lines(({ msg, component }) => msg === 'study done' && component === `worker-${stage}`);
        expect(done.map(({ study }) => String(study)).sort()).toEqual(studies);
      }
      expect(pools.lines(({ msg }) => msg.includes('stalled'))).toEqual([]);
      expect(pools.lines(({ level }) => level !== 'info')).toEqual([]);
      expect(Object.values(status.steps).every(({ reused }) => reused === 0)).toBe(true);
    },
    TIMEOUT_MS,
  );

  it(
    'scores studies whose images lie in S3, listed in a manifest',
    async () => {
      const bucket = s3.newBucket();
      const studies = embedded.studies.slice(0, 1);
      const lines: string[] = [];
      const images = await openStore(`s3://${bucket}/scans`, { ...s3.options, createBucket: true });
      for (const { study, series } of studies) {
        const listed = series.map(({ series: name }) => ({
          series: name,
          folder: `s3://${bucket}/scans/${study}/${name}/`,
        }));
        lines.push(JSON.stringify({ study, series: listed }));
        for (const { series: name } of series) {
          const folder = join(dataset, 'train_images', study, name);
          for (const file of await readdir(folder)) {
            await images.put(`${study}/${name}/${file}`, await readFile(join(folder, file)));
          }
        }
      }
      await images.close();
      const manifest = join(deployment.folder, 'in-s3.jsonl');
      await writeFile(manifest, `${lines.join('\n')}\n`);

      const status = await scoreRun(manifest, 'in-s3', settings);
      expect(status).toMatchObject({ failures: [], code: 0, scored: studies.length });
      // The images are read from S3; the same slices and crops need no model but those of stage 1.
      expect(status.steps.stage1).toMatchObject({ computed: studies.length, reused: 0 });
      const results = await resultsOf('in-s3', deployment.folder, settings);
      expect(largestDifference({ ...embedded, studies }, results)).toBeLessThanOrEqual(1e-5);
      // The manifest does not describe the series: their kinds are seen in the images, and that is said.
      for (const { flags } of results.studies) {
        expect(flags.filter(({ code }) => code === 'series_kind_inferred')).toHaveLength(3);
      }
    },
    TIMEOUT_MS,
  );
});

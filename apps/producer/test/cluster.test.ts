/**
 * The same studies through separate processes with Redis and an S3 server between them as through the embedded ones.
 * `SPINELINE_TEST_CLUSTER_STUDIES` makes it as large as wanted; its time grows with that.
 */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore } from '@spineline/shared/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { S3_START_TIMEOUT_MS, s3Missing, startS3, type TestS3 } from '../../../packages/shared/test/support/s3-server.ts';
import { type Deployment, resultsOf, type Settings, s3Settings, scoreRun, startDeployment } from './support/deployment.ts';
import { largestDifference, type ResultsFile, readResults } from './support/results-file.ts';
import { makePhantom, spinelineOk } from './support/spineline-command.ts';
import { type Pools, STAGES, startPools } from './support/worker.ts';

const STUDIES = Number(process.env.SPINELINE_TEST_CLUSTER_STUDIES || 3);
const TIMEOUT_MS = 60_000 + STUDIES * 30_000;
const SEED = 5;
const missing = redisMissing() ?? (await s3Missing());

describe.skipIf(missing)(`a cluster${missing ? ` (${missing})` : ''}`, () => {
  let s3: TestS3;
  let deployment: Deployment;
  let dataset = '';
  let embedded: ResultsFile;

  beforeAll(async () => {
    s3 = await startS3();
    deployment = await startDeployment(async (folder) => {
      dataset = join(folder, 'phantom');
      await makePhantom(dataset, STUDIES, SEED);
      const out = join(folder, 'embedded');
      await spinelineOk(['score', dataset, '--out', out]);
      embedded = await readResults(join(out, 'results.json'));
    });
  }, S3_START_TIMEOUT_MS + TIMEOUT_MS);
  afterAll(async () => {
    await deployment?.stop();
    await s3?.stop();
  });

  /** A store of one test's own, in a bucket that is there. */
  async function s3Store(): Promise<Settings> {
    const url = `s3://${s3.newBucket()}/scores`;
    await (await openStore(url, { ...s3.options, createBucket: true })).close();
    return {
      ...deployment.settings,
      ...s3Settings(s3),
      SPINELINE_STORE_URL: url,
      SPINELINE_QUEUE_PREFIX: url.replaceAll(/\W/g, '-'),
    };
  }

  async function withPools(perStage: number, settings: Settings, work: (pools: Pools) => Promise<void>): Promise<void> {
    const pools = await startPools(perStage, settings);
    try {
      await work(pools);
    } finally {
      await pools.stop();
    }
  }

  it('is compared with an embedded run that scored every study', () => {
    expect(embedded.studies).toHaveLength(STUDIES);
  });

  it.each([1, 3])(
    'gives the same severities with %d workers a stage and the store on S3, each study once',
    async (perStage) => {
      const settings = await s3Store();
      await withPools(perStage, settings, async (pools) => {
        const run = `cluster-${perStage}`;
        const status = await scoreRun(dataset, run, settings);
        expect(status).toMatchObject({ failures: [], code: 0, scored: STUDIES, failed: 0, missing: 0 });
        const results = await resultsOf(run, deployment.folder, settings);
        const difference = largestDifference(embedded, results);
        console.info(`${STUDIES} studies, ${perStage} workers a stage: severities differ by ${difference} at most`);
        expect(difference).toBeLessThanOrEqual(1e-5);

        const studies = embedded.studies.map(({ study }) => study).sort();
        for (const stage of STAGES) {
          const done = pools.lines(({ msg, component }) => msg === 'study done' && component === `worker-${stage}`);
          expect(done.map(({ study }) => String(study)).sort()).toEqual(studies);
        }
        expect(pools.lines(({ msg }) => msg.includes('stalled'))).toEqual([]);
        expect(pools.lines(({ level }) => level !== 'info')).toEqual([]);
        expect(Object.values(status.steps).every(({ reused }) => reused === 0)).toBe(true);
      });
    },
    TIMEOUT_MS,
  );

  it(
    'scores studies whose images lie in S3, listed in a manifest',
    async () => {
      const settings = await s3Store();
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

      await withPools(1, settings, async () => {
        expect(await scoreRun(manifest, 'in-s3', settings)).toMatchObject({
          failures: [],
          code: 0,
          scored: studies.length,
        });
        const results = await resultsOf('in-s3', deployment.folder, settings);
        expect(largestDifference({ ...embedded, studies }, results)).toBeLessThanOrEqual(1e-5);
        // The manifest does not describe the series: their kinds are seen in the images, and that is said.
        for (const { flags } of results.studies) {
          expect(flags.filter(({ code }) => code === 'series_kind_inferred')).toHaveLength(3);
        }
      });
    },
    TIMEOUT_MS,
  );
});

/** What a cluster has besides workers: a Redis, a store, and settings that point to both. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readSettings } from '@spineline/shared/config';
import { enqueueRun, pinBundles } from '@spineline/shared/control';
import { openDataset } from '@spineline/shared/dataset';
import type { QueueSide } from '@spineline/shared/queue';
import { type RunSummary, summarise, writeResultsFile } from '@spineline/shared/reports';
import { type RunLook, watchRun as watch } from '@spineline/shared/watching';
import { startRedis, type TestRedis } from '../../../../packages/shared/test/support/redis-server.ts';
import type { TestS3 } from '../../../../packages/shared/test/support/s3-server.ts';
import { promoteTinyBundles } from '../../../../packages/shared/test/support/tiny-bundles.ts';
import { type StoreSide, withQueues, withStore } from '../../src/connections.ts';
import { exitCodeOf } from '../../src/exit-codes.ts';
import { type ResultsFile, readResults } from './results-file.ts';

export type Settings = Readonly<Record<string, string>>;

export interface Deployment {
  /** A folder of the test file's own. */
  readonly folder: string;
  readonly redis: TestRedis;
  /**
   * Redis, a `file://` store in the folder, and one thread of each kind per worker: tests run side by side. In the store
   * the tiny bundles are promoted: new runs use them where no `--models` says otherwise.
   */
  readonly settings: Settings;
  stop(): Promise<void>;
}

/** @param prepare makes what the tests need in the folder. */
export async function startDeployment(prepare?: (folder: string) => Promise<void>): Promise<Deployment> {
  const folder = await mkdtemp(join(tmpdir(), 'spineline-test-'));
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const one of stops.reverse()) await one();
  };
  try {
    const redis = await startRedis();
    stops.push(() => redis.stop());
    const settings = {
      SPINELINE_REDIS_URL: redis.url,
      SPINELINE_STORE_URL: pathToFileURL(join(folder, 'store')).href,
      SPINELINE_COMPUTE_THREADS: '1',
    };
    await withStore(({ store }) => promoteTinyBundles(store), undefined, readSettings(settings));
    await prepare?.(folder);
    return { folder, redis, settings, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Settings of the S3 server. */
export function s3Settings({ options }: TestS3): Settings {
  const { endpoint, region, accessKeyId, secretAccessKey } = options;
  return {
    SPINELINE_S3_ENDPOINT: endpoint ?? '',
    SPINELINE_S3_REGION: region ?? '',
    SPINELINE_S3_ACCESS_KEY_ID: accessKeyId ?? '',
    SPINELINE_S3_SECRET_ACCESS_KEY: secretAccessKey ?? '',
  };
}

/** What a run came to. */
export interface Status extends Pick<RunSummary, 'studies' | 'scored' | 'failed' | 'missing' | 'failures' | 'steps'> {
  readonly end: RunLook['end'];
  /** Exit code of `status` for it. */
  readonly code: number;
}

/** As `spineline enqueue` and `status --watch` do it, without a process for each: enqueues, and waits for the end. */
export async function scoreRun(
  dataset: string,
  run: string,
  settings: Settings,
  models: readonly string[] = [],
): Promise<Status> {
  await enqueue(dataset, run, settings, models);
  return watchRun(run, settings);
}

/** Records a run over a dataset and hands it to the workers. @param models what `--models` is given. */
export async function enqueue(
  dataset: string,
  run: string,
  settings: Settings,
  models: readonly string[] = [],
): Promise<void> {
  await withSide(settings, async ({ runs, store, sources, settings: read }, { queues }) => {
    const { bundles, notice } = await pinBundles(store, models);
    const { pageStudies } = read;
    const opened = await openDataset(dataset, sources);
    await enqueueRun(opened, runs, queues, { run, bundles, notice, priority: 5, pageStudies });
  });
}

/** Waits until nobody works on a run any more. */
export async function watchRun(run: string, settings: Settings): Promise<Status> {
  return withSide(settings, async ({ runs }, side) => {
    const record = await runs.readRun(run);
    const { signal } = new AbortController();
    const look = (await watch(record, runs, side, () => {}, { signal }))!;
    const { scored, failed, left: missing, end } = look;
    const summary = await summarise(runs, record, { scored, failed, missing });
    return { ...summary, end, code: exitCodeOf(look) };
  });
}

/** The results of a run, by way of `results.json`. */
export async function resultsOf(run: string, folder: string, settings: Settings): Promise<ResultsFile> {
  const file = join(folder, `${run}.results.json`);
  const write = async ({ runs }: StoreSide) => writeResultsFile(runs, await runs.readRun(run), file);
  await withStore(write, undefined, readSettings(settings));
  return readResults(file);
}

/** Runs `work` with the store and the queues of some settings, in this process. */
export function withSide<T>(settings: Settings, work: (store: StoreSide, queues: QueueSide) => Promise<T>): Promise<T> {
  const read = readSettings(settings);
  return withStore((store) => withQueues(read, (queues) => work(store, queues)), undefined, read);
}

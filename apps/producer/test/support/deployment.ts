/** What a cluster has besides workers: a Redis, a store, and settings that point to both. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startRedis, type TestRedis } from '../../../../packages/shared/test/support/redis-server.ts';
import type { TestS3 } from '../../../../packages/shared/test/support/s3-server.ts';
import { type ResultsFile, readResults } from './results-file.ts';
import { spineline, spinelineOk } from './spineline-command.ts';

export type Settings = Readonly<Record<string, string>>;

export interface Deployment {
  /** A folder of the test file's own. */
  readonly folder: string;
  readonly redis: TestRedis;
  /** Redis, a `file://` store in the folder, and one thread of each kind a worker: tests run side by side. */
  readonly settings: Settings;
  stop(): Promise<void>;
}

/** @param prepare makes what the tests need in the folder. */
export async function startDeployment(prepare?: (folder: string) => Promise<void>): Promise<Deployment> {
  const folder = await mkdtemp(join(tmpdir(), 'spineline-test-'));
  try {
    const redis = await startRedis();
    const settings = {
      SPINELINE_REDIS_URL: redis.url,
      SPINELINE_STORE_URL: pathToFileURL(join(folder, 'store')).href,
      SPINELINE_COMPUTE_THREADS: '1',
    };
    const stop = async () => {
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    };
    try {
      await prepare?.(folder);
    } catch (error) {
      await stop();
      throw error;
    }
    return { folder, redis, settings, stop };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
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

/** What `status --json` prints of a run that is over, as far as tests look at it. */
export interface Status {
  readonly code: number | null;
  readonly studies: number;
  readonly scored: number;
  readonly failed: number;
  readonly missing: number;
  readonly failures: readonly { readonly message: string }[];
  readonly steps: Readonly<Record<'stage1' | 'xy' | 'crops' | 'stage3', { computed: number; reused: number }>>;
}

/** Enqueues, and stays with the run until it is over. */
export async function scoreRun(dataset: string, run: string, settings: Settings): Promise<Status> {
  await spinelineOk(['enqueue', dataset, '--run', run], settings);
  return watchRun(run, settings);
}

export async function watchRun(run: string, settings: Settings): Promise<Status> {
  const { code, stdout, stderr } = await spineline(['status', run, '--watch', '--json'], settings);
  if (code === null || code === 1 || code === 2) throw new Error(`status ended with ${code}: ${stderr}`);
  const lines = stdout.trimEnd().split('\n'); // a look a line, and the summary
  return { ...(JSON.parse(lines.at(-1)!) as Omit<Status, 'code'>), code };
}

/** The results of a run, by way of `results --format json`. */
export async function resultsOf(run: string, folder: string, settings: Settings): Promise<ResultsFile> {
  const file = join(folder, `${run}.results.json`);
  await spineline(['results', run, '--format', 'json', '--out', file], settings);
  return readResults(file);
}

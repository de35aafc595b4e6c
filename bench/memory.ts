/**
 * Measures whether the memory of workers stays the same over very many jobs. Runs the real workers of all stages with
 * the demo bundles over the same phantom study under many names: the first is computed, which loads the models, and the
 * others reuse its outputs. Prints resident memory by number of jobs, and its slope.
 *
 *   npm run bench:memory -- [--jobs 10000] [--json FILE]
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { generatePhantom } from '@spineline/phantom';
import { perStage, type Stage, STAGE_NAMES } from '@spineline/shared/domain';
import { connectRedis, ProgressCounts, Queues } from '@spineline/shared/queue';
import { startPrivateRedis } from '../apps/producer/src/embedded/redis-server.ts';
import { printRows, progressLine, readNumbers, residentMegabytes, spineline, redisVersion } from './lib-queue.ts';
import { machineLine, readOptions, writeJson } from './table.ts';

/** Peak per worker, and growth over the second half of the jobs. */
const LIMITS = { megabytes: 400, megabytesPer1000Jobs: 1 };
const LOOK_EVERY_MS = 1000;
const ROWS = 10;
const PREFIX = 'bench-memory';

interface Sample {
  readonly jobs: number;
  readonly megabytes: number;
}

const HELP = `
usage: npm run bench:memory -- [OPTION ...]

Measures the resident memory of the workers of all stages over very many jobs that reuse stored outputs.

  --jobs N             jobs per stage (default 10000)
`;

const values = readOptions('memory', HELP, { jobs: { type: 'string', default: '10000' } });
const jobs = readNumbers('jobs', values.jobs)[0]!;

const folder = await mkdtemp(join(tmpdir(), 'spineline-bench-'));
const server = await startPrivateRedis();
const redis = connectRedis(server.url, 'bench');
const workers = new Map<Stage, ChildProcess>();
try {
  const version = await redisVersion(redis);
  console.log(`${machineLine()}; Redis ${version}`);
  const settings = {
    SPINELINE_STORE_URL: pathToFileURL(join(folder, 'store')).href,
    SPINELINE_REDIS_URL: server.url,
    SPINELINE_QUEUE_PREFIX: PREFIX,
    SPINELINE_HEALTH_PORT: '0',
  };
  progressLine('making and enqueuing the studies');
  await spineline(['enqueue', await manyNames(), '--run', 'bench'], settings, folder);
  for (const stage of STAGE_NAMES) {
    const program = fileURLToPath(import.meta.resolve(`@spineline/worker-${stage}/main`));
    workers.set(stage, spawn(process.execPath, [program], { env: { ...process.env, ...settings }, stdio: 'ignore' }));
  }
  const samples = await watch();
  progressLine('');
  report(samples);
  await writeJson(values.json, 'memory', { redis: version, limits: LIMITS, samples });
} finally {
  const ended = [...workers.values()].filter(({ exitCode }) => exitCode === null).map((one) => once(one, 'exit'));
  for (const worker of workers.values()) worker.kill('SIGTERM');
  await Promise.all(ended);
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

/** A manifest with one phantom study under many names. @returns its path. */
async function manyNames(): Promise<string> {
  const [phantom, one, many] = ['phantom', 'one.jsonl', 'many.jsonl'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await generatePhantom(phantom, { studies: 1, seed: 77, awkward: false });
  await spineline(['manifest', phantom, '--out', one], {}, folder);
  const study = JSON.parse(await readFile(one, 'utf8')) as object;
  function* lines() {
    for (let i = 0; i < jobs; i++) yield `${JSON.stringify({ ...study, study: `S${100_000 + i}` })}\n`;
  }
  await pipeline(Readable.from(lines()), createWriteStream(many));
  return many;
}

/** Samples the memory of every worker until all studies are scored. */
async function watch(): Promise<Record<Stage, Sample[]>> {
  const samples = perStage((): Sample[] => []);
  const progress = new ProgressCounts(redis, PREFIX);
  const queues = new Queues(redis, PREFIX, { attempts: 3, backoffMs: 1000 });
  try {
    for (;;) {
      const counts = await progress.read('bench');
      for (const [stage, worker] of workers) {
        if (worker.exitCode !== null) throw new Error(`the ${stage} worker ended with ${worker.exitCode}`);
        samples[stage].push({ jobs: counts[stage], megabytes: residentMegabytes(worker.pid!) });
      }
      progressLine(`${counts.stage3} of ${jobs} studies`);
      if (counts.failed > 0) throw new Error(`${counts.failed} studies failed`);
      if ((await queues.unfinished()) === 0) return samples;
      await sleep(LOOK_EVERY_MS);
    }
  } finally {
    await queues.close();
  }
}

function report(samples: Record<Stage, Sample[]>): void {
  const rows = Array.from({ length: ROWS }, (_, i) => Math.round(((i + 1) * jobs) / ROWS));
  printRows(
    'resident memory of each worker in MB, by number of jobs',
    rows.map((row) => ({
      jobs: row,
      ...perStage((stage) => (samples[stage].findLast((one) => one.jobs <= row)?.megabytes ?? 0).toFixed(0)),
    })),
  );
  const facts = STAGE_NAMES.map((stage) => ({
    worker: stage,
    'peak MB': Math.max(...samples[stage].map(({ megabytes }) => megabytes)).toFixed(0),
    'MB per 1,000 jobs, second half': slopePer1000(samples[stage].filter((one) => one.jobs > jobs / 2)).toFixed(2),
  }));
  printRows('peak and slope', facts);
  const met = facts.every(
    (one) =>
      Number(one['peak MB']) <= LIMITS.megabytes &&
      Number(one['MB per 1,000 jobs, second half']) <= LIMITS.megabytesPer1000Jobs,
  );
  const { megabytes, megabytesPer1000Jobs } = LIMITS;
  console.log(
    `promised: ${megabytes} MB per worker, at most ${megabytesPer1000Jobs} MB more per 1,000 jobs: ${met ? 'within' : 'MISSED'}`,
  );
  if (!met) process.exitCode = 1;
}

/** Slope of the least-squares line. */
function slopePer1000(samples: readonly Sample[]): number {
  const mean = (of: (one: Sample) => number) => samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const [atJobs, atMegabytes] = [mean((one) => one.jobs), mean((one) => one.megabytes)];
  const spread = mean((one) => (one.jobs - atJobs) ** 2);
  return spread === 0 ? 0 : (1000 * mean((one) => (one.jobs - atJobs) * (one.megabytes - atMegabytes))) / spread;
}

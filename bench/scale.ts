/**
 * Measures what queue and store add to the work of the GPUs. First the CPU time per study over the three stages, with
 * GPUs that take no time. Then how near to the ideal a run is with more and more workers whose GPUs are timers: the
 * time that a perfect line of the same GPUs would need, divided by the time that the run needs, from the first page in
 * the queue to the last result.
 *
 *   npm run bench:scale -- [--workers 1,4,12,21] [--mean 400] [--per-worker 40] [--overhead 2000] [--json FILE]
 *
 * `--workers` of each stage, so 21 are 63 in all. `--mean` milliseconds per study and stage; a study takes between half
 * and one and a half of it. `--per-worker` studies per worker. `--overhead` studies for the CPU time; 0 leaves it out.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startRun } from '@spineline/shared/control';
import { perStage } from '@spineline/shared/domain';
import { connectRedis, Queues } from '@spineline/shared/queue';
import { RunStore } from '@spineline/shared/runs';
import { openStore } from '@spineline/shared/store';
import { startPrivateRedis } from '../apps/producer/src/embedded/redis-server.ts';
import { makeTemplate, printRows, progressLine, readNumbers, redisUsage, redisVersion } from './lib-queue.ts';
import { idealMs } from './simulated-gpu.ts';
import type { WorkersSay, WorkersUsed, WorkersWanted } from './simulated-workers.ts';
import { machineLine, readOptions, writeJson } from './table.ts';

/** Milliseconds of CPU per study over the three stages, and share of the ideal. */
const LIMITS = { cpuMs: 15, ofIdeal: 0.95 };
const PAGE_STUDIES = 200;
const CONCURRENCY = 3;
/** Mean of the overhead runs: a timer of 0 ms ends at once. */
const NO_TIME = 0;
/** The crops of a study are some MB. Hashing, writing and reading these bytes is work on data, and not of the queue. */
const SMALL_CROPS = 16 * 1024;
const WHOLE_CROPS = 2 ** 30;
/** Studies of the first minute of a worker, while its code is still being compiled, are not counted in the CPU time. */
const COLD_STUDIES = 300;
/** Studies with whole crops, of those with small ones. */
const SHARE_WITH_WHOLE = 0.1;

interface Outcome {
  readonly workersPerStage: number;
  readonly studies: number;
  readonly wholeCrops: boolean;
  readonly meanMs: number;
  readonly seconds: number;
  readonly ofIdeal: number;
  readonly studiesPerSecond: number;
  readonly cpuMsPerStudy: number;
  readonly redisCpuMsPerStudy: number;
  readonly redisCommandsPerStudy: number;
  readonly requestsPerStudy: Readonly<Record<string, number>>;
  readonly largestProcessMegabytes: number;
}

const HELP = `
usage: npm run bench:scale -- [OPTION ...]

Measures the CPU time of queue and store per study, and how near to the ideal many workers are whose GPUs are timers.

  --workers N,N,...    workers of each stage (default 1,4,12,21)
  --mean MS            time per study and stage, in ms (default 400)
  --per-worker N       studies per worker (default 40)
  --overhead N         studies for the CPU time; 0 leaves it out (default 2000)
`;

const values = readOptions('scale', HELP, {
  workers: { type: 'string', default: '1,4,12,21' },
  mean: { type: 'string', default: '400' },
  'per-worker': { type: 'string', default: '40' },
  overhead: { type: 'string', default: '2000' },
});
const [meanMs, perWorker] = [readNumbers('mean', values.mean)[0]!, readNumbers('per-worker', values['per-worker'])[0]!];
const overheadStudies = Number(values.overhead);

const folder = await mkdtemp(join(tmpdir(), 'spineline-bench-'));
const server = await startPrivateRedis();
const redis = connectRedis(server.url, 'bench');
try {
  const version = await redisVersion(redis);
  console.log(`${machineLine()}; Redis ${version}`);
  progressLine('scoring one phantom study, whose outputs the simulated stages repeat');
  const template = await makeTemplate(folder);
  const overhead: Outcome[] = [];
  if (overheadStudies > 0) {
    const withWhole = Math.ceil(SHARE_WITH_WHOLE * overheadStudies);
    overhead.push(await measure(template, 1, overheadStudies, NO_TIME));
    overhead.push(await measure(template, 1, withWhole, NO_TIME, WHOLE_CROPS));
    printOverhead(overhead);
  }
  const outcomes: Outcome[] = [];
  for (const workers of readNumbers('workers', values.workers)) {
    outcomes.push(await measure(template, workers, workers * perWorker, meanMs));
  }
  progressLine('');
  printScale(outcomes);
  await writeJson(values.json, 'scale', { redis: version, limits: LIMITS, overhead, scale: outcomes });
} finally {
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

async function measure(
  template: WorkersWanted['template'],
  workersPerStage: number,
  studies: number,
  mean: number,
  cropBytes = SMALL_CROPS,
): Promise<Outcome> {
  const run = `w${workersPerStage}-${mean}-${cropBytes}`;
  const storeUrl = pathToFileURL(join(folder, run)).href;
  const store = await openStore(storeUrl);
  const runs = new RunStore(store);
  const ids = Array.from({ length: studies }, (_, i) => `S${100_000 + i}`);
  const dataset = await runs.recordDataset({ studies: () => entries(ids) }, PAGE_STUDIES);
  const processes = Math.min(availableParallelism(), workersPerStage * 3);
  const wanted = (process: number): WorkersWanted => ({
    redisUrl: server.url,
    storeUrl,
    prefix: run,
    workers: perStage((_, place) => shareOf(workersPerStage, processes, process + place)),
    meanMs: mean,
    concurrency: CONCURRENCY,
    lowWater: Math.max(50, 2 * CONCURRENCY * workersPerStage),
    template,
    cropBytes,
  });
  const children = await Promise.all(Array.from({ length: processes }, (_, i) => startChild(wanted(i))));
  const queues = new Queues(redis, run, { attempts: 3, backoffMs: 1000 });
  try {
    const usage = async () => ({ ...(await redisUsage(redis)), commands: await commands() });
    let before = usage();
    let scored = 0;
    const cold = Math.min(COLD_STUDIES, Math.floor(studies / 4));
    const all = new Promise<void>((resolve, reject) => {
      for (const child of children) {
        child.onScored(() => {
          scored += 1;
          progressLine(`${workersPerStage} workers per stage: ${scored} of ${studies} studies`);
          if (scored === cold) {
            for (const one of children) one.warm();
            before = usage();
          }
          if (scored === studies) resolve();
        });
        child.ended.then((code) => reject(new Error(`a worker process ended with ${code}`)), reject);
      }
    });
    const started = performance.now();
    const pins = perStage(() => ({ name: 'none', version: '1', digest: '0'.repeat(64) }));
    await startRun(dataset, runs, queues, { run, bundles: pins, priority: 5, notice: '' });
    await all;
    const ms = performance.now() - started;
    const [from, after] = [await before, await usage()];
    const counted = studies - cold;
    const used = await Promise.all(children.map((child) => child.stop()));
    const failed = await readdir(join(folder, run, 'runs', run, 'failed')).catch(() => []);
    if (failed.length > 0) throw new Error(`${failed.length} studies failed`);
    return {
      workersPerStage,
      studies,
      wholeCrops: cropBytes === WHOLE_CROPS,
      meanMs: mean,
      seconds: ms / 1000,
      ofIdeal:
        idealMs(
          ids,
          perStage(() => workersPerStage),
          mean,
        ) / ms,
      studiesPerSecond: (1000 * studies) / ms,
      cpuMsPerStudy: (1000 * sum(used.map(({ cpuSeconds }) => cpuSeconds))) / counted,
      redisCpuMsPerStudy: (1000 * (after.cpuSeconds - from.cpuSeconds)) / counted,
      redisCommandsPerStudy: (after.commands - from.commands) / counted,
      requestsPerStudy: requestsPerStudy(used, counted),
      largestProcessMegabytes: Math.max(...used.map(({ megabytes }) => megabytes)),
    };
  } finally {
    await queues.close();
    await store.close();
    await redis.flushall();
    await rm(join(folder, run), { recursive: true, force: true });
  }
}

/** How many of `total` workers process number `at` of `processes` gets. */
function shareOf(total: number, processes: number, at: number): number {
  return Math.floor(total / processes) + (at % processes < total % processes ? 1 : 0);
}

async function* entries(ids: readonly string[]) {
  for (const study of ids) {
    const instances = [{ location: `file:///nowhere/${study}.dcm`, fingerprint: '1' }];
    yield { study, series: [{ series: '1', instances }] };
  }
}

async function startChild(wanted: WorkersWanted) {
  const program = fileURLToPath(new URL('simulated-workers.ts', import.meta.url));
  // Log lines are made and written, to nowhere.
  const child = fork(program, { stdio: ['ignore', 'inherit', process.env.BENCH_LOG ? 'inherit' : 'ignore', 'ipc'] });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const scored: (() => void)[] = [];
  let answer: (used: WorkersUsed) => void = () => {};
  const used = new Promise<WorkersUsed>((resolve) => {
    answer = resolve;
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (say: WorkersSay) => {
      if ('ready' in say) resolve();
      else if ('scored' in say) for (const listener of scored) listener();
      else answer(say.used);
    });
    void ended.then((code) => reject(new Error(`a worker process ended with ${code}`)));
  });
  child.send(wanted);
  await ready;
  return {
    ended,
    warm: () => child.send('warm'),
    onScored: (listener: () => void) => scored.push(listener),
    async stop(): Promise<WorkersUsed> {
      child.send('stop');
      const answered = await used;
      await ended;
      return answered;
    },
  };
}

/** Commands that Redis has executed, also those of scripts. */
async function commands(): Promise<number> {
  const stats = await redis.info('commandstats');
  return sum([...stats.matchAll(/calls=(\d+)/g)].map(([, calls]) => Number(calls)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function requestsPerStudy(used: readonly WorkersUsed[], studies: number): Record<string, number> {
  const names = new Set(used.flatMap(({ requests }) => Object.keys(requests)));
  return Object.fromEntries(
    [...names].sort().map((name) => [name, sum(used.map(({ requests }) => requests[name] ?? 0)) / studies]),
  );
}

function printOverhead(outcomes: readonly Outcome[]): void {
  progressLine('');
  printRows(
    'per study over three stages, one worker per stage, GPUs that take no time',
    outcomes.map((one) => ({
      studies: one.studies,
      crops: one.wholeCrops ? 'whole' : '16 kB',
      'CPU ms, workers': one.cpuMsPerStudy.toFixed(2),
      'CPU ms, Redis': one.redisCpuMsPerStudy.toFixed(2),
      'Redis commands': one.redisCommandsPerStudy.toFixed(1),
      ...Object.fromEntries(Object.entries(one.requestsPerStudy).map(([name, n]) => [`store ${name}`, n.toFixed(1)])),
    })),
  );
  verdict(
    `${LIMITS.cpuMs} ms of CPU per study, without Redis and without the bytes of crops`,
    outcomes[0]!.cpuMsPerStudy <= LIMITS.cpuMs,
  );
}

function printScale(outcomes: readonly Outcome[]): void {
  const first = outcomes[0]!;
  printRows(
    `GPUs that are timers of ${meanMs} ms on average, ${CONCURRENCY} studies at a time per worker`,
    outcomes.map((one) => ({
      'workers in all': one.workersPerStage * 3,
      studies: one.studies,
      s: one.seconds.toFixed(1),
      'studies/s': one.studiesPerSecond.toFixed(2),
      'times the first': (one.studiesPerSecond / first.studiesPerSecond).toFixed(2),
      'of the ideal': one.ofIdeal.toFixed(3),
      'CPU ms per study': one.cpuMsPerStudy.toFixed(1),
      'Redis CPU ms': one.redisCpuMsPerStudy.toFixed(1),
    })),
  );
  verdict(
    `${LIMITS.ofIdeal} of the ideal`,
    outcomes.every(({ ofIdeal }) => ofIdeal >= LIMITS.ofIdeal),
  );
}

function verdict(promised: string, met: boolean): void {
  console.log(`promised: ${promised}: ${met ? 'within' : 'MISSED'}`);
  if (!met) process.exitCode = 1;
}

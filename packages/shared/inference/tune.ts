/**
 * Finds the inference threads, intra-op threads and batch size that run the models of one bundle fastest on this machine.
 *
 * Two rounds of candidates. On a CPU: first the threads, then the batch size with the best threads. On a GPU: first the
 * batch size with one thread per GPU, then more threads with the best batch size. Each candidate is measured for the
 * same time in a process of its own.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Settings, STUDIES_AHEAD } from '../config/index.ts';
import { ConfigError } from '../domain/index.ts';
import { readBundleFolder } from '../models/index.ts';
import { type Bundle, bundleDigest } from '../models/index.ts';
import { tryBundle } from './bundle-check.ts';
import { checkExecutionProvider, prepareExecutionProvider } from './execution-provider.ts';
import { InferencePool } from './inference-pool.ts';
import { type Candidate, SAMPLES_PER_STUDY, type Speed } from './tune-load.ts';
import type { TuneAnswer, TuneRequest } from './tune-process.ts';

/**
 * Threads per GPU. ONNX Runtime 1.30 cannot run sessions of two threads on WebGPU at a time: now and then a run fails
 * with "Command encoding already finished".
 */
const GPU_THREADS = { cuda: [2, 3], tensorrt: [2, 3], webgpu: [] };
const CPU_BATCHES = [2, 4, 8];
const GPU_BATCHES = [1, 2, 4, 8, 16, 32];
/** Speeds of which the lower is above this share of the higher count as equal. */
const EQUAL_SHARE = 0.97;
const GIB = 1024 ** 3;

/** A candidate with its speed. */
export type Measured = Candidate & Speed;
/** A candidate that did not run, and why. */
export type Failed = Candidate & { readonly failure: string };
export type Trial = Measured | Failed;

/** What candidates are made for. */
export interface TuneTarget {
  readonly bundle: Bundle;
  /** The settings of a worker whose threads, batch size and studies at a time follow from the machine. */
  readonly worker: Settings['worker'];
}

export interface TuneProgress {
  readonly done: number;
  readonly total: number;
  /** The candidate that is measured now. */
  readonly candidate: Candidate;
}

export interface Tuned {
  /** In the order of measuring. */
  readonly trials: readonly Trial[];
  readonly chosen: Measured;
  /** The default settings; `undefined` if they did not run. */
  readonly byDefault: Measured | undefined;
}

/** The candidates that are measured first, the one with the least memory first. */
export function firstRound({ bundle, worker }: TuneTarget): Candidate[] {
  if (worker.executionProvider !== 'cpu') {
    return GPU_BATCHES.map((batchSize) => withConcurrency(bundle, worker, worker.devices.length, 1, batchSize));
  }
  const { cores } = worker.machine;
  const counts = new Set([cores, Math.min(cores, worker.inferenceThreads)]);
  for (let count = 1; count < cores; count *= 2) counts.add(count);
  return [...counts]
    .sort((a, b) => a - b)
    .map((count) => withConcurrency(bundle, worker, count, Math.floor(cores / count), 1));
}

/** The candidates that are measured next, and the default settings if they were not among the first. */
export function secondRound(target: TuneTarget, best: Candidate): Candidate[] {
  const { bundle, worker } = target;
  const { inferenceThreads, intraOpThreads, batchSize } = best;
  const { executionProvider, devices } = worker;
  const next =
    executionProvider === 'cpu'
      ? CPU_BATCHES.map((size) => withConcurrency(bundle, worker, inferenceThreads, intraOpThreads, size))
      : GPU_THREADS[executionProvider].map((count) =>
          withConcurrency(bundle, worker, count * devices.length, 1, batchSize),
        );
  const known = [...firstRound(target), ...next];
  return known.some((one) => isSame(one, worker)) ? next : [...next, defaultOf(target)];
}

/** The settings of a worker that is not tuned. */
function defaultOf({ bundle, worker }: TuneTarget): Candidate {
  return withConcurrency(bundle, worker, worker.inferenceThreads, worker.intraOpThreads, worker.batchSize);
}

type Sizes = Pick<Candidate, 'inferenceThreads' | 'intraOpThreads' | 'batchSize'>;

function isSame(a: Sizes, b: Sizes): boolean {
  return (
    a.inferenceThreads === b.inferenceThreads && a.intraOpThreads === b.intraOpThreads && a.batchSize === b.batchSize
  );
}

/** Adds the studies at a time: enough that a batch waits for each thread while it runs another. */
function withConcurrency(
  { stage }: Bundle,
  worker: Settings['worker'],
  inferenceThreads: number,
  intraOpThreads: number,
  batchSize: number,
): Candidate {
  const samples = Object.values(SAMPLES_PER_STUDY[stage]).reduce((sum, count) => sum + count, 0);
  const least = worker.executionProvider === 'cpu' ? inferenceThreads + STUDIES_AHEAD : worker.concurrency;
  const concurrency = Math.max(least, Math.ceil((2 * inferenceThreads * batchSize) / samples));
  return { inferenceThreads, intraOpThreads, batchSize, concurrency };
}

/**
 * The fastest. Among those that are less than 3 % slower: the one with the fewest inference threads, then the least
 * memory.
 *
 * @returns `undefined` if none was measured.
 */
export function choose(trials: readonly Trial[]): Measured | undefined {
  const measured = trials.filter((one) => 'studiesPerMinute' in one);
  const fastest = Math.max(...measured.map(({ studiesPerMinute }) => studiesPerMinute));
  return measured
    .filter(({ studiesPerMinute }) => studiesPerMinute > EQUAL_SHARE * fastest)
    .sort((a, b) => a.inferenceThreads - b.inferenceThreads || a.memory - b.memory)[0];
}

/**
 * Measures the candidates. After one that fails, the larger ones of its round are not tried: they need more memory.
 *
 * @param folder of the bundle.
 * @param options.seconds for all candidates together, without the time to load the models.
 * @throws {MemberDoesNotRunError} if a member does not run on the execution provider at all.
 * @throws {ConfigError} if the execution provider is not available.
 * @throws {BundleError} if the folder holds no bundle, or a damaged one.
 */
export async function tune(
  folder: string,
  target: TuneTarget,
  options: { readonly seconds: number; readonly onProgress: (progress: TuneProgress) => void },
): Promise<Tuned> {
  await checkMembers(folder, target);
  const trials: Trial[] = [];
  let total = 0;
  const measureRound = async (candidates: readonly Candidate[]) => {
    for (const candidate of candidates) {
      options.onProgress({ done: trials.length, total, candidate });
      const trial = await measure(folder, candidate, target, options.seconds / total);
      trials.push(trial);
      if ('failure' in trial) return;
    }
  };
  const first = firstRound(target);
  total = first.length + secondRound(target, first[0]!).length;
  await measureRound(first);
  const best = choose(trials);
  if (best) await measureRound(secondRound(target, best));
  const chosen = choose(trials);
  if (!chosen) {
    throw new ConfigError('the models run, but not under load', {
      found: (trials[0] as Failed).failure,
      hint: 'use a machine with more memory for this stage',
    });
  }
  const byDefault = trials.find((one): one is Measured => 'memory' in one && isSame(one, target.worker));
  return { trials, chosen, byDefault };
}

/** Runs every member once with a batch of 1, so that a model that does not run is an error and no slow candidate. */
async function checkMembers(folder: string, { worker }: TuneTarget): Promise<void> {
  prepareExecutionProvider(worker);
  await checkExecutionProvider(worker);
  const loaded = await readBundleFolder(folder);
  const { name, version } = loaded.bundle;
  const pool = new InferencePool({ ...worker, threads: 1, batchSize: 1 });
  try {
    await tryBundle(pool, loaded, { name, version, digest: bundleDigest(loaded.bundle) }, worker.executionProvider);
  } finally {
    await pool.close();
  }
}

async function measure(folder: string, candidate: Candidate, { worker }: TuneTarget, seconds: number): Promise<Trial> {
  const { executionProvider, devices, tf32, tensorrt, batchDelayMs } = worker;
  const { memory } = worker.machine;
  const provider = { executionProvider, devices, tf32, tensorrt };
  const child = fork(new URL('./tune-process.ts', import.meta.url), { serialization: 'advanced' });
  child.send({ folder, candidate, provider, batchDelayMs, seconds } satisfies TuneRequest);
  const answer = await answerOf(child);
  if ('failure' in answer) return { ...candidate, failure: answer.failure.replaceAll(/\s+/g, ' ').slice(0, 200) };
  if (answer.memory <= memory) return { ...candidate, ...answer };
  const [needs, may] = [answer.memory, memory].map((bytes) => (bytes / GIB).toFixed(1));
  return { ...candidate, failure: `needs ${needs} GiB of memory; this worker may use ${may} GiB` };
}

/** Takes the answer of a process and ends it; if it ended without an answer, how it ended. */
async function answerOf(child: ChildProcess): Promise<TuneAnswer> {
  let answer: TuneAnswer | undefined;
  child.once('message', (message: TuneAnswer) => {
    answer = message;
    child.kill('SIGKILL');
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (answer) return answer;
  const how = signal === 'SIGKILL' ? 'was killed, as when memory runs out' : `ended with ${signal ?? `code ${code}`}`;
  return { failure: `its process ${how}` };
}

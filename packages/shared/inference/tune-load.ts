/**
 * The load that measures a candidate of `tune.ts`: studies without images, whose samples go through the inference pool
 * as those of the pipeline do.
 */

import { LEVELS, SIDES, type StageNumber } from '../domain/index.ts';
import type { LoadedBundle } from '../models/index.ts';
import { inputsOf } from '../models/index.ts';
import { tryBundle } from './bundle-check.ts';
import { ensembleOf } from './ensemble.ts';
import type { ProviderSettings } from './execution-provider.ts';
import { InferencePool } from './inference-pool.ts';
import type { Sample, SampleDims } from './inference-protocol.ts';

/** Samples of a study that has every view, by task. */
export const SAMPLES_PER_STUDY: Readonly<Record<StageNumber, Readonly<Record<string, number>>>> = {
  1: { scs: 1, nfn: 1 },
  2: { scs: 1, nfn: SIDES.length, ss: LEVELS.length },
  3: { scs: LEVELS.length, nfn: SIDES.length * LEVELS.length, ss: SIDES.length * LEVELS.length },
};

/** Settings of a worker to measure. */
export interface Candidate {
  readonly inferenceThreads: number;
  readonly intraOpThreads: number;
  readonly batchSize: number;
  /** Studies at a time. */
  readonly concurrency: number;
}

/** What a candidate reached. */
export interface Speed {
  /** Studies per minute of the models alone. */
  readonly studiesPerMinute: number;
  /** Resident memory of a process with these models and studies, in bytes. */
  readonly memory: number;
}

export interface LoadOptions {
  readonly provider: ProviderSettings;
  /** How long an idle model waits for its batch to fill, in ms. */
  readonly batchDelayMs: number;
  /** Time to measure, in seconds. A fifth of it is warm-up and does not count. */
  readonly seconds: number;
}

const WARM_UP_SHARE = 0.2;
const MINUTE_MS = 60_000;

/** What the batches of a task took. */
export interface Tally {
  /** Samples of one study. */
  readonly count: number;
  samples: number;
  /** Time of threads in the models, in ms. */
  busyMs: number;
}

/**
 * The time that the threads spent in the models, divided by what the models of one study took, per minute. It does not
 * depend on where in a study the window begins and ends.
 */
export function studiesPerMinute(tallies: readonly Tally[], windowMs: number): number {
  const busyMs = tallies.reduce((sum, tally) => sum + tally.busyMs, 0);
  const studyMs = tallies.reduce((sum, tally) => sum + (tally.count * tally.busyMs) / tally.samples, 0);
  return (MINUTE_MS * busyMs) / studyMs / windowMs;
}

/**
 * Keeps the threads of a pool busy with studies for the given time, and longer if that is less than one study.
 *
 * The studies go on afterwards. End the process: ONNX Runtime crashes if a thread is stopped while a model runs in it.
 *
 * @throws {MemberDoesNotRunError} if a member does not run with a batch of this size.
 * @throws {InferenceError} if a run fails.
 */
export async function measureCandidate(
  loaded: LoadedBundle,
  candidate: Candidate,
  { provider, batchDelayMs, seconds }: LoadOptions,
): Promise<Speed> {
  const { bundle, digest, files } = loaded;
  const pin = { name: bundle.name, version: bundle.version, digest };
  const tasks = Object.entries(SAMPLES_PER_STUDY[bundle.stage]).map(([task, count]) => ({
    ensemble: ensembleOf(bundle, pin, files, task),
    tally: { count, samples: 0, busyMs: 0 },
    newSample: sampleMaker(inputsOf(bundle, task)),
  }));
  const tallies = new Map<string, Tally>(tasks.map(({ ensemble, tally }) => [ensemble.id, tally]));
  const window = Promise.withResolvers<number>();
  const warmUpMs = 1000 * seconds * WARM_UP_SHARE;
  let began = Number.POSITIVE_INFINITY;
  let warmUpBatches = 0;
  let countedFrom: number | undefined;

  const pool = new InferencePool({
    ...candidate,
    ...provider,
    threads: candidate.inferenceThreads,
    batchDelayMs,
    onBatch: ({ ensemble, samples, busyMs }) => {
      const now = performance.now();
      if (countedFrom === undefined) {
        warmUpBatches += 1;
        if (warmUpBatches >= candidate.inferenceThreads && now - began >= warmUpMs) countedFrom = now;
        return;
      }
      const tally = tallies.get(ensemble)!;
      tally.samples += samples;
      tally.busyMs += busyMs;
      const enough = tasks.every((task) => task.tally.samples >= task.tally.count);
      if (enough && now - began >= 1000 * seconds) window.resolve(now - countedFrom);
    },
  });
  const study = async () => {
    for (;;) {
      const samples = tasks.flatMap(({ tally, ensemble, newSample }) =>
        Array.from({ length: tally.count }, () => pool.infer(ensemble, newSample())),
      );
      await Promise.all(samples);
    }
  };
  await tryBundle(pool, loaded, pin, provider.executionProvider);
  began = performance.now();
  for (let i = 0; i < candidate.concurrency; i++) study().catch(window.reject);
  const windowMs = await window.promise;
  return {
    studiesPerMinute: studiesPerMinute([...tallies.values()], windowMs),
    memory: process.memoryUsage.rss(),
  };
}

/** Makes samples of the same random values in [0, 1), each in memory of its own, which the pool takes. */
function sampleMaker(dims: SampleDims): () => Sample {
  const inputs = Object.entries(dims).map(([name, shape]) => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    return { name, dims: shape, data: Float32Array.from({ length: size }, Math.random) };
  });
  return () =>
    Object.fromEntries(inputs.map(({ name, dims: shape, data }) => [name, { dims: shape, data: data.slice() }]));
}

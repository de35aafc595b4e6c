/**
 * Queues for one test in a real Redis, with a `file://` store: runs of invented studies, workers with a process
 * function from the test, and events to wait for.
 */

import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { QueueEvents } from 'bullmq';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Stage } from '../../domain/index.ts';
import { connectRedis, ProgressCounts, Queues } from '../../queue/index.ts';
import { type FailureRecord, type RunRecord, RunStore, type Steps } from '../../runs/index.ts';
import { openStore } from '../../store/index.ts';
import { WorkerMetrics } from '../../telemetry/index.ts';
import { Feeder } from '../../worker/feeder.ts';
import type { ProcessStudy } from '../../worker/index.ts';
import { StageWorker } from '../../worker/stage-worker.ts';
import { Happenings } from './happenings.ts';
import { DIGEST, resultOf } from './stage-payloads.ts';
import { temporaryFolder } from './temporary-folder.ts';
import type { LogLine } from './worker-log.ts';

export interface RigOptions {
  readonly attempts?: number;
  readonly backoffMs?: number;
  readonly lockMs?: number;
  readonly concurrency?: number;
  /** Metrics of a worker; default: its own. */
  readonly metrics?: WorkerMetrics;
  /** Called when a worker is given a model that it cannot run. */
  readonly onUnfit?: (error: Error) => void;
  /** Replaces the store of runs. */
  readonly runs?: (store: ConstructorParameters<typeof RunStore>[0]) => RunStore;
}

export interface RecordOptions {
  readonly priority?: number;
  readonly pageStudies?: number;
  readonly from?: RunRecord['from'];
}

export type QueueRig = Awaited<ReturnType<typeof queueRig>>;

/** Call within a test. Everything is closed at its end. */
export async function queueRig(redisUrl: string, rigOptions: RigOptions = {}) {
  const { attempts = 3, backoffMs = 1, lockMs = 30_000 } = rigOptions;
  const prefix = `test-${randomUUID().slice(0, 8)}`;
  const storeUrl = pathToFileURL(await temporaryFolder()).href;
  const store = await openStore(storeUrl);
  const runs = rigOptions.runs?.(store) ?? new RunStore(store);
  const redis = connectRedis(redisUrl, 'test');
  const queues = new Queues(redis, prefix, { attempts, backoffMs });
  const progress = new ProgressCounts(redis, prefix);
  const lines = new Happenings<LogLine>();
  const log = pino(
    { level: 'debug', formatters: { level: (label) => ({ level: label }) } },
    { write: (text: string) => lines.add(JSON.parse(text) as LogLine) },
  );
  const closers: (() => Promise<unknown>)[] = [];
  onTestFinished(async () => {
    for (const close of closers.reverse()) await close();
    await queues.close();
    redis.disconnect();
    await store.close();
  });

  return {
    prefix,
    storeUrl,
    redis,
    store,
    runs,
    queues,
    progress,
    /** Log lines of workers and feeders of this rig. */
    lines,
    log,

    /** Records a run without adding its pages to the queue. @returns the digests of its pages. */
    async record(
      run: string,
      studies: readonly string[],
      { priority = 5, pageStudies = 100, from }: RecordOptions = {},
    ): Promise<string[]> {
      const dataset = await runs.recordDataset({ studies: () => entries(studies) }, pageStudies);
      const pin = { name: 'none', version: '1', digest: DIGEST };
      const record: RunRecord = {
        schema: 'spineline.run/1',
        run,
        dataset: dataset.digest,
        studies: studies.length,
        bundles: { stage1: pin, stage2: pin, stage3: pin },
        ...(from && { from }),
        priority,
        created: new Date().toISOString(),
        notice: '',
      };
      await runs.recordRun(record);
      return dataset.pages;
    },

    /** Commits results of a run, each with its own outputs. @returns their steps by study. */
    async score(run: string, ...studies: string[]): Promise<Map<string, Steps>> {
      const results = studies.map((study) => resultOf(run, study));
      for (const result of results) await runs.writeResult(result);
      return new Map(results.map(({ study, steps }) => [study, steps]));
    },

    /** Records failures of a run. */
    async fail(run: string, kind: FailureRecord['kind'], ...studies: string[]): Promise<void> {
      for (const study of studies) {
        await runs.writeFailure({
          schema: 'spineline.failure/1',
          run,
          study,
          stage: 'stage1',
          code: 'TEST',
          kind,
          message: 'made to fail',
          attempts: 1,
          failed: new Date(0).toISOString(),
        });
      }
    },

    /** Adds studies to the queue of stage 1. */
    async add(run: string, ...studies: string[]): Promise<void> {
      const payloads = studies.map((study) => ({ run, study, page: DIGEST, redo: 0 }));
      await queues.addStudies('stage1', payloads, 5);
    },

    /** A worker that is not started. */
    worker<Q extends Stage>(queue: Q, process: ProcessStudy<Q>, options: RigOptions = {}): StageWorker<Q> {
      const worker = new StageWorker(
        queue,
        process,
        {
          queues,
          runs,
          progress,
          metrics: options.metrics ?? new WorkerMetrics(queue),
          log: log.child({ queue }),
          onUnfit: options.onUnfit ?? (() => {}),
        },
        { connection: redis, prefix, concurrency: 1, lockMs, attempts, ...options },
      );
      closers.push(() => worker.close(10_000));
      return worker;
    },

    feeder(lowWater: number, stage: Stage = 'stage1'): Feeder {
      const feeder = new Feeder(stage, queues, runs, log, { connection: redis, prefix, lockMs, lowWater });
      closers.push(() => feeder.close());
      return feeder;
    },

    /** Events of BullMQ about the jobs of a queue, from its beginning. */
    events(queue: Stage): Happenings<JobEvent> {
      const events = new QueueEvents(queue, { connection: { url: redisUrl }, prefix, lastEventId: '0-0' });
      events.on('error', () => {}); // tests restart Redis
      closers.push(() => events.close());
      const happened = new Happenings<JobEvent>();
      for (const name of ['active', 'completed', 'delayed', 'failed', 'stalled'] as const) {
        events.on(name, ({ jobId }: { jobId: string }) => happened.add({ name, jobId }));
      }
      return happened;
    },
  };
}

export interface JobEvent {
  readonly name: 'active' | 'completed' | 'delayed' | 'failed' | 'stalled';
  readonly jobId: string;
}

async function* entries(studies: readonly string[]) {
  for (const study of studies) {
    const instances = [{ location: `file:///nowhere/${study}.dcm`, fingerprint: '1' }];
    yield { study, series: [{ series: '1', instances }] };
  }
}

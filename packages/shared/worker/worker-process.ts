/**
 * The life of a worker process, the same for every stage: read the settings, connect to the store and Redis, start the
 * threads, work on jobs. On SIGTERM or SIGINT it takes no more jobs, finishes the current ones and closes everything.
 * The `main` of a worker app is one call of this.
 */

import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { ComputePool } from '../compute/index.ts';
import { readSettings, type Settings } from '../config/index.ts';
import { ConfigError, type Stage } from '../domain/index.ts';
import {
  BundleCache,
  checkExecutionProvider,
  InferencePool,
  type MemberDoesNotRunError,
  prepareExecutionProvider,
} from '../inference/index.ts';
import { assertRedis, connectRedis, ProgressCounts, Queues } from '../queue/index.ts';
import { RunStore } from '../runs/index.ts';
import { observeSources, openSources, type SourceReader } from '../sources/index.ts';
import { observeStore, openStore, StageOutputs } from '../store/index.ts';
import {
  addGpuMetrics,
  createLogger,
  type Logger,
  StoreMetrics,
  startHealthServer,
  startTraces,
  WorkerMetrics,
} from '../telemetry/index.ts';
import { bundleCheck, tryBundlesAhead } from './bundles-ahead.ts';
import { Feeder } from './feeder.ts';
import { Liveness } from './liveness.ts';
import { PageCache } from './page-cache.ts';
import { type ProcessStudy, StageWorker } from './stage-worker.ts';

/** How long each part may take to close, in addition to the grace time of jobs. */
const CLOSE_MS = 2000;

/**
 * How far the heap of a thread may grow until the garbage collector runs, in percent of what it kept. Arrays of pixels
 * count, although they are given back without the collector. With V8's own choice it would run several times per study.
 */
const HEAP_GROWING_PERCENT = 400;

/** What the process function of a stage works with. */
export interface WorkerKit {
  readonly runs: RunStore;
  readonly pages: PageCache;
  readonly outputs: StageOutputs;
  readonly sources: SourceReader;
  readonly bundles: BundleCache;
  readonly compute: ComputePool;
  readonly inference: InferencePool;
  readonly metrics: WorkerMetrics;
  /** Largest share of the targets of a study, 0 to 1, that may get class shares: `SPINELINE_MAX_CLASS_SHARES`. */
  readonly maxClassShares: number;
}

/**
 * Runs a worker until it is asked to stop.
 *
 * @param processOf makes the process function of the stage.
 * @returns the process exit code.
 */
export async function runWorker<Q extends Stage>(
  queue: Q,
  processOf: (kit: WorkerKit) => ProcessStudy<Q>,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
  let log = createLogger(`worker-${queue}`, 'info');
  try {
    const settings = readSettings(environment);
    log = createLogger(`worker-${queue}`, settings.logLevel, settings.logFormat);
    await serve(queue, processOf, settings, log);
    return 0;
  } catch (error) {
    log.fatal({ error: error instanceof Error ? error.message : String(error) }, 'worker cannot run');
    return error instanceof ConfigError ? 2 : 1;
  }
}

async function serve<Q extends Stage>(
  queue: Q,
  processOf: (kit: WorkerKit) => ProcessStudy<Q>,
  settings: Settings,
  log: Logger,
): Promise<void> {
  const { redisUrl, storeUrl, worker: options } = settings;
  if (!redisUrl) throw new ConfigError('SPINELINE_REDIS_URL is not set', { expected: 'such as redis://host:6379' });
  if (!storeUrl)
    throw new ConfigError('SPINELINE_STORE_URL is not set', { expected: 's3://bucket/prefix or file:///folder' });
  prepareExecutionProvider(options);
  await checkExecutionProvider(options);

  const closers: { close: () => Promise<unknown>; limitMs: number }[] = [];
  const atEnd = (close: () => Promise<unknown>, limitMs = CLOSE_MS) => closers.push({ close, limitMs });
  const closeAll = async () => {
    for (const { close, limitMs } of closers.reverse()) {
      // Commands to an unreachable Redis wait without end; the end of the process must not.
      const limit = new AbortController();
      const late = sleep(limitMs, undefined, { signal: limit.signal }).catch(() => {});
      await Promise.race([close(), late]).catch((error: unknown) => log.warn({ error: String(error) }, 'closing'));
      limit.abort();
    }
  };
  try {
    const traces = await startTraces(`worker-${queue}`, settings.tracesUrl);
    atEnd(() => traces.close());
    const metrics = new WorkerMetrics(queue, { slots: options.concurrency, ...options });
    const storeMetrics = new StoreMetrics(metrics.registry);
    await addGpuMetrics(metrics.registry);
    const store = observeStore(
      await openStore(storeUrl, { ...settings.s3, onRetry: () => storeMetrics.retry('store') }),
      storeMetrics.observer('store'),
    );
    atEnd(() => store.close());
    const sources = observeSources(
      openSources({
        s3: { ...settings.s3, onRetry: () => storeMetrics.retry('source') },
        dicomweb: { ...settings.dicomweb, onRetry: () => storeMetrics.retry('source') },
      }),
      storeMetrics.observer('source'),
    );
    atEnd(() => sources.close());
    const redis = connectRedis(redisUrl, `spineline-${queue}-${hostname()}-${process.pid}`);
    atEnd(async () => redis.disconnect());
    await assertRedis(redis, redisUrl);

    const inference = new InferencePool({
      threads: options.inferenceThreads,
      devices: options.devices,
      executionProvider: options.executionProvider,
      intraOpThreads: options.intraOpThreads,
      batchSize: options.batchSize,
      batchDelayMs: options.batchDelayMs,
      onBatch: (batch) => metrics.batch(batch),
    });
    atEnd(() => inference.close());
    const compute = new ComputePool(options.computeThreads);
    atEnd(() => compute.close());

    const runs = new RunStore(store);
    const queues = new Queues(redis, settings.queuePrefix, options, traces);
    atEnd(() => queues.close());
    const progress = new ProgressCounts(redis, settings.queuePrefix);
    const bundles = new BundleCache(store, {
      onChange: (bundle, loaded) => metrics.model(bundle, loaded),
      check: bundleCheck(inference, options.executionProvider, log),
    });
    const kit: WorkerKit = {
      runs,
      pages: new PageCache(runs),
      outputs: new StageOutputs(store),
      sources,
      bundles,
      compute,
      inference,
      metrics,
      maxClassShares: options.maxClassShares,
    };
    await tryBundlesAhead(queue, { store, queues, runs, bundles, log });
    const unfit = Promise.withResolvers<never>();
    unfit.promise.catch(() => {}); // it may reject before anybody waits for it
    const connection = { connection: redis, prefix: settings.queuePrefix, lockMs: options.lockMs, traces };
    const worker = new StageWorker(
      queue,
      processOf(kit),
      { queues, runs, progress, metrics, log, onUnfit: (error: MemberDoesNotRunError) => unfit.reject(error) },
      { ...connection, ...options },
    );
    atEnd(() => worker.close(options.graceMs), options.graceMs + CLOSE_MS);
    const liveness = new Liveness(queue, queues, () => worker.lastProgress, options.stalledMs, log);
    metrics.reportLive(() => liveness.live);
    const health = await startHealthServer(settings.health, metrics.registry, () => ({
      live: liveness.live,
      ready: redis.status === 'ready',
      queue,
      redis: redis.status,
      store: store.url,
      inHand: worker.inHand,
      secondsWithoutProgress: Math.round(liveness.idleMs / 1000),
      inferenceBusy: inference.busy,
    }));
    atEnd(() => health.close());

    const stopped = stopRequested();
    const feeder = new Feeder(queue, queues, runs, log, { ...connection, lowWater: options.lowWater });
    worker.onJobDone(() => feeder.jobDone());
    await feeder.start();
    atEnd(() => feeder.close());
    worker.start();
    liveness.start();
    atEnd(async () => liveness.close());
    const { concurrency, computeThreads, inferenceThreads, intraOpThreads, batchSize, chosen } = options;
    log.info(
      {
        health: health.url,
        store: store.url,
        executionProvider: options.executionProvider,
        ...(options.executionProvider !== 'cpu' && { devices: options.devices }),
        concurrency,
        computeThreads,
        inferenceThreads,
        intraOpThreads,
        batchSize,
        ...(chosen.settings.length > 0 && { chosen: chosen.settings.join(', '), why: chosen.why }),
      },
      'worker started',
    );
    log.info(
      { why: await Promise.race([stopped, unfit.promise]), inHand: worker.inHand },
      'worker stops: it finishes its jobs and takes no more',
    );
  } finally {
    await closeAll();
  }
}

/** Resolves with the reason when the process is asked to stop or when its parent process is gone. */
function stopRequested(): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
    // A worker that `spineline score` started must not outlive that process.
    process.once('disconnect', () => resolve('the starting process is gone'));
    // The parent may be gone already. Without a parent that listens, `connected` is undefined.
    if (process.connected === false) resolve('the starting process is gone');
  });
}

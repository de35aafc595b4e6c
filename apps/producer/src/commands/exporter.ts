/** `spineline exporter`: serves metrics of the queues, the runs and Redis to Prometheus. */

import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings } from '@spineline/shared/config';
import { ConfigError } from '@spineline/shared/domain';
import { assertRedis, connectRedis, ProgressCounts, Queues } from '@spineline/shared/queue';
import { RunStore } from '@spineline/shared/runs';
import { observeStore, openStore } from '@spineline/shared/store';
import { createLogger, StoreMetrics, startHealthServer } from '@spineline/shared/telemetry';
import { WatchedRuns } from '@spineline/shared/watching';
import type { Command } from 'commander';
import { ExporterMetrics } from '../exporter/exporter-metrics.ts';

const REFRESH_MS = 5000;
/** Closing connections to an unreachable Redis would wait without end. */
const CLOSE_MS = 2000;

export function addExporter(program: Command): void {
  program
    .command('exporter')
    .description('serve metrics of the queues, the runs and Redis to Prometheus; run one per cluster')
    .addHelpText(
      'after',
      `
Runs until it is stopped. Serves /metrics, /livez and /readyz on SPINELINE_HEALTH_HOST (default: this machine only) and
SPINELINE_HEALTH_PORT. Needs SPINELINE_REDIS_URL and SPINELINE_STORE_URL, with the same values as the workers.
Workers serve their own metrics. The exporter serves what no worker knows alone: how many jobs wait at each queue and
for how long, and how far each run is. Run only one: with two, sums in Prometheus would count everything twice.

Example:
  SPINELINE_HEALTH_PORT=9400 spineline exporter & curl -s localhost:9400/metrics | grep ^spineline_queue
docs/metrics.md has every series.`,
    )
    .action(exporter);
}

async function exporter(): Promise<void> {
  const settings = readSettings();
  const { redisUrl, storeUrl } = settings;
  if (!redisUrl) {
    throw new ConfigError('no Redis is set', { expected: 'SPINELINE_REDIS_URL, such as redis://host:6379' });
  }
  if (!storeUrl) {
    throw new ConfigError('no object store is set', { expected: 'SPINELINE_STORE_URL, such as s3://bucket/prefix' });
  }
  const log = createLogger('exporter', settings.logLevel, settings.logFormat);
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) =>
    stop.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

  const redis = connectRedis(redisUrl, 'spineline-exporter');
  try {
    await assertRedis(redis, redisUrl);
    const queues = new Queues(redis, settings.queuePrefix, settings.worker);
    const metrics = new ExporterMetrics(redis, queues);
    const storeMetrics = new StoreMetrics(metrics.registry);
    const opened = await openStore(storeUrl, { ...settings.s3, onRetry: () => storeMetrics.retry('store') });
    const store = observeStore(opened, storeMetrics.observer('store'));
    const watch = new WatchedRuns(new RunStore(store), {
      queues,
      progress: new ProgressCounts(redis, settings.queuePrefix),
    });
    let refreshed = performance.now();
    const health = await startHealthServer(settings.health, metrics, () => ({
      // Not live if the metrics are no longer updated, because a connection is stuck.
      live: performance.now() - refreshed < REFRESH_MS + settings.worker.stalledMs,
      ready: redis.status === 'ready',
      redis: redis.status,
      store: store.url,
    }));
    log.info({ health: health.url, store: store.url }, 'exporter started');
    try {
      while (!stop.signal.aborted) {
        const looked = metrics.refreshRuns(watch).catch((error: unknown) => {
          log.warn(
            { error: error instanceof Error ? error.message : String(error) },
            'the metrics of the runs could not be updated',
          );
        });
        await Promise.race([looked, stopped]);
        refreshed = performance.now();
        await sleep(REFRESH_MS, undefined, { signal: stop.signal }).catch(() => {});
      }
    } finally {
      log.info('exporter stops');
      await health.close();
      await Promise.race([queues.close(), sleep(CLOSE_MS)]);
      await store.close();
    }
  } finally {
    redis.disconnect();
  }
}

/** What the commands need of the outside: the store, and for some the queues. Opened for one command, closed after. */

import { readSettings, type Settings } from '@spineline/shared/config';
import { ConfigError } from '@spineline/shared/domain';
import { assertRedis, connectRedis, ProgressCounts, type QueueSide, Queues } from '@spineline/shared/queue';
import { RunStore } from '@spineline/shared/runs';
import { openSources, type SourceReader } from '@spineline/shared/sources';
import { type ObjectStore, openStore } from '@spineline/shared/store';
import { startTraces } from '@spineline/shared/telemetry';

export interface StoreSide {
  readonly settings: Settings;
  readonly store: ObjectStore;
  readonly runs: RunStore;
  readonly sources: SourceReader;
}

/** Runs `work` with the store of the settings, or of `--store`. @throws {ConfigError} if there is none. */
export async function withStore<T>(
  work: (side: StoreSide) => Promise<T>,
  storeUrl?: string,
  settings = readSettings(),
): Promise<T> {
  const url = storeUrl ?? settings.storeUrl;
  if (!url) {
    throw new ConfigError('no object store was named', {
      expected: 'SPINELINE_STORE_URL or --store: s3://bucket/prefix or file:///folder',
    });
  }
  const store = await openStore(url, settings.s3);
  const sources = openSources({ s3: settings.s3, dicomweb: settings.dicomweb });
  try {
    return await work({ settings, store, runs: new RunStore(store), sources });
  } finally {
    await sources.close();
    await store.close();
  }
}

/** Runs `work` with the queues in the Redis of the settings. @throws {ConfigError} if it does not answer. */
export async function withQueues<T>(
  settings: Settings,
  work: (side: QueueSide) => Promise<T>,
  redisUrl = settings.redisUrl,
): Promise<T> {
  if (!redisUrl) {
    throw new ConfigError('no Redis was named', { expected: 'SPINELINE_REDIS_URL, such as redis://host:6379' });
  }
  const redis = connectRedis(redisUrl, 'spineline-producer');
  const traces = await startTraces('producer', settings.tracesUrl);
  try {
    await assertRedis(redis, redisUrl);
    const queues = new Queues(redis, settings.queuePrefix, settings.worker, traces);
    try {
      return await work({ queues, progress: new ProgressCounts(redis, settings.queuePrefix) });
    } finally {
      await queues.close();
    }
  } finally {
    await traces.close().catch(() => {}); // a collector that is away fails no command
    redis.disconnect();
  }
}

/** Connections of a command: the store, and for some commands the queues. Opened for one command and then closed. */

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

/** Runs `work` with the store of `--store`, else of the settings. @throws {ConfigError} if neither names a store. */
export async function withStore<T>(
  work: (side: StoreSide) => Promise<T>,
  storeUrl?: string,
  settings = readSettings(),
): Promise<T> {
  const url = storeUrl ?? settings.storeUrl;
  if (!url) {
    throw new ConfigError('no object store is set', {
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

/**
 * Runs `work` with the queues in the Redis of the settings.
 *
 * @throws {ConfigError} if none is set or it does not answer.
 */
export async function withQueues<T>(
  settings: Settings,
  work: (side: QueueSide) => Promise<T>,
  redisUrl = settings.redisUrl,
): Promise<T> {
  if (!redisUrl) {
    throw new ConfigError('no Redis is set', { expected: 'SPINELINE_REDIS_URL, such as redis://host:6379' });
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
    await traces.close().catch(() => {}); // an unreachable collector must not make the command fail
    redis.disconnect();
  }
}

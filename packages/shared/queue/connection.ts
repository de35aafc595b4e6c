/** Connections to Redis, as BullMQ needs them. */

import { Redis } from 'ioredis';
import { ConfigError, TIME_LIMITS_MS } from '../domain/index.ts';

const RECONNECT_CAP_MS = 3000;

/**
 * A connection for BullMQ. While Redis is not reachable, commands wait, and the client tries to reconnect every few
 * seconds without end. (With an uncapped exponential backoff it would notice the return of Redis too late.)
 *
 * @param url redis://, rediss:// or unix:///path/to/socket
 */
export function connectRedis(url: string, name: string): Redis {
  const options = {
    connectionName: name,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt: number) => Math.min(RECONNECT_CAP_MS, 100 * 2 ** Math.min(attempt, 8)),
  };
  const redis = url.startsWith('unix://')
    ? new Redis({ ...options, path: url.slice('unix://'.length) })
    : new Redis(url, options);
  // Node throws on an `error` event without a listener. BullMQ and the commands report the failures themselves.
  redis.on('error', () => {});
  return redis;
}

/**
 * Waits for the first answer of Redis, so that a command can report at once that Redis does not answer.
 *
 * @throws {ConfigError} with the host, never the password.
 */
export async function assertRedis(redis: Redis, url: string): Promise<void> {
  let last: Error | undefined;
  const remember = (error: Error) => {
    last = error;
  };
  redis.on('error', remember);
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(last ?? new Error('no answer')), TIME_LIMITS_MS.redisAnswer);
  });
  try {
    await Promise.race([redis.ping(), timeout]);
  } catch (cause) {
    redis.disconnect();
    throw new ConfigError('Redis does not answer', {
      found: `${withoutPassword(url)}: ${cause instanceof Error ? cause.message || cause.name : cause}`,
      hint: 'check SPINELINE_REDIS_URL and whether the server runs',
    });
  } finally {
    clearTimeout(timer);
    redis.off('error', remember);
  }
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}

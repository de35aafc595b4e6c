/** Connections to Redis, as BullMQ needs them. */

import { Redis } from 'ioredis';
import { ConfigError } from '../domain/index.ts';

const RECONNECT_CAP_MS = 3000;

/**
 * A connection for BullMQ: commands wait for as long as Redis is away, and reconnecting is tried every few seconds for
 * ever (an exponential backoff without a cap would sleep through Redis' return).
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
  // Without a listener Node would throw; BullMQ and the commands report what fails.
  redis.on('error', () => {});
  return redis;
}

/**
 * Waits for the first answer of Redis, so that a command can say at once that there is none.
 *
 * @throws {ConfigError} naming the host, never the password.
 */
export async function assertRedis(redis: Redis, url: string, timeoutMs = 5000): Promise<void> {
  let last: Error | undefined;
  const remember = (error: Error) => {
    last = error;
  };
  redis.on('error', remember);
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(last ?? new Error('no answer')), timeoutMs);
  });
  try {
    await Promise.race([redis.ping(), timeout]);
  } catch (cause) {
    redis.disconnect();
    throw new ConfigError('Redis does not answer', {
      found: `${withoutPassword(url)}: ${cause instanceof Error ? cause.message || cause.name : cause}`,
      hint: 'check SPINELINE_REDIS_URL and that the server runs',
    });
  } finally {
    clearTimeout(timer);
    redis.off('error', remember);
  }
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}

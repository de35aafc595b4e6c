/**
 * How far a run is, for people who watch: a count a step, in Redis. The truth is in the store; these counts may be lost
 * with Redis, and are approximate: they are HyperLogLogs (PFADD), 12 kB each at most, in which a study that is done
 * twice counts once.
 */

import type { Redis } from 'ioredis';

const EVENTS = ['stage1', 'stage2', 'stage3', 'failed', 'stage1-reused', 'stage2-reused', 'stage3-reused'] as const;
export type ProgressEvent = (typeof EVENTS)[number];
export type Progress = Record<ProgressEvent, number>;

/** Studies in one command to Redis. */
const CHUNK = 1000;
/** Counts of a finished run are of no use after this. */
const KEEP_SECONDS = 14 * 24 * 3600;

export class ProgressCounts {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async add(run: string, study: string, ...events: ProgressEvent[]): Promise<void> {
    const pipeline = this.#redis.pipeline();
    for (const event of events) {
      pipeline.pfadd(this.#key(run, event), study);
      pipeline.expire(this.#key(run, event), KEEP_SECONDS);
    }
    await pipeline.exec();
  }

  /** Counts many studies at once. */
  async addAll(run: string, studies: Iterable<string>, ...events: ProgressEvent[]): Promise<void> {
    const all = [...studies];
    for (let start = 0; start < all.length; start += CHUNK) {
      const pipeline = this.#redis.pipeline();
      for (const event of events) {
        pipeline.pfadd(this.#key(run, event), ...all.slice(start, start + CHUNK));
        pipeline.expire(this.#key(run, event), KEEP_SECONDS);
      }
      await pipeline.exec();
    }
  }

  async forget(run: string, event: ProgressEvent): Promise<void> {
    await this.#redis.del(this.#key(run, event));
  }

  async read(run: string): Promise<Progress> {
    const counts = await Promise.all(EVENTS.map((event) => this.#redis.pfcount(this.#key(run, event))));
    return Object.fromEntries(EVENTS.map((event, i) => [event, counts[i]!])) as Progress;
  }

  #key(run: string, event: ProgressEvent): string {
    return `${this.#prefix}:progress:${run}:${event}`;
  }
}

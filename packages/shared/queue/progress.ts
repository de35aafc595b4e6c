/**
 * How far a run is, for people who watch: counts in Redis. The truth is in the store; these counts may be lost with
 * Redis, and are approximate: they are HyperLogLogs (PFADD), 12 kB each at most, in which a study that is done twice, or
 * a target of it, counts once.
 */

import type { Redis } from 'ioredis';
import { STAGE_NAMES, type Stage } from '../domain/index.ts';

/**
 * What happened to a study: it is through a stage, whose outputs were reused or not; it failed; it was scored and some of
 * its targets are class shares.
 */
export type ProgressEvent = Stage | `${Stage}-reused` | 'failed' | 'class-share-studies';
type Count = ProgressEvent | 'class-share-targets';
const COUNTS: readonly Count[] = [
  ...STAGE_NAMES,
  'failed',
  ...STAGE_NAMES.map((stage) => `${stage}-reused` as const),
  'class-share-studies',
  'class-share-targets',
];
/** Of studies, but for `class-share-targets`: the targets of scored studies that are class shares. */
export type Progress = Record<Count, number>;

/** Members in one command to Redis. */
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
    await this.#add(run, [study], events);
  }

  /** Counts many studies at once. */
  async addAll(run: string, studies: Iterable<string>, ...events: ProgressEvent[]): Promise<void> {
    await this.#add(run, [...studies], events);
  }

  /** Counts a scored study's targets that are class shares, by name; nothing for a study that has none. */
  async addClassShares(run: string, study: string, targets: readonly string[]): Promise<void> {
    if (targets.length === 0) return;
    await this.add(run, study, 'class-share-studies');
    // No target's name has a slash, so that no two studies share a member, however they are called.
    await this.#add(
      run,
      targets.map((target) => `${study}/${target}`),
      ['class-share-targets'],
    );
  }

  async forget(run: string, event: ProgressEvent): Promise<void> {
    await this.#redis.del(this.#key(run, event));
  }

  async read(run: string): Promise<Progress> {
    const counts = await Promise.all(COUNTS.map((count) => this.#redis.pfcount(this.#key(run, count))));
    return Object.fromEntries(COUNTS.map((count, i) => [count, counts[i]!])) as Progress;
  }

  async #add(run: string, members: readonly string[], counts: readonly Count[]): Promise<void> {
    for (let start = 0; start < members.length; start += CHUNK) {
      const pipeline = this.#redis.pipeline();
      for (const count of counts) {
        pipeline.pfadd(this.#key(run, count), ...members.slice(start, start + CHUNK));
        pipeline.expire(this.#key(run, count), KEEP_SECONDS);
      }
      await pipeline.exec();
    }
  }

  #key(run: string, count: Count): string {
    return `${this.#prefix}:progress:${run}:${count}`;
  }
}

/**
 * Progress of a run for people who watch it: approximate counts in Redis. The truth is in the store; these counts may
 * be lost with Redis. They are HyperLogLogs (PFADD) of at most 12 kB each, so a study or a target that is processed
 * twice counts once.
 */

import type { Redis } from 'ioredis';
import { STAGE_NAMES, type Stage } from '../domain/index.ts';

/**
 * What happened to a study: it finished a stage; all outputs of that stage were reused; it failed; it was scored, and
 * some of its targets got class shares.
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
/** Numbers of studies; `class-share-targets` is a number of targets. */
export type Progress = Record<Count, number>;

/** Studies or targets per Redis command. */
const CHUNK = 1000;
/** Redis deletes the counts of a run this long after the last one was added. */
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

  /** @param targets names of the targets of a scored study that got class shares; may be empty. */
  async addClassShares(run: string, study: string, targets: readonly string[]): Promise<void> {
    if (targets.length === 0) return;
    await this.add(run, study, 'class-share-studies');
    // Names of targets have no slash, so two studies never share a member, whatever their ids are.
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

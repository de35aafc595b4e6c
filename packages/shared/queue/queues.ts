/** The queues as producers and watchers use them: add jobs, remove jobs, pause, count what waits. */

import { randomUUID } from 'node:crypto';
import { type Job, type JobsOptions, type JobType, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { STAGE_NAMES, type Stage, FIRST_STAGE } from '../domain/index.ts';
import { NO_TRACES, type Traces } from '../telemetry/index.ts';
import {
  PAYLOADS,
  type Payload,
  pageJobId,
  pageQueue,
  QUEUES,
  type QueueName,
  runOfPageJob,
  studyJobId,
  type PageQueue,
} from './catalogue.ts';

/** Failed jobs kept in Redis for inspection. The record of a failure is in the store. */
const KEEP_FAILED = 1000;
/** Jobs that are read or added with one command. */
const CHUNK = 1000;

const WAITING: JobType[] = ['wait', 'prioritized', 'delayed'];

export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
}

/** Largest number of recent runs listed. */
const RUNS_WATCHED = 50;
/** BullMQ keeps prioritised jobs in a sorted set; the score of a job is its priority times this, plus a counter. */
const SCORE_OF_PRIORITY = 2 ** 32;
const LEAST_URGENT = 10;

export class Queues {
  readonly #redis: Redis;
  readonly #watched: string;
  readonly #queues: Readonly<Record<QueueName, Queue>>;
  readonly #options: { attempts: number; backoffMs: number };
  readonly #traces: Traces;

  constructor(
    connection: Redis,
    prefix: string,
    options: { attempts: number; backoffMs: number },
    traces: Traces = NO_TRACES,
  ) {
    this.#traces = traces;
    this.#redis = connection;
    this.#watched = `${prefix}:runs`;
    this.#options = options;
    const open = (name: QueueName) => {
      const queue = new Queue(name, { connection, prefix, ...(traces.telemetry && { telemetry: traces.telemetry }) });
      queue.on('error', () => {}); // connection errors; the commands report what fails
      return queue;
    };
    this.#queues = Object.fromEntries(QUEUES.map((name) => [name, open(name)])) as Record<QueueName, Queue>;
  }

  /**
   * Adds page jobs of a run, in order, at the stage at which its studies enter.
   *
   * @param again the run is resumed or retried. The jobs are added to those of the run that may still wait.
   */
  async addPages(
    run: string,
    pages: readonly string[],
    priority: number,
    { entry = FIRST_STAGE, again = false }: { entry?: Stage | undefined; again?: boolean } = {},
  ): Promise<void> {
    await this.#redis.zadd(this.#watched, Date.now(), run);
    await this.#redis.zremrangebyrank(this.#watched, 0, -RUNS_WATCHED - 1);
    const round = again ? randomUUID().slice(0, 8) : undefined;
    const jobs = pages.map((page, index) => ({
      name: 'page',
      data: { run, page, again } satisfies Payload<PageQueue>,
      opts: {
        ...this.#jobOptions(priority),
        jobId: pageJobId(run, index, round),
        ...this.#newTrace({ run, page: index }),
      },
    }));
    for (let start = 0; start < jobs.length; start += CHUNK) {
      await this.#queues[pageQueue(entry)].addBulk(jobs.slice(start, start + CHUNK));
    }
  }

  /** Removes the waiting and failed jobs of these studies from every queue. A job that a worker works on stays. */
  async removeStudies(run: string, studies: readonly string[]): Promise<void> {
    const ids = studies.map((study) => studyJobId({ run, study, redo: 0 }));
    await Promise.all(STAGE_NAMES.map((queue) => this.#remove(queue, ids)));
  }

  /**
   * Removes the waiting jobs of a run from every queue. Jobs that workers work on stay.
   *
   * @returns the number of removed jobs.
   */
  async removeRun(run: string): Promise<number> {
    let removed = 0;
    for (const name of QUEUES) {
      const ids: string[] = [];
      for (let start = 0; ; start += CHUNK) {
        const jobs: (Job | undefined)[] = await this.#queues[name].getJobs(WAITING, start, start + CHUNK - 1);
        for (const job of jobs) if (job?.id && (job.data as { run?: string }).run === run) ids.push(job.id);
        if (jobs.length === 0) break;
      }
      removed += await this.#remove(name, [...new Set(ids)]);
    }
    return removed;
  }

  /** Until {@link unpause}, workers take no jobs and no pages of these stages. Jobs that they work on finish. */
  async pause(stages: readonly Stage[] = STAGE_NAMES): Promise<void> {
    for (const stage of stages) for (const name of [stage, pageQueue(stage)]) await this.#queues[name].pause();
  }

  async unpause(stages: readonly Stage[] = STAGE_NAMES): Promise<void> {
    for (const stage of stages) for (const name of [stage, pageQueue(stage)]) await this.#queues[name].resume();
  }

  /** The stages that are paused. */
  async paused(): Promise<Stage[]> {
    const paused = await Promise.all(STAGE_NAMES.map((stage) => this.#queues[stage].isPaused()));
    return STAGE_NAMES.filter((_, i) => paused[i]);
  }

  /** Adds study jobs. A job whose id already exists is not added again. */
  async addStudies<Q extends Stage>(queue: Q, payloads: readonly Payload<Q>[], priority: number): Promise<void> {
    await this.#queues[queue].addBulk(
      payloads.map((data) => ({
        name: 'study',
        data: PAYLOADS[queue].parse(data),
        opts: { ...this.#jobOptions(priority), jobId: studyJobId(data) },
      })),
    );
  }

  async counts(queue: QueueName): Promise<QueueCounts> {
    const counts = await this.#queues[queue].getJobCounts('wait', 'prioritized', 'active', 'delayed', 'failed');
    const { wait = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts;
    return { waiting: wait + prioritized, active, delayed, failed };
  }

  /** When the oldest of the waiting jobs was added, in ms since the epoch; `undefined` if none waits. */
  async oldestWaiting(name: QueueName): Promise<number | undefined> {
    const queue = this.#queues[name];
    // The first job of each priority, and the last in the list of jobs without priority, which is the next to be taken.
    const pipeline = this.#redis.pipeline().lindex(queue.toKey('wait'), -1);
    for (let priority = 0; priority <= LEAST_URGENT; priority++) {
      const [from, to] = [priority * SCORE_OF_PRIORITY, (priority + 1) * SCORE_OF_PRIORITY];
      pipeline.zrangebyscore(queue.toKey('prioritized'), String(from), `(${to}`, 'LIMIT', 0, 1);
    }
    const ids = ((await pipeline.exec()) ?? []).flatMap(([, found]) => (found ?? []) as string | string[]);
    if (ids.length === 0) return undefined;
    const added = this.#redis.pipeline();
    for (const id of ids) added.hget(queue.toKey(id), 'timestamp');
    const times = ((await added.exec()) ?? []).map(([, time]) => Number(time)).filter((time) => time > 0);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** Number of pages that are not unfolded yet, by run. */
  async pagesLeft(): Promise<Map<string, number>> {
    const left = new Map<string, number>();
    for (const stage of STAGE_NAMES) {
      const ids = await this.#queues[pageQueue(stage)].getRanges([...WAITING, 'active'], 0, -1);
      for (const id of ids) {
        const run = runOfPageJob(id);
        if (run !== undefined) left.set(run, (left.get(run) ?? 0) + 1);
      }
    }
    return left;
  }

  /**
   * Recent runs in this Redis, newest first, with the time when pages were last added (ms since the epoch). A finished
   * run stays in the list until {@link unwatch}.
   */
  async watched(): Promise<{ run: string; handedOver: number }[]> {
    const flat = await this.#redis.zrevrange(this.#watched, 0, -1, 'WITHSCORES');
    const runs: { run: string; handedOver: number }[] = [];
    for (let i = 0; i < flat.length; i += 2) runs.push({ run: String(flat[i]), handedOver: Number(flat[i + 1]) });
    return runs;
  }

  /** Runs that have work: those of the next few jobs and pages of every queue. */
  async runsWithWork(): Promise<string[]> {
    const jobs = await Promise.all(QUEUES.map((name) => this.#queues[name].getJobs([...WAITING, 'active'], 0, 9)));
    const runs = jobs.flat().map((job: Job | undefined) => (job?.data as { run?: string } | undefined)?.run);
    return [...new Set(runs.filter((run) => run !== undefined))];
  }

  async unwatch(run: string): Promise<void> {
    await this.#redis.zrem(this.#watched, run);
  }

  /** Jobs and pages of all runs that wait, are being worked on, or wait for a retry. */
  async unfinished(): Promise<number> {
    const counts = await Promise.all(QUEUES.map((queue) => this.counts(queue)));
    return counts.reduce((sum, { waiting, active, delayed }) => sum + waiting + active + delayed, 0);
  }

  /** Pages of all runs that wait to be unfolded. */
  async pagesWaiting(): Promise<number> {
    const counts = await Promise.all(STAGE_NAMES.map((stage) => this.counts(pageQueue(stage))));
    return counts.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Study jobs that wait at a stage and are at least as urgent as `priority`. */
  async backlog(stage: Stage, priority: number): Promise<number> {
    const priorities = Array.from({ length: priority + 1 }, (_, value) => value);
    const counts = await this.#queues[stage].getCountsPerPriority(priorities);
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  /** Priority of the next page of a stage; `undefined` if no page waits. */
  async nextPagePriority(stage: Stage): Promise<number | undefined> {
    const [next] = await this.#queues[pageQueue(stage)].getJobs(['prioritized', 'wait'], 0, 0, true);
    return next ? (next.opts.priority ?? 0) : undefined;
  }

  /** The BullMQ queues themselves, for Bull Board. */
  get raw(): readonly Queue[] {
    return Object.values(this.#queues);
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#queues).map((queue) => queue.close()));
  }

  /** Begins a new trace for a page. */
  #newTrace(attributes: { run: string; page: number }): Pick<JobsOptions, 'telemetry'> {
    const metadata = this.#traces.begin('enqueue page', attributes);
    return metadata === undefined ? {} : { telemetry: { metadata } };
  }

  /** @returns the number of removed jobs. */
  async #remove(name: QueueName, ids: readonly string[]): Promise<number> {
    let removed = 0;
    for (let start = 0; start < ids.length; start += CHUNK) {
      const chunk = ids.slice(start, start + CHUNK);
      const gone = await Promise.all(chunk.map((id) => this.#queues[name].remove(id)));
      removed += gone.reduce((sum, one) => sum + one, 0);
    }
    return removed;
  }

  #jobOptions(priority: number): JobsOptions {
    return {
      priority,
      attempts: this.#options.attempts,
      backoff: { type: 'capped', delay: this.#options.backoffMs },
      removeOnComplete: true,
      removeOnFail: KEEP_FAILED,
    };
  }
}

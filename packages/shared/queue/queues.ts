/** The producers' side of the queues: adding jobs of the catalogue's shapes and counting what waits. */

import { type JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { PAYLOADS, type Payload, pageJobId, type QueueName, type StageQueue, studyJobId } from './catalogue.ts';

/** Fewer failed jobs than this stay in Redis for a look; the record of a failure is in the store. */
const KEEP_FAILED = 1000;

export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
}

export class Queues {
  readonly #queues: { readonly [Q in QueueName]: Queue };
  readonly #options: { attempts: number; backoffMs: number };

  constructor(connection: Redis, prefix: string, options: { attempts: number; backoffMs: number }) {
    this.#options = options;
    const open = (name: QueueName) => {
      const queue = new Queue(name, { connection, prefix });
      queue.on('error', () => {}); // connection errors; the commands report what fails
      return queue;
    };
    this.#queues = { pages: open('pages'), stage1: open('stage1'), stage2: open('stage2'), stage3: open('stage3') };
  }

  /** Adds the page jobs of a run, in order. */
  async addPages(run: string, pages: readonly string[], priority: number): Promise<void> {
    const jobs = pages.map((page, index) => ({
      name: 'page',
      data: { run, page } satisfies Payload<'pages'>,
      opts: { ...this.#jobOptions(priority), jobId: pageJobId(run, index) },
    }));
    for (let start = 0; start < jobs.length; start += 1000) {
      await this.#queues.pages.addBulk(jobs.slice(start, start + 1000));
    }
  }

  /** Adds study jobs; one that is there already stays as it is. */
  async addStudies<Q extends StageQueue>(queue: Q, payloads: readonly Payload<Q>[], priority: number): Promise<void> {
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

  /** Study jobs that wait at stage 1 and are at least as urgent as `priority`. */
  async stage1Backlog(priority: number): Promise<number> {
    const priorities = Array.from({ length: priority + 1 }, (_, value) => value);
    const counts = await this.#queues.stage1.getCountsPerPriority(priorities);
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  /** Priority of the page that comes next, or undefined if none waits. */
  async nextPagePriority(): Promise<number | undefined> {
    const [next] = await this.#queues.pages.getJobs(['prioritized', 'wait'], 0, 0, true);
    return next ? (next.opts.priority ?? 0) : undefined;
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#queues).map((queue) => queue.close()));
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

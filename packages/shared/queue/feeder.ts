/**
 * Feeding: the dataset is in the store, Redis holds a job a page, and a page is unfolded into study jobs only while few
 * study jobs wait at stage 1. So a million studies are some thousand small jobs, and the producer may leave at once.
 *
 * Every stage-1 worker feeds. A page's life: waiting -> taken by one feeder when the backlog is low -> its studies are
 * added (the ids are deterministic: a page that is unfolded twice adds nothing the second time) -> done. A feeder that
 * dies with a page loses its lock, and another one takes the page. While the store is away a page is tried every second;
 * one that is gone or damaged fails at once, and `status` says that studies are missing.
 */

import { randomUUID } from 'node:crypto';
import { type Job, UnrecoverableError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { kindOfError } from '../domain/index.ts';
import type { RunStore } from '../runs/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { PAYLOADS } from './catalogue.ts';
import type { Queues } from './queues.ts';

const LOOK_EVERY_MS = 1000;

export interface FeederOptions {
  readonly connection: Redis;
  readonly prefix: string;
  readonly lockMs: number;
  /** Study jobs waiting at stage 1 below which the next page is unfolded. */
  readonly lowWater: number;
}

export class Feeder {
  readonly #worker: Worker;
  readonly #queues: Queues;
  readonly #runs: RunStore;
  readonly #options: FeederOptions;
  readonly #log: Logger;
  readonly #token = randomUUID();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(queues: Queues, runs: RunStore, log: Logger, options: FeederOptions) {
    this.#queues = queues;
    this.#runs = runs;
    this.#options = options;
    this.#log = log;
    // No processor: pages are taken by hand, when the backlog is low.
    this.#worker = new Worker('pages', null, {
      connection: options.connection,
      prefix: options.prefix,
      autorun: false,
      lockDuration: options.lockMs,
      maxStalledCount: Number.MAX_SAFE_INTEGER, // a page is not what its feeder died of
    });
    this.#worker.on('error', (error) => log.debug({ error: error.message }, 'feeder connection'));
  }

  async start(): Promise<void> {
    await this.#worker.startStalledCheckTimer();
    this.look();
  }

  /** Looks whether a page is due; called when a study leaves stage 1, and every second. */
  look(): void {
    if (this.#closed || this.#looking) return;
    clearTimeout(this.#timer);
    this.#looking = this.#feed()
      .catch((error: unknown) => this.#log.warn({ error: String(error) }, 'feeding failed; it is tried again'))
      .finally(() => {
        this.#looking = undefined;
        if (!this.#closed) this.#timer = setTimeout(() => this.look(), LOOK_EVERY_MS);
      });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
    await this.#worker.close();
  }

  async #feed(): Promise<void> {
    while (!this.#closed) {
      const priority = await this.#queues.nextPagePriority();
      // Delayed pages (a failed try) are promoted by asking for a job, so ask even when none waits.
      if (priority !== undefined && (await this.#queues.stage1Backlog(priority)) >= this.#options.lowWater) return;
      const job = (await this.#worker.getNextJob(this.#token, { block: false })) as Job | undefined;
      if (!job) return;
      await this.#unfold(job);
    }
  }

  async #unfold(job: Job): Promise<void> {
    try {
      const { run, page } = PAYLOADS.pages.parse(job.data);
      const studies = await this.#runs.readPage(page);
      const { priority } = await this.#runs.readRun(run);
      await this.#queues.addStudies(
        'stage1',
        studies.map(({ study }) => ({ run, study, page, redo: 0 })),
        priority,
      );
      await job.moveToCompleted('unfolded', this.#token, false);
      this.#log.info({ run, page, studies: studies.length }, 'page unfolded');
    } catch (error) {
      this.#log.error({ page: job.id, error: String(error) }, 'page could not be unfolded');
      // A page is many studies: it is tried for as long as there is hope.
      if (kindOfError(error) === 'transient') await job.moveToDelayed(Date.now() + LOOK_EVERY_MS, this.#token);
      else await job.moveToFailed(new UnrecoverableError(String(error)), this.#token, false);
    }
  }
}

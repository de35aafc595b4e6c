/**
 * Feeding: turns the pages of a dataset into study jobs. The dataset is in the store and Redis holds one job per page.
 * A page is unfolded into study jobs only while few study jobs wait at its stage. So a million studies are a few
 * thousand small jobs, and the producer can exit at once.
 *
 * Every worker feeds its own stage. The life of a page: waiting -> taken by one feeder when the backlog is low -> its
 * studies are added -> done. Job ids are deterministic, so unfolding a page twice adds nothing the second time. If a
 * feeder dies with a page, its lock expires and another feeder takes the page. While the store is not reachable, the
 * page is retried every second. If the page is missing or damaged, it fails at once, and `status` says that studies are
 * missing.
 */

import { randomUUID } from 'node:crypto';
import { type Job, UnrecoverableError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import pLimit from 'p-limit';
import { kindOfError, STAGE_NAMES, type Stage, FIRST_STAGE, perStage, STAGES } from '../domain/index.ts';
import { PAYLOADS, type Payload, pageQueue, type Queues } from '../queue/index.ts';
import type { RunRecord, RunStore, StepRecord } from '../runs/index.ts';
import { type Logger, NO_TRACES, type Traces } from '../telemetry/index.ts';

const LOOK_EVERY_MS = 1000;
/** A look takes a few commands of Redis, more than a job does. So not every study that leaves the stage causes one. */
const LOOK_APART_MS = 200;
/** Studies looked up at a time. */
const LOOKUPS_AT_ONCE = 32;

export interface FeederOptions {
  readonly connection: Redis;
  readonly prefix: string;
  readonly lockMs: number;
  /** The next page is unfolded while fewer study jobs than this wait at the stage. */
  readonly lowWater: number;
  readonly traces?: Traces;
}

export class Feeder {
  readonly #stage: Stage;
  readonly #worker: Worker;
  readonly #queues: Queues;
  readonly #runs: RunStore;
  readonly #options: FeederOptions;
  readonly #log: Logger;
  readonly #token = randomUUID();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, on the clock of `performance.now`. */
  #due = 0;
  #looking: Promise<void> | undefined;
  /** When the last look ended. */
  #looked = 0;
  #pageWaits = false;
  #closed = false;

  constructor(stage: Stage, queues: Queues, runs: RunStore, log: Logger, options: FeederOptions) {
    this.#stage = stage;
    this.#queues = queues;
    this.#runs = runs;
    this.#options = options;
    this.#log = log;
    // No processor: the feeder itself asks for a page when the backlog is low (decision 9).
    this.#worker = new Worker(pageQueue(stage), null, {
      connection: options.connection,
      prefix: options.prefix,
      autorun: false,
      lockDuration: options.lockMs,
      maxStalledCount: Number.MAX_SAFE_INTEGER, // a page does not kill its feeder
    });
    this.#worker.on('error', (error) => log.debug({ error: error.message }, 'feeder connection'));
  }

  async start(): Promise<void> {
    await this.#worker.startStalledCheckTimer();
    this.look();
  }

  /** Call when a study leaves the stage: looks soon if a page waits. If none waited, the look of every second is enough. */
  jobDone(): void {
    if (this.#pageWaits && this.#looking === undefined) this.#lookAt(this.#looked + LOOK_APART_MS);
  }

  /** Checks whether it is time for the next page. Without calls, this happens every second. */
  look(): void {
    if (this.#closed || this.#looking) return;
    clearTimeout(this.#timer);
    this.#looking = this.#feed()
      .catch((error: unknown) => this.#log.warn({ error: String(error) }, 'feeding failed and will be retried'))
      .finally(() => {
        this.#looking = undefined;
        this.#looked = performance.now();
        this.#due = Number.POSITIVE_INFINITY;
        this.#lookAt(this.#looked + LOOK_EVERY_MS);
      });
  }

  /** Looks at that time, unless it looks earlier. */
  #lookAt(due: number): void {
    if (this.#closed || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.look(), Math.max(0, due - performance.now()));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
    await this.#worker.close();
  }

  async #feed(): Promise<void> {
    while (!this.#closed) {
      const priority = await this.#queues.nextPagePriority(this.#stage);
      this.#pageWaits = priority !== undefined;
      // Asking for a job makes BullMQ promote delayed pages (after a failed attempt), so ask even if no page waits.
      if (priority !== undefined && (await this.#queues.backlog(this.#stage, priority)) >= this.#options.lowWater)
        return;
      const job = (await this.#worker.getNextJob(this.#token, { block: false })) as Job | undefined;
      if (!job) return;
      const { traces = NO_TRACES } = this.#options;
      await traces.span('unfold page', job.opts.telemetry?.metadata, {}, () => this.#unfold(job));
    }
  }

  async #unfold(job: Job): Promise<void> {
    try {
      const { run: name, page, again } = PAYLOADS[pageQueue(this.#stage)].parse(job.data);
      if (await this.#runs.isCancelled(name)) {
        await job.moveToCompleted('cancelled', this.#token, false);
        return;
      }
      const run = await this.#runs.readRun(name);
      const all = (await this.#runs.openPage(page)).studies;
      const studies = again ? await this.#withoutFinished(name, all) : all;
      // Failed jobs are kept for inspection; BullMQ would not add a new job with the id of such a job.
      if (again) await this.#queues.removeStudies(name, studies);
      const entering = await entries(this.#runs, run, page, studies);
      for (const stage of STAGE_NAMES) await this.#queues.addStudies<Stage>(stage, entering[stage], run.priority);
      await job.moveToCompleted('unfolded', this.#token, false);
      this.#log.info({ run: name, page, studies: studies.length }, 'page unfolded');
    } catch (error) {
      this.#log.error({ page: job.id, error: String(error) }, 'page could not be unfolded');
      // A page stands for many studies, so a transient fault never makes it fail.
      if (kindOfError(error) === 'transient') await job.moveToDelayed(Date.now() + LOOK_EVERY_MS, this.#token);
      else await job.moveToFailed(new UnrecoverableError(String(error)), this.#token, false);
    }
  }

  async #withoutFinished(run: string, studies: readonly string[]): Promise<string[]> {
    const limit = pLimit(LOOKUPS_AT_ONCE);
    const finished = await Promise.all(studies.map((study) => limit(() => this.#runs.isFinished(run, study))));
    return studies.filter((_, i) => !finished[i]);
  }
}

/** The first job of each study, by the stage at which the study enters. */
type Entering = Readonly<Record<Stage, Payload<Stage>[]>>;

/**
 * The stage at which each study enters. In a reprocessed run, a study with a result in the old run enters after the
 * outputs that this result names. Every other study enters at stage 1, where stored outputs are reused too.
 */
async function entries(
  runs: RunStore,
  { run, from }: RunRecord,
  page: string,
  studies: readonly string[],
): Promise<Entering> {
  const entering: Entering = perStage(() => []);
  const limit = pLimit(LOOKUPS_AT_ONCE);
  const steps = await Promise.all(studies.map((study) => limit(() => runs.stepsBefore({ from }, study))));
  for (const [i, study] of studies.entries()) {
    const payload = { run, study, page, redo: 0 };
    const before = steps[i];
    const stage = before && from ? from.stage : FIRST_STAGE;
    const received = STAGES[stage].receives.map((step) => [step, stored(before![step])]);
    entering[stage].push({ ...payload, ...Object.fromEntries(received) });
  }
  return entering;
}

/** The record of a step that lies before the entry: this run spent no time on it. */
function stored({ key, finished }: StepRecord): StepRecord {
  return { key, reused: true, seconds: 0, finished };
}

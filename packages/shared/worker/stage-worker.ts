/**
 * Runs the jobs of one stage's queue.
 *
 * A job's life:
 *
 *   waiting --taken--> active --process()--> output committed in the store
 *     --> handed over to the next queue (the same id again adds nothing) --> acknowledged, gone
 *
 *   process() throws
 *     transient (network, 5xx, a thread that died), tries left --> delayed (backoff with jitter) --> waiting
 *     transient, no try left                                   --> failure recorded in the store --> failed
 *     permanent (corrupt DICOM, missing bundle, schema)        --> failure recorded in the store --> failed
 *     a stored output of an earlier step is damaged            --> output invalidated, study handed back to the stage that
 *                                                                  makes it, under a new id --> acknowledged
 *
 *   its run was cancelled --> acknowledged, gone; nothing is computed
 *
 *   the worker dies --> the lock expires --> stalled --> waiting, and from now on a suspect: a worker has one of these in
 *     hand at a time, the others are delayed, so that neighbours of a deadly study do not die with it again and again.
 *     After a few deaths it is poison: failed, and whoever finds it records the failure
 *
 * The study is handed over before it is acknowledged: a worker that dies in between does it again, finds the output,
 * and hands over a job that is there already. A failure is recorded before the job fails, for the same reason.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { kindOfError, recordOfError, SpinelineError, type Stage } from '../domain/index.ts';
import type { FailureRecord, RunRecord, RunStore } from '../runs/index.ts';
import { JobClock, type Logger, NO_TRACES, type Traces, type WorkerMetrics } from '../telemetry/index.ts';
import { PAYLOADS, type Payload } from '../queue/index.ts';
import type { ProgressCounts, ProgressEvent } from '../queue/index.ts';
import type { Queues } from '../queue/index.ts';
import { cappedBackoff, EXTRA_STARTS, isPoison, REDOS_ALLOWED, STALLS_ALLOWED } from './retry-policy.ts';

const SUSPECT_PAUSE_MS = 500;

/** What a stage does with a study; the only thing that the three workers do not share. */
export type ProcessStudy<Q extends Stage> = (job: StudyJob<Q>) => Promise<StudyOutcome>;

export interface StudyJob<Q extends Stage> {
  readonly payload: Payload<Q>;
  readonly run: RunRecord;
  readonly log: Logger;
  /** Told what the job is doing, phase by phase. */
  readonly clock: JobClock;
}

/** Where the study goes from here. */
export type StudyOutcome =
  | { [S in Stage]: { readonly next: S; readonly payload: Payload<S>; readonly reused: boolean } }[Stage]
  /** The result is committed. `classShares` names its targets that are class shares for want of any view. */
  | { readonly next: 'done'; readonly reused: boolean; readonly classShares?: readonly string[] }
  /** A stored output turned out damaged and was invalidated; an earlier stage makes it again. */
  | { [S in Stage]: { readonly next: 'back'; readonly queue: S; readonly payload: Payload<S> } }[Stage];

export interface StageWorkerOptions {
  readonly connection: Redis;
  readonly prefix: string;
  /** Studies in hand at once. */
  readonly concurrency: number;
  readonly lockMs: number;
  readonly attempts: number;
  readonly traces?: Traces;
}

export interface StageWorkerParts {
  readonly queues: Queues;
  readonly runs: RunStore;
  readonly progress: ProgressCounts;
  readonly metrics: WorkerMetrics;
  readonly log: Logger;
}

export class StageWorker<Q extends Stage> {
  readonly #queue: Q;
  readonly #process: ProcessStudy<Q>;
  readonly #parts: StageWorkerParts;
  readonly #options: StageWorkerOptions;
  readonly #worker: Worker;
  #inHand = 0;
  #lastProgress = 0;
  #suspectInHand = false;
  #abandoned = false;

  constructor(queue: Q, process: ProcessStudy<Q>, parts: StageWorkerParts, options: StageWorkerOptions) {
    this.#queue = queue;
    this.#process = process;
    this.#parts = parts;
    this.#options = options;
    this.#worker = new Worker(queue, (job: Job, token) => this.#handleAlone(job, token), {
      connection: options.connection,
      prefix: options.prefix,
      autorun: false,
      concurrency: options.concurrency,
      lockDuration: options.lockMs,
      stalledInterval: options.lockMs,
      maxStalledCount: STALLS_ALLOWED,
      maxStartedAttempts: options.attempts + EXTRA_STARTS,
      ...(options.traces?.telemetry && { telemetry: options.traces.telemetry }),
      settings: { backoffStrategy: (attempt, _type, _error, job) => cappedBackoff(attempt, job) },
    });
    this.#worker.on('error', (error) => parts.log.debug({ error: error.message }, 'queue connection'));
    this.#worker.on('stalled', (jobId) => parts.log.warn({ jobId }, 'job stalled: its worker died or lost its lock'));
    this.#worker.on('failed', (job, error) => void this.#recordPoison(job, error));
  }

  start(): void {
    this.#worker.run().catch((error: unknown) => this.#parts.log.error({ error: String(error) }, 'worker stopped'));
  }

  /** Jobs in hand now. */
  get inHand(): number {
    return this.#inHand;
  }

  /** When a job was last taken or came to a new phase, on the clock of `performance.now`; 0 before the first. */
  get lastProgress(): number {
    return this.#lastProgress;
  }

  /** Called whenever a job has left this worker. */
  onJobDone(listener: () => void): void {
    this.#worker.on('completed', listener);
    this.#worker.on('failed', listener);
  }

  /**
   * Stops taking jobs and waits for those in hand, for at most `graceMs`; what is not done by then goes back to the
   * queue when its lock expires.
   */
  async close(graceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), graceMs);
    });
    const closed = this.#worker.close().then(() => 'closed' as const);
    const how = await Promise.race([closed, late]);
    clearTimeout(timer);
    if (how === 'late') {
      // BullMQ's worker cannot be hurried once it closes: it is left to the end of the process.
      this.#abandoned = true;
      this.#parts.log.warn({ inHand: this.#inHand }, 'grace time is over: jobs in hand go back to the queue');
    }
  }

  async #handleAlone(job: Job, token: string | undefined): Promise<string> {
    const suspect = job.stalledCounter > 0;
    if (suspect && this.#suspectInHand) {
      await job.moveToDelayed(Date.now() + this.#options.lockMs * (0.5 + Math.random() / 2), token);
      throw new DelayedError();
    }
    if (suspect) this.#suspectInHand = true;
    try {
      // Time for the other suspects, which are taken in the same moment, to be put off before this one may strike.
      if (suspect) await sleep(SUSPECT_PAUSE_MS);
      return await this.#handle(job);
    } finally {
      if (suspect) this.#suspectInHand = false;
    }
  }

  async #handle(job: Job): Promise<string> {
    const { metrics } = this.#parts;
    const progress = () => {
      this.#lastProgress = performance.now();
    };
    const clock = new JobClock(progress);
    progress();
    this.#inHand += 1;
    const firstTry = job.attemptsMade === 0 && job.stalledCounter === 0;
    metrics.jobTaken(firstTry ? Date.now() - job.timestamp : undefined);
    try {
      const payload = this.#payloadOf(job);
      const { run, study } = payload;
      const log = this.#parts.log.child({
        run,
        study,
        stage: this.#queue,
        job: job.id,
        attempt: job.attemptsMade + 1,
      });
      try {
        const record = await clock.time('lookup', () => this.#parts.runs.readRun(run));
        if (await clock.time('lookup', () => this.#parts.runs.isCancelled(run))) {
          metrics.job('cancelled');
          log.info('the run was cancelled: study dropped');
          return 'cancelled';
        }
        const outcome = await this.#process({ payload, run: record, log, clock });
        await this.#handOver(payload, record, outcome, log);
        return outcome.next;
      } catch (error) {
        return await this.#fail(job, payload, error, log);
      }
    } finally {
      this.#inHand -= 1;
      metrics.jobLeft(clock);
      this.#annotateTrace(clock);
    }
  }

  /** Where the time of the job went, on its span. */
  #annotateTrace(clock: JobClock): void {
    const { traces = NO_TRACES } = this.#options;
    const phases = Object.entries(clock.read().phases).filter(([, seconds]) => seconds > 0);
    traces.annotate(Object.fromEntries(phases.map(([phase, seconds]) => [`spineline.${phase}_seconds`, seconds])));
  }

  #payloadOf(job: Job): Payload<Q> {
    const parsed = PAYLOADS[this.#queue].safeParse(job.data);
    if (!parsed.success) throw new UnrecoverableError(`job ${job.id} has not the shape of a ${this.#queue} job`);
    return parsed.data as Payload<Q>;
  }

  async #handOver(payload: Payload<Q>, run: RunRecord, outcome: StudyOutcome, log: Logger): Promise<void> {
    const { queues, metrics, progress } = this.#parts;
    if (outcome.next === 'back') {
      if (outcome.payload.redo > REDOS_ALLOWED) {
        throw new SpinelineError(
          'STORE_KEEPS_BREAKING',
          'permanent',
          'stored outputs of this study are damaged again and again',
          {
            study: payload.study,
            hint: 'check the object store',
          },
        );
      }
      log.warn({ queue: outcome.queue }, 'a stored output was damaged: the study goes back to be computed again');
      await queues.addStudies<Stage>(outcome.queue, [outcome.payload], run.priority);
      metrics.job('retried');
      return;
    }
    if (outcome.next !== 'done') await queues.addStudies<Stage>(outcome.next, [outcome.payload], run.priority);
    const events: ProgressEvent[] = [this.#queue];
    if (outcome.reused) events.push(`${this.#queue}-reused`);
    await progress.add(payload.run, payload.study, ...events);
    if (outcome.next === 'done') await progress.addClassShares(payload.run, payload.study, outcome.classShares ?? []);
    metrics.job(outcome.next === 'done' ? 'scored' : 'handed_over');
    log.info({ next: outcome.next, reused: outcome.reused }, 'study done');
  }

  /** Decides between another try and a recorded failure; always throws. */
  async #fail(job: Job, payload: Payload<Q>, error: unknown, log: Logger): Promise<never> {
    // What failed is that everything is being closed: the lock expires, and another worker does the job.
    if (this.#abandoned) return new Promise<never>(() => {});
    const attempt = job.attemptsMade + 1;
    const record = recordOfError(error);
    if (kindOfError(error) === 'transient' && attempt < this.#options.attempts) {
      this.#parts.metrics.job('retried');
      log.warn({ code: record.code, error: messageOf(error) }, 'transient failure; it is tried again');
      throw error;
    }
    await this.#recordFailure(payload, record.kind, error, attempt);
    log.error({ code: record.code, error: messageOf(error), stack: stackOfUnforeseen(error) }, 'study failed');
    throw new UnrecoverableError(record.code);
  }

  async #recordFailure(
    payload: Payload<Q>,
    kind: FailureRecord['kind'],
    error: unknown,
    attempts: number,
  ): Promise<void> {
    const { code, context } = recordOfError(error);
    const { series, file, expected, found, views } = context;
    await this.#parts.runs.writeFailure({
      schema: 'spineline.failure/1',
      run: payload.run,
      study: payload.study,
      stage: this.#queue,
      code,
      kind,
      message: messageOf(error),
      ...(series !== undefined && { series }),
      ...(file !== undefined && { file }),
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      ...(views !== undefined && { views }),
      attempts,
      failed: new Date().toISOString(),
    });
    await this.#parts.progress.add(payload.run, payload.study, 'failed');
    this.#parts.metrics.failure(code);
  }

  /** BullMQ itself fails a job that was started too often; nobody has recorded that yet. */
  async #recordPoison(job: Job | undefined, error: Error): Promise<void> {
    if (!job || !isPoison(error)) return;
    const starts = job.stalledCounter || job.attemptsStarted; // starts that only delayed it do not count
    const poison = new SpinelineError(
      'JOB_POISON',
      'poison',
      'its worker died or hung whenever it had this study in hand',
      {
        study: (job.data as { study?: string }).study,
        found: `${starts} starts`,
        hint: 'score this study alone and look at the worker’s log',
      },
    );
    try {
      await this.#recordFailure(this.#payloadOf(job), 'poison', poison, starts);
      this.#parts.log.error({ jobId: job.id, code: poison.code }, poison.message);
    } catch (cause) {
      this.#parts.log.error({ jobId: job.id, error: String(cause) }, 'a poison job could not be recorded');
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A stack says something about a fault that nobody foresaw; an expected error's message says it all. */
function stackOfUnforeseen(error: unknown): string | undefined {
  return error instanceof Error && !(error instanceof SpinelineError) ? error.stack : undefined;
}

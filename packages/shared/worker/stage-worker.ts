/**
 * Runs the jobs of one stage's queue.
 *
 * The life of a job:
 *
 *   waiting --taken--> active --process()--> output committed in the store
 *     --> handed over to the next queue (an existing id is not added twice) --> acknowledged, removed
 *
 *   process() throws
 *     transient (network, 5xx, a dead thread), attempts left --> delayed (backoff with jitter) --> waiting
 *     transient, no attempt left                             --> failure recorded in the store --> failed
 *     permanent (corrupt DICOM, missing bundle, schema)      --> failure recorded in the store --> failed
 *     a stored output of an earlier step is damaged          --> output invalidated, study sent back to the stage that
 *                                                                makes it, under a new id --> acknowledged
 *
 *   its run is cancelled --> acknowledged, removed; nothing is computed
 *
 *   a model of its run does not run on this worker's execution provider --> delayed, and the worker stops
 *
 *   the worker dies --> the lock expires --> stalled --> waiting, and now a suspect: it may be what killed the worker.
 *     A worker works on one suspect at a time and delays the others, so that a deadly study does not take other studies
 *     with it again. After a few deaths the job is poison: it fails, and the worker that finds it records the failure.
 *
 * The study is handed over before it is acknowledged. If a worker dies in between, the job runs again, finds the
 * output, and hands over a job that already exists. A failure is recorded before the job fails, for the same reason.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { recordOfError, SpinelineError, type Stage } from '../domain/index.ts';
import { MemberDoesNotRunError } from '../inference/index.ts';
import { PAYLOADS, type Payload, type ProgressCounts, type ProgressEvent, type Queues } from '../queue/index.ts';
import type { FailureRecord, RunRecord, RunStore } from '../runs/index.ts';
import { JobClock, type Logger, NO_TRACES, type Traces, type WorkerMetrics } from '../telemetry/index.ts';
import { cappedBackoff, EXTRA_STARTS, isPoison, isRetried, REDOS_ALLOWED, STALLS_ALLOWED } from './retry-policy.ts';

const SUSPECT_PAUSE_MS = 500;
/** Wait of a job whose worker cannot run its models. */
const UNFIT_PAUSE_MS = 1000;

/** What a stage does with a study: the only part in which the workers of the stages differ. */
export type ProcessStudy<Q extends Stage> = (job: StudyJob<Q>) => Promise<StudyOutcome>;

export interface StudyJob<Q extends Stage> {
  readonly payload: Payload<Q>;
  readonly run: RunRecord;
  readonly log: Logger;
  /** Measures the phases of the job. */
  readonly clock: JobClock;
}

/** Where the study goes next. */
export type StudyOutcome =
  | { [S in Stage]: { readonly next: S; readonly payload: Payload<S>; readonly reused: boolean } }[Stage]
  /**
   * The result is committed. `classShares`: names of the targets that got class shares, since no view of them exists.
   */
  | { readonly next: 'done'; readonly reused: boolean; readonly classShares?: readonly string[] }
  /** A stored output was damaged and has been invalidated; an earlier stage makes it again. */
  | { [S in Stage]: { readonly next: 'back'; readonly queue: S; readonly payload: Payload<S> } }[Stage];

export interface StageWorkerOptions {
  readonly connection: Redis;
  readonly prefix: string;
  /** Studies at a time. */
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
  /** Called when the worker cannot run a model that a run needs. The worker should stop. */
  readonly onUnfit: (error: MemberDoesNotRunError) => void;
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

  /** Number of jobs that the worker works on now. */
  get inHand(): number {
    return this.#inHand;
  }

  /** When a job was last taken or reached a new phase, on the clock of `performance.now`; 0 before the first job. */
  get lastProgress(): number {
    return this.#lastProgress;
  }

  /** Calls `listener` whenever this worker is done with a job. */
  onJobDone(listener: () => void): void {
    this.#worker.on('completed', listener);
    this.#worker.on('failed', listener);
  }

  /**
   * Stops taking jobs and waits at most `graceMs` for the current ones. A job that is not finished by then returns to
   * the queue when its lock expires.
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
      // A BullMQ worker that is closing cannot be stopped faster; the end of the process ends it.
      this.#abandoned = true;
      this.#parts.log.warn({ inHand: this.#inHand }, 'grace time is over: unfinished jobs go back to the queue');
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
      // Other suspects are taken at the same moment: give them time to be delayed before this one may kill the process.
      if (suspect) await sleep(SUSPECT_PAUSE_MS);
      return await this.#handle(job);
    } catch (error) {
      if (!(error instanceof MemberDoesNotRunError)) throw error;
      this.#parts.onUnfit(error);
      // For a worker that can, or for this one after its repair.
      await job.moveToDelayed(Date.now() + UNFIT_PAUSE_MS, token);
      throw new DelayedError();
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
        if (error instanceof MemberDoesNotRunError) throw error;
        return await this.#fail(job, payload, error, log);
      }
    } finally {
      this.#inHand -= 1;
      metrics.jobLeft(clock);
      this.#annotateTrace(clock);
    }
  }

  /** Writes the time of each phase onto the span of the job. */
  #annotateTrace(clock: JobClock): void {
    const { traces = NO_TRACES } = this.#options;
    const phases = Object.entries(clock.read().phases).filter(([, seconds]) => seconds > 0);
    traces.annotate(Object.fromEntries(phases.map(([phase, seconds]) => [`spineline.${phase}_seconds`, seconds])));
  }

  #payloadOf(job: Job): Payload<Q> {
    const parsed = PAYLOADS[this.#queue].safeParse(job.data);
    if (!parsed.success) throw new UnrecoverableError(`job ${job.id} does not fit the schema of a ${this.#queue} job`);
    return parsed.data as Payload<Q>;
  }

  async #handOver(payload: Payload<Q>, run: RunRecord, outcome: StudyOutcome, log: Logger): Promise<void> {
    const { queues, metrics, progress } = this.#parts;
    if (outcome.next === 'back') {
      if (outcome.payload.redo > REDOS_ALLOWED) {
        throw new SpinelineError(
          'STORE_KEEPS_BREAKING',
          'permanent',
          'stored outputs of this study were damaged repeatedly',
          {
            study: payload.study,
            hint: 'check the object store',
          },
        );
      }
      log.warn({ queue: outcome.queue }, 'a stored output is damaged: the study goes back to an earlier stage');
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

  /** Decides between a retry and a recorded failure; always throws. */
  async #fail(job: Job, payload: Payload<Q>, error: unknown, log: Logger): Promise<never> {
    // The job failed because the process is closing: its lock expires, and another worker takes it.
    if (this.#abandoned) return new Promise<never>(() => {});
    const attempt = job.attemptsMade + 1;
    const record = recordOfError(error);
    if (isRetried(error, attempt, this.#options.attempts)) {
      this.#parts.metrics.job('retried');
      log.warn({ code: record.code, error: messageOf(error) }, 'transient failure; the study will be retried');
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

  /** Records the failure of a job that BullMQ itself failed, because it was started too often. */
  async #recordPoison(job: Job | undefined, error: Error): Promise<void> {
    if (!job || !isPoison(error)) return;
    const starts = job.stalledCounter || job.attemptsStarted; // starts that only delayed the job do not count
    const poison = new SpinelineError(
      'JOB_POISON',
      'poison',
      'the worker died or hung each time that it worked on this study',
      {
        study: (job.data as { study?: string }).study,
        found: `${starts} starts`,
        hint: 'score this study alone and read the log of the worker',
      },
    );
    try {
      await this.#recordFailure(this.#payloadOf(job), 'poison', poison, starts);
      this.#parts.log.error({ jobId: job.id, code: poison.code }, poison.message);
    } catch (cause) {
      this.#parts.log.error(
        { jobId: job.id, error: String(cause) },
        'the failure of a poison job could not be recorded',
      );
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The stack of an unexpected error. An expected error (SpinelineError) says everything in its message. */
function stackOfUnforeseen(error: unknown): string | undefined {
  return error instanceof Error && !(error instanceof SpinelineError) ? error.stack : undefined;
}

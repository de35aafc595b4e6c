/**
 * The metrics of a worker: one registry per process, in base units. Labels have few possible values; a study is never a
 * label. Counters exist from the start, with the value 0: Prometheus cannot compute a rate over an absent series.
 */

import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { FLAG_MEANINGS, type FlagCode, JOB_ERROR_CODES, jobErrorCode, STAGES, type Stage } from '../domain/index.ts';
import { type JobClock, PHASES } from './job-clock.ts';
import { addProcessMetrics } from './process-metrics.ts';

const OUTCOMES = ['scored', 'handed_over', 'retried', 'failed', 'cancelled'] as const;
export type JobOutcome = (typeof OUTCOMES)[number];
const JOB_BUCKETS = [0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300];

export interface WorkerLimits {
  /** Most jobs at a time. */
  readonly slots: number;
  readonly inferenceThreads: number;
  /** Largest batch, in samples. */
  readonly batchSize: number;
  readonly executionProvider: string;
}

/** What identifies a model bundle. */
export interface ModelIdentity {
  readonly name: string;
  readonly version: string;
  readonly digest: string;
}

export class WorkerMetrics {
  readonly registry = new Registry();
  readonly #stage: Stage;
  readonly #limits: WorkerLimits;
  readonly #jobs: Counter<'stage' | 'outcome'>;
  readonly #failures: Counter<'stage' | 'error_code'>;
  readonly #scored: Counter<'stage'>;
  readonly #jobSeconds: Histogram<'stage'>;
  readonly #phases: Histogram<'stage' | 'phase'>;
  readonly #queueWait: Histogram<'stage'>;
  readonly #idleSeconds: Counter<'stage'>;
  readonly #steps: Counter<'step' | 'reused'>;
  readonly #flags: Counter<'code'>;
  readonly #classShareTargets: Counter<'stage'>;
  readonly #batches: Histogram<'stage'>;
  readonly #samples: Counter<'stage'>;
  readonly #inferenceBusy: Counter<'stage'>;
  readonly #lastSuccess: Gauge<'stage'>;
  readonly #lastStart: Gauge<'stage'>;
  readonly #models: Gauge<'stage' | 'bundle' | 'version' | 'digest' | 'execution_provider'>;
  #inHand = 0;
  /** Until when idle slots are counted. */
  #countedUntil = performance.now();
  #live: () => boolean = () => true;

  constructor(stage: Stage, limits: Partial<WorkerLimits> = {}) {
    this.#stage = stage;
    this.#limits = { slots: 1, inferenceThreads: 1, batchSize: 1, executionProvider: 'cpu', ...limits };
    const { registry } = this;
    // On the process's own series too, since dashboards show pools.
    registry.setDefaultLabels({ stage });
    addProcessMetrics(registry);
    const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
      new Counter({ name, help, labelNames, registers: [registry] });
    const gauge = <Label extends string>(
      name: string,
      help: string,
      read: (gauge: Gauge<Label>) => void,
      ...labelNames: Label[]
    ) =>
      new Gauge({
        name,
        help,
        labelNames,
        registers: [registry],
        collect() {
          read(this);
        },
      });
    const histogram = <Label extends string>(name: string, help: string, buckets: number[], ...labelNames: Label[]) =>
      new Histogram({ name, help, buckets, labelNames, registers: [registry] });

    this.#jobs = counter('spineline_jobs_total', 'Jobs that left this worker, by outcome', 'stage', 'outcome');
    this.#failures = counter(
      'spineline_job_failures_total',
      'Studies that failed for good in this stage, by error code',
      'stage',
      'error_code',
    );
    this.#scored = counter('spineline_studies_scored_total', 'Studies whose result was written to the store', 'stage');
    this.#jobSeconds = histogram(
      'spineline_job_seconds',
      'Time from taking a job until it leaves the worker',
      JOB_BUCKETS,
      'stage',
    );
    this.#phases = histogram(
      'spineline_phase_seconds',
      'Time that a job spent in one phase; the phases of a job add up to its time (docs/metrics.md)',
      JOB_BUCKETS,
      'stage',
      'phase',
    );
    this.#queueWait = histogram(
      'spineline_queue_wait_seconds',
      'Time that a job waited in the queue before its first attempt',
      [0.1, 1, 10, 60, 300, 1800, 7200, 28800],
      'stage',
    );
    const countIdle = () => this.#countIdle();
    this.#idleSeconds = new Counter({
      name: 'spineline_job_slot_idle_seconds_total',
      help: 'Time that job slots were empty; with spineline_job_seconds it adds up to slots x running time',
      labelNames: ['stage'],
      registers: [registry],
      collect: countIdle,
    });
    this.#steps = counter(
      'spineline_steps_total',
      'Stage outputs, by whether they were found in the store (reused) or computed',
      'step',
      'reused',
    );
    this.#flags = counter('spineline_flags_total', 'Flags put on results, by code', 'code');
    this.#classShareTargets = counter(
      'spineline_class_share_targets_total',
      'Targets of scored studies that got class shares because no view of them exists, of 25 per study',
      'stage',
    );
    this.#batches = histogram('spineline_batch_samples', 'Samples per batch', [1, 2, 4, 8, 16, 32, 64], 'stage');
    this.#samples = counter('spineline_samples_total', 'Samples that went through the models', 'stage');
    this.#inferenceBusy = counter(
      'spineline_inference_busy_seconds_total',
      'Time that inference threads spent running models, summed over threads',
      'stage',
    );
    const { slots, inferenceThreads, batchSize } = this.#limits;
    gauge(
      'spineline_jobs_in_progress',
      'Jobs that the worker is working on',
      (one) => one.set({ stage }, this.#inHand),
      'stage',
    );
    gauge(
      'spineline_job_slots',
      'Most jobs that the worker works on at a time',
      (one) => one.set({ stage }, slots),
      'stage',
    );
    gauge(
      'spineline_inference_threads',
      'Threads that run models',
      (one) => one.set({ stage }, inferenceThreads),
      'stage',
    );
    gauge('spineline_batch_limit_samples', 'Largest batch', (one) => one.set({ stage }, batchSize), 'stage');
    gauge(
      'spineline_worker_live',
      '1 while the worker is live (/livez), otherwise 0',
      (one) => one.set({ stage }, this.#live() ? 1 : 0),
      'stage',
    );
    const kept = () => {};
    this.#lastSuccess = gauge(
      'spineline_last_success_timestamp_seconds',
      'Time when the worker last finished a job with a result or handed it over; 0 before the first',
      kept,
      'stage',
    );
    this.#lastStart = gauge(
      'spineline_last_start_timestamp_seconds',
      'Time when the worker last took a job; 0 before the first',
      kept,
      'stage',
    );
    this.#models = gauge(
      'spineline_model_info',
      'Model bundles that this worker has in memory; always 1',
      kept,
      'stage',
      'bundle',
      'version',
      'digest',
      'execution_provider',
    );
    this.#startAtZero();
  }

  #startAtZero(): void {
    const stage = this.#stage;
    for (const outcome of OUTCOMES) this.#jobs.inc({ stage, outcome }, 0);
    for (const error_code of JOB_ERROR_CODES) this.#failures.inc({ stage, error_code }, 0);
    for (const step of STAGES[stage].steps) {
      for (const reused of ['true', 'false']) this.#steps.inc({ step, reused }, 0);
    }
    for (const code of Object.keys(FLAG_MEANINGS)) this.#flags.inc({ code }, 0);
    for (const phase of PHASES) this.#phases.zero({ stage, phase });
    for (const histogram of [this.#jobSeconds, this.#queueWait, this.#batches]) histogram.zero({ stage });
    const ofStage = [this.#scored, this.#classShareTargets, this.#idleSeconds, this.#samples, this.#inferenceBusy];
    for (const counter of ofStage) counter.inc({ stage }, 0);
    for (const gauge of [this.#lastSuccess, this.#lastStart]) gauge.set({ stage }, 0);
  }

  /** @param live answers as `/livez` does. */
  reportLive(live: () => boolean): void {
    this.#live = live;
  }

  job(outcome: JobOutcome): void {
    const stage = this.#stage;
    this.#jobs.inc({ stage, outcome });
    if (outcome === 'scored') this.#scored.inc({ stage });
    if (outcome === 'scored' || outcome === 'handed_over') this.#lastSuccess.set({ stage }, Date.now() / 1000);
  }

  /** A study failed for good. */
  failure(code: string): void {
    this.job('failed');
    this.#failures.inc({ stage: this.#stage, error_code: jobErrorCode(code) });
  }

  /** The worker has taken a job. @param queueWaitMs how long it waited; only for its first attempt. */
  jobTaken(queueWaitMs?: number): void {
    this.#countIdle();
    this.#inHand += 1;
    const stage = this.#stage;
    this.#lastStart.set({ stage }, Date.now() / 1000);
    if (queueWaitMs !== undefined) this.#queueWait.observe({ stage }, Math.max(0, queueWaitMs) / 1000);
  }

  /** The worker is done with a job, whatever the outcome. */
  jobLeft(clock: JobClock): void {
    this.#countIdle();
    this.#inHand -= 1;
    const stage = this.#stage;
    const { seconds, phases } = clock.read();
    this.#jobSeconds.observe({ stage }, seconds);
    for (const phase of PHASES) if (phases[phase] > 0) this.#phases.observe({ stage, phase }, phases[phase]);
  }

  step(step: string, reused: boolean): void {
    this.#steps.inc({ step, reused: String(reused) });
  }

  flag(code: FlagCode): void {
    this.#flags.inc({ code });
  }

  /** @param count targets of a scored study that got class shares. */
  classShareTargets(count: number): void {
    this.#classShareTargets.inc({ stage: this.#stage }, count);
  }

  batch({ samples, busyMs }: { readonly samples: number; readonly busyMs: number }): void {
    const stage = this.#stage;
    this.#batches.observe({ stage }, samples);
    this.#samples.inc({ stage }, samples);
    this.#inferenceBusy.inc({ stage }, busyMs / 1000);
  }

  /** A bundle was loaded into memory, or removed from it. */
  model({ name, version, digest }: ModelIdentity, loaded: boolean): void {
    const { executionProvider } = this.#limits;
    const labels = { stage: this.#stage, bundle: name, version, digest, execution_provider: executionProvider };
    if (loaded) this.#models.set(labels, 1);
    else this.#models.remove(labels);
  }

  #countIdle(): void {
    const now = performance.now();
    const idle = Math.max(0, this.#limits.slots - this.#inHand);
    this.#idleSeconds.inc({ stage: this.#stage }, (idle * (now - this.#countedUntil)) / 1000);
    this.#countedUntil = now;
  }
}

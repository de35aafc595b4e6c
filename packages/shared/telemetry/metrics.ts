/** The metrics of a worker: one registry a process. Labels are of bounded size; a study is never a label. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { FLAG_MEANINGS, type FlagCode } from '../domain/index.ts';

const OUTCOMES = ['scored', 'handed_over', 'retried', 'failed', 'cancelled'] as const;
export type JobOutcome = (typeof OUTCOMES)[number];
/** The steps of each stage: what a worker may find in the store or compute. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  stage1: ['stage1'],
  stage2: ['xy', 'crops'],
  stage3: ['stage3'],
};
const PHASES = ['fetch', 'prepare', 'inference', 'write'] as const;
export type Phase = (typeof PHASES)[number];

export class WorkerMetrics {
  readonly registry = new Registry();
  readonly #stage: string;
  readonly #jobs: Counter<'stage' | 'outcome'>;
  readonly #phases: Histogram<'stage' | 'phase'>;
  readonly #steps: Counter<'step' | 'reused'>;
  readonly #flags: Counter<'code'>;
  readonly #batches: Histogram<'stage'>;
  readonly #samples: Counter<'stage'>;
  readonly #inHand: Gauge<'stage'>;

  constructor(stage: string) {
    this.#stage = stage;
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#jobs = new Counter({
      name: 'spineline_jobs_total',
      help: 'Jobs that left this worker, by outcome',
      labelNames: ['stage', 'outcome'],
      registers,
    });
    this.#phases = new Histogram({
      name: 'spineline_phase_seconds',
      help: 'Time of a study in one phase of the stage',
      labelNames: ['stage', 'phase'],
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
      registers,
    });
    this.#steps = new Counter({
      name: 'spineline_steps_total',
      help: 'Stage outputs that were computed or found in the store',
      labelNames: ['step', 'reused'],
      registers,
    });
    this.#flags = new Counter({
      name: 'spineline_flags_total',
      help: 'Flags put on results, by code',
      labelNames: ['code'],
      registers,
    });
    this.#batches = new Histogram({
      name: 'spineline_batch_samples',
      help: 'Samples in a model run',
      labelNames: ['stage'],
      buckets: [1, 2, 4, 8, 16, 32, 64],
      registers,
    });
    this.#samples = new Counter({
      name: 'spineline_samples_total',
      help: 'Samples that went through the models',
      labelNames: ['stage'],
      registers,
    });
    this.#inHand = new Gauge({
      name: 'spineline_jobs_in_progress',
      help: 'Jobs in hand',
      labelNames: ['stage'],
      registers,
    });
    // Counters start at zero, not absent: a rate over an absent series is no rate.
    for (const outcome of OUTCOMES) this.#jobs.inc({ stage, outcome }, 0);
    for (const step of STEPS[stage] ?? []) {
      for (const reused of ['true', 'false']) this.#steps.inc({ step, reused }, 0);
    }
    for (const code of Object.keys(FLAG_MEANINGS)) this.#flags.inc({ code }, 0);
    this.#samples.inc({ stage }, 0);
    this.#inHand.set({ stage }, 0);
  }

  job(outcome: JobOutcome): void {
    this.#jobs.inc({ stage: this.#stage, outcome });
  }

  inHand(change: 1 | -1): void {
    this.#inHand.inc({ stage: this.#stage }, change);
  }

  /** Runs a phase of a study and observes how long it took, failed or not. */
  async time<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const end = this.#phases.startTimer({ stage: this.#stage, phase });
    try {
      return await work();
    } finally {
      end();
    }
  }

  step(step: string, reused: boolean): void {
    this.#steps.inc({ step, reused: String(reused) });
  }

  flag(code: FlagCode): void {
    this.#flags.inc({ code });
  }

  batch(samples: number): void {
    this.#batches.observe({ stage: this.#stage }, samples);
    this.#samples.inc({ stage: this.#stage }, samples);
  }
}

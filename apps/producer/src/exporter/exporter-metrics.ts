/**
 * The metrics of the queues, the runs and Redis. One process serves them, since no single worker knows them and since
 * ten workers should not each query Redis. Queues and Redis are queried at every scrape, runs in the background.
 */

import { STAGE_NAMES } from '@spineline/shared/domain';
import { QUEUES, type Queues } from '@spineline/shared/queue';
import { addProcessMetrics } from '@spineline/shared/telemetry';
import type { WatchedRuns } from '@spineline/shared/watching';
import type { Redis } from 'ioredis';
import { Counter, Gauge, Registry } from 'prom-client';

const STATES = ['waiting', 'active', 'delayed', 'failed'] as const;
/** A Redis that does not answer must not block the scrape. */
const ANSWER_MS = 4000;

export class ExporterMetrics {
  readonly #registry = new Registry();
  readonly #redis: Redis;
  readonly #queues: Queues;
  readonly #errors: Counter<'source'>;
  readonly #lastRefresh: Gauge;
  readonly #redisUp: Gauge;
  readonly #queueGauges;
  readonly #redisGauges;
  readonly #runGauges;

  constructor(redis: Redis, queues: Queues) {
    this.#redis = redis;
    this.#queues = queues;
    const registers = [this.#registry];
    addProcessMetrics(this.#registry);
    const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
      new Gauge({ name, help, labelNames, registers });
    this.#queueGauges = {
      jobs: gauge('spineline_queue_jobs', 'Jobs in a queue, summed over all runs', 'queue', 'state'),
      oldest: gauge(
        'spineline_queue_oldest_waiting_seconds',
        'Age of the oldest waiting job; 0 if no job waits',
        'queue',
      ),
      paused: gauge('spineline_queue_paused', '1 while the queue is paused: workers take no jobs from it', 'queue'),
    };
    this.#redisUp = gauge('spineline_redis_up', '1 if Redis answered at this scrape, otherwise 0');
    this.#redisGauges = {
      used: gauge('spineline_redis_memory_used_bytes', 'Memory that Redis uses'),
      limit: gauge('spineline_redis_memory_max_bytes', 'Memory limit of Redis (maxmemory); 0 means no limit'),
    };
    const ofRun = (name: string, help: string) => gauge(name, help, 'run');
    this.#runGauges = {
      studies: ofRun('spineline_run_studies', 'Studies of a run'),
      scored: ofRun('spineline_run_studies_scored', 'Studies of a run that have a result'),
      failed: ofRun('spineline_run_studies_failed', 'Studies of a run that failed'),
      left: ofRun('spineline_run_studies_left', 'Studies of a run that have neither result nor failure'),
      shareTargets: ofRun(
        'spineline_run_class_share_targets',
        'Targets of scored studies of a run that got class shares because no view of them exists, of 25 per study',
      ),
      shareStudies: ofRun(
        'spineline_run_class_share_studies',
        'Scored studies of a run with at least one target that got class shares',
      ),
      pagesLeft: ofRun('spineline_run_pages_left', 'Pages of a run that are not unfolded into study jobs yet'),
      cancelled: ofRun('spineline_run_cancelled', '1 if the run was cancelled, otherwise 0'),
      created: ofRun('spineline_run_created_timestamp_seconds', 'Time when the run was created'),
      deadline: ofRun(
        'spineline_run_deadline_timestamp_seconds',
        'Time when the run should be finished; only for a run with a deadline',
      ),
      stages: gauge('spineline_run_stage_studies', 'Studies of a run that have finished a stage', 'run', 'stage'),
    };
    this.#lastRefresh = gauge(
      'spineline_exporter_last_refresh_timestamp_seconds',
      'Time when the series of the runs were last updated',
    );
    this.#errors = new Counter({
      name: 'spineline_exporter_errors_total',
      help: 'Failed queries of Redis or of the runs',
      labelNames: ['source'],
      registers,
    });
    for (const source of ['redis', 'runs']) this.#errors.inc({ source }, 0);
  }

  /** To add further series of the process. */
  get registry(): Registry {
    return this.#registry;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** What Prometheus reads, with the queues and Redis as they are now. */
  async metrics(): Promise<string> {
    this.#redisUp.set((await this.#readRedis()) ? 1 : 0);
    return this.#registry.metrics();
  }

  /** Updates the series of the runs. If that fails, it counts the failure and keeps the old values. */
  async refreshRuns(watch: WatchedRuns): Promise<void> {
    try {
      const runs = await watch.look();
      for (const one of Object.values(this.#runGauges)) one.reset();
      const { stages, ...gauges } = this.#runGauges;
      for (const { record, scored, failed, left, classShares, pagesLeft, cancelled, through } of runs) {
        const { run, studies, created, deadline } = record;
        gauges.studies.set({ run }, studies);
        gauges.scored.set({ run }, scored);
        gauges.failed.set({ run }, failed);
        gauges.left.set({ run }, left);
        gauges.shareTargets.set({ run }, classShares.targets);
        gauges.shareStudies.set({ run }, classShares.studies);
        gauges.pagesLeft.set({ run }, pagesLeft);
        gauges.cancelled.set({ run }, cancelled ? 1 : 0);
        gauges.created.set({ run }, Date.parse(created) / 1000);
        if (deadline) gauges.deadline.set({ run }, Date.parse(deadline) / 1000);
        for (const stage of STAGE_NAMES) stages.set({ run, stage }, through[stage]);
      }
      this.#lastRefresh.set(Date.now() / 1000);
    } catch (error) {
      this.#errors.inc({ source: 'runs' });
      throw error;
    }
  }

  /** @returns whether Redis answered. If not, the series of the queues are absent, since old values would mislead. */
  async #readRedis(): Promise<boolean> {
    const all = [...Object.values(this.#queueGauges), ...Object.values(this.#redisGauges)];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer')), ANSWER_MS);
    });
    try {
      const set = await Promise.race([this.#readQueues(), late]);
      for (const one of all) one.reset();
      set();
      return true;
    } catch {
      this.#errors.inc({ source: 'redis' });
      for (const one of all) one.reset();
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Queries everything. @returns a function that sets all series at once, so that they are of the same moment. */
  async #readQueues(): Promise<() => void> {
    const [memory, paused, queues] = await Promise.all([
      this.#redis.info('memory'),
      this.#queues.paused(),
      Promise.all(
        QUEUES.map(async (queue) => {
          const [counts, oldest] = await Promise.all([this.#queues.counts(queue), this.#queues.oldestWaiting(queue)]);
          return { queue, counts, oldest };
        }),
      ),
    ]);
    return () => {
      for (const { queue, counts, oldest } of queues) {
        for (const state of STATES) this.#queueGauges.jobs.set({ queue, state }, counts[state]);
        const age = oldest === undefined ? 0 : Math.max(0, (Date.now() - oldest) / 1000);
        this.#queueGauges.oldest.set({ queue }, age);
        const isPaused = paused.some((stage) => queue === stage || queue === `${stage}-pages`);
        this.#queueGauges.paused.set({ queue }, isPaused ? 1 : 0);
      }
      this.#redisGauges.used.set(numberOf(memory, 'used_memory'));
      this.#redisGauges.limit.set(numberOf(memory, 'maxmemory'));
    };
  }
}

/** A number in the answer of the Redis command INFO. */
function numberOf(info: string, field: string): number {
  return Number(new RegExp(`^${field}:(\\d+)\\r?$`, 'm').exec(info)?.[1] ?? 0);
}

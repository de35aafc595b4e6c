/** The metrics of a worker, as text that Prometheus reads. */

import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FLAG_MEANINGS, JOB_ERROR_CODES } from '../domain/index.ts';
import { JobClock, PHASES, StoreMetrics, WorkerMetrics } from '../telemetry/index.ts';
import { samplesOf as parseSamples } from './support/samples.ts';

const samplesOf = async (metrics: WorkerMetrics) => parseSamples(await metrics.registry.metrics());

describe('the metrics of a worker', () => {
  it.each([
    ['stage1', ['stage1']],
    ['stage2', ['xy', 'crops']],
    ['stage3', ['stage3']],
  ] as const)('of %s start at zero, not absent', async (stage, steps) => {
    const samples = await samplesOf(new WorkerMetrics(stage));
    for (const outcome of ['scored', 'handed_over', 'retried', 'failed']) {
      expect(samples.get(`spineline_jobs_total{stage="${stage}",outcome="${outcome}"}`)).toBe(0);
    }
    for (const code of JOB_ERROR_CODES) {
      expect(samples.get(`spineline_job_failures_total{stage="${stage}",error_code="${code}"}`)).toBe(0);
    }
    for (const phase of PHASES) {
      expect(samples.get(`spineline_phase_seconds_count{stage="${stage}",phase="${phase}"}`)).toBe(0);
    }
    for (const code of Object.keys(FLAG_MEANINGS))
      expect(samples.get(`spineline_flags_total{code="${code}",stage="${stage}"}`)).toBe(0);
    for (const step of steps) {
      expect(samples.get(`spineline_steps_total{step="${step}",reused="true",stage="${stage}"}`)).toBe(0);
      expect(samples.get(`spineline_steps_total{step="${step}",reused="false",stage="${stage}"}`)).toBe(0);
    }
    expect(samples.get(`spineline_samples_total{stage="${stage}"}`)).toBe(0);
    expect(samples.get(`spineline_class_share_targets_total{stage="${stage}"}`)).toBe(0);
    expect(samples.get(`spineline_jobs_in_progress{stage="${stage}"}`)).toBe(0);
  });

  it('count what happened', async () => {
    const metrics = new WorkerMetrics('stage3', { slots: 3, inferenceThreads: 2, batchSize: 8 });
    const clock = new JobClock();
    metrics.jobTaken(4000);
    metrics.jobTaken();
    metrics.jobLeft(clock);
    metrics.job('scored');
    metrics.job('scored');
    metrics.failure('STUDY_UNREADABLE');
    metrics.failure('SOMETHING_NEW');
    metrics.step('stage3', true);
    metrics.flag('view_missing');
    metrics.classShareTargets(10);
    metrics.classShareTargets(0);
    metrics.classShareTargets(2);
    metrics.batch({ samples: 3, busyMs: 500 });
    metrics.batch({ samples: 8, busyMs: 1000 });
    const samples = await samplesOf(metrics);
    const of = (name: string) => samples.get(name);
    expect(of('spineline_jobs_total{stage="stage3",outcome="scored"}')).toBe(2);
    expect(of('spineline_studies_scored_total{stage="stage3"}')).toBe(2);
    expect(of('spineline_class_share_targets_total{stage="stage3"}')).toBe(12);
    expect(of('spineline_jobs_total{stage="stage3",outcome="failed"}')).toBe(2);
    expect(of('spineline_job_failures_total{stage="stage3",error_code="STUDY_UNREADABLE"}')).toBe(1);
    // A code that the list lacks is counted, under a name of the list.
    expect(of('spineline_job_failures_total{stage="stage3",error_code="OTHER"}')).toBe(1);
    expect(of('spineline_jobs_in_progress{stage="stage3"}')).toBe(1);
    expect(of('spineline_job_slots{stage="stage3"}')).toBe(3);
    expect(of('spineline_queue_wait_seconds_sum{stage="stage3"}')).toBe(4);
    expect(of('spineline_queue_wait_seconds_count{stage="stage3"}')).toBe(1);
    expect(of('spineline_job_seconds_count{stage="stage3"}')).toBe(1);
    expect(of('spineline_steps_total{step="stage3",reused="true",stage="stage3"}')).toBe(1);
    expect(of('spineline_flags_total{code="view_missing",stage="stage3"}')).toBe(1);
    expect(of('spineline_samples_total{stage="stage3"}')).toBe(11);
    expect(of('spineline_inference_busy_seconds_total{stage="stage3"}')).toBe(1.5);
    expect(of('spineline_batch_samples_count{stage="stage3"}')).toBe(2);
    expect(of('spineline_batch_samples_bucket{le="4",stage="stage3"}')).toBe(1);
    expect(of('spineline_batch_limit_samples{stage="stage3"}')).toBe(8);
    expect(Math.abs(Date.now() / 1000 - of('spineline_last_success_timestamp_seconds{stage="stage3"}')!)).toBeLessThan(
      60,
    );
  });

  it('count slots without a job, so that with the jobs all time is accounted for', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const metrics = new WorkerMetrics('stage1', { slots: 2 });
    vi.advanceTimersByTime(1000);
    const clock = new JobClock();
    metrics.jobTaken();
    vi.advanceTimersByTime(8000);
    metrics.jobLeft(clock);
    vi.advanceTimersByTime(4000);
    const samples = await samplesOf(metrics);
    expect(samples.get('spineline_job_seconds_sum{stage="stage1"}')).toBeCloseTo(8);
    // Two slots for 13 s, less the job.
    expect(samples.get('spineline_job_slot_idle_seconds_total{stage="stage1"}')).toBeCloseTo(18);
  });

  it('name the models that are in memory, and forget those that left it', async () => {
    const metrics = new WorkerMetrics('stage2', { executionProvider: 'cuda' });
    const model = { name: 'demo', version: '0.3.0', digest: 'ab' };
    const series =
      'spineline_model_info{stage="stage2",bundle="demo",version="0.3.0",digest="ab",execution_provider="cuda"}';
    metrics.model(model, true);
    expect((await samplesOf(metrics)).get(series)).toBe(1);
    metrics.model(model, false);
    expect((await samplesOf(metrics)).has(series)).toBe(false);
  });

  it('say whether the worker lives', async () => {
    const metrics = new WorkerMetrics('stage1');
    let live = true;
    metrics.reportLive(() => live);
    expect((await samplesOf(metrics)).get('spineline_worker_live{stage="stage1"}')).toBe(1);
    live = false;
    expect((await samplesOf(metrics)).get('spineline_worker_live{stage="stage1"}')).toBe(0);
  });

  it('have labels of bounded size: ever more work makes no more series', async () => {
    const metrics = new WorkerMetrics('stage1');
    const store = new StoreMetrics(metrics.registry);
    const work = async () => {
      for (const outcome of ['scored', 'handed_over', 'retried', 'failed', 'cancelled'] as const) metrics.job(outcome);
      const clock = new JobClock();
      metrics.jobTaken(1);
      for (const activity of ['lookup', 'fetch', 'batch_wait', 'inference', 'write'] as const) {
        await clock.time(activity, async () => {});
      }
      metrics.jobLeft(clock);
      metrics.failure(`CODE_${Math.random()}`);
      for (const code of Object.keys(FLAG_MEANINGS)) metrics.flag(code as keyof typeof FLAG_MEANINGS);
      metrics.step('stage1', true);
      metrics.batch({ samples: 5, busyMs: 1 });
      store.observer('store').request('get', 'ok', 0.1);
      store.retry('source');
    };
    const own = async () => [...(await samplesOf(metrics)).keys()].filter((name) => name.startsWith('spineline_'));
    const before = await own();
    for (let i = 0; i < 20; i++) await work();
    // Not one more than before the first job.
    expect(await own()).toEqual(before);
    const labels = new Set(before.flatMap((name) => [...name.matchAll(/(\w+)="/g)].map(([, label]) => label)));
    expect([...labels].sort()).toEqual([
      'code',
      'direction',
      'error_code',
      'le',
      'operation',
      'outcome',
      'phase',
      'reused',
      'stage',
      'step',
      'target',
    ]);
  });
});

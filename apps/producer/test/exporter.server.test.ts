/** The exporter's series against queues and a store that hold what is known, and the command as a process. */

import { retryRun } from '@spineline/shared/control';
import { WatchedRuns } from '@spineline/shared/watching';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { TARGETS } from '../../../packages/shared/domain/vocabulary.ts';
import { WorkerMetrics } from '../../../packages/shared/telemetry/metrics.ts';
import { StoreMetrics } from '../../../packages/shared/telemetry/store-metrics.ts';
import { startFaultProxy } from '../../../packages/shared/test/support/fault-proxy.ts';
import { startNode } from '../../../packages/shared/test/support/guarded-process.ts';
import { type QueueRig, queueRig } from '../../../packages/shared/test/support/queue-rig.ts';
import { redisMissing, startRedis, type TestRedis } from '../../../packages/shared/test/support/redis-server.ts';
import { sampleOf, samplesOf } from '../../../packages/shared/test/support/samples.ts';
import { DIGEST } from '../../../packages/shared/test/support/stage-payloads.ts';
import { logOf } from '../../../packages/shared/test/support/worker-log.ts';
import type { ProcessStudy } from '../../../packages/shared/worker/stage-worker.ts';
import { ExporterMetrics } from '../src/exporter/exporter-metrics.ts';
import { spineline } from './support/in-process.ts';
import { COMMAND } from './support/spineline-command.ts';

const missing = redisMissing();
const STEP = { key: DIGEST, reused: false, seconds: 1, finished: new Date(0).toISOString() };

describe.skipIf(missing)(`the exporter${missing ? ` (${missing})` : ''}`, () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  function exporterOf({ redis: connection, queues, runs, progress }: QueueRig) {
    const metrics = new ExporterMetrics(connection, queues);
    const watch = new WatchedRuns(runs, { queues, progress });
    return {
      metrics,
      look: async () => {
        await metrics.refreshRuns(watch);
        return samplesOf(await metrics.metrics());
      },
    };
  }

  it('counts the jobs of every queue by state, with the age of the oldest that waits', async () => {
    const rig = await queueRig(redis.url);
    const { look } = exporterOf(rig);
    const empty = await look();
    for (const queue of ['stage1', 'stage2', 'stage3', 'stage1-pages', 'stage2-pages', 'stage3-pages']) {
      for (const state of ['waiting', 'active', 'delayed', 'failed']) {
        expect(sampleOf(empty, 'spineline_queue_jobs', { queue, state })).toBe(0);
      }
      expect(sampleOf(empty, 'spineline_queue_oldest_waiting_seconds', { queue })).toBe(0);
      expect(sampleOf(empty, 'spineline_queue_paused', { queue })).toBe(0);
    }
    expect(sampleOf(empty, 'spineline_redis_up')).toBe(1);
    expect(sampleOf(empty, 'spineline_redis_memory_used_bytes')).toBeGreaterThan(100_000);
    expect(sampleOf(empty, 'spineline_redis_memory_max_bytes')).toBe(0);

    // The older job is the less urgent one: it is not the next that is taken.
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const now = Date.now();
    vi.setSystemTime(now - 100_000);
    await rig.queues.addStudies('stage2', [{ run: 'a', study: '1', page: DIGEST, redo: 0, stage1: STEP }], 7);
    vi.setSystemTime(now - 40_000);
    await rig.queues.addStudies('stage2', [{ run: 'a', study: '2', page: DIGEST, redo: 0, stage1: STEP }], 2);
    vi.setSystemTime(now);
    await rig.queues.pause(['stage2']);
    const samples = await look();
    expect(sampleOf(samples, 'spineline_queue_jobs', { queue: 'stage2', state: 'waiting' })).toBe(2);
    expect(sampleOf(samples, 'spineline_queue_oldest_waiting_seconds', { queue: 'stage2' })).toBeCloseTo(100, 0);
    expect(sampleOf(samples, 'spineline_queue_paused', { queue: 'stage2' })).toBe(1);
    expect(sampleOf(samples, 'spineline_queue_paused', { queue: 'stage2-pages' })).toBe(1);
    expect(sampleOf(samples, 'spineline_queue_paused', { queue: 'stage1' })).toBe(0);
  });

  it('says how far each run is, from the store, and counts the pages that wait', async () => {
    const rig = await queueRig(redis.url);
    const { look } = exporterOf(rig);
    const pages = await rig.record('tonight', ['1', '2', '3', '4', '5'], { pageStudies: 2 });
    await rig.queues.addPages('tonight', pages, 5);
    await rig.score('tonight', '1', '2');
    await rig.fail('tonight', 'permanent', '3');
    const samples = await look();
    const of = (name: string) => sampleOf(samples, `spineline_run_${name}`, { run: 'tonight' });
    expect(of('studies')).toBe(5);
    expect(of('studies_scored')).toBe(2);
    expect(of('studies_failed')).toBe(1);
    expect(of('studies_left')).toBe(2);
    expect(of('pages_left')).toBe(3);
    expect(of('cancelled')).toBe(0);
    expect(of('class_share_targets')).toBe(0);
    expect(of('class_share_studies')).toBe(0);
    expect(of('created_timestamp_seconds')).toBeGreaterThan(Date.now() / 1000 - 60);
    expect(of('deadline_timestamp_seconds')).toBeUndefined();
    expect([...samples.keys()].filter((name) => name.includes('run="'))).toHaveLength(9 + 3);
  });

  it('believes what workers counted until the store is listed again, but not that a run is over', async () => {
    const rig = await queueRig(redis.url);
    const { look } = exporterOf(rig);
    const pages = await rig.record('tonight', ['1', '2', '3', '4']);
    await rig.queues.addPages('tonight', pages, 5);
    const left = async () => sampleOf(await look(), 'spineline_run_studies_left', { run: 'tonight' });
    expect(await left()).toBe(4);
    await rig.progress.addAll('tonight', ['1', '2', '3'], 'stage1', 'stage2', 'stage3');
    expect(await left()).toBe(1);
    await rig.progress.addAll('tonight', ['4'], 'stage3');
    expect(await left()).toBe(1);
    const samples = await look();
    expect(sampleOf(samples, 'spineline_run_stage_studies', { run: 'tonight', stage: 'stage1' })).toBe(3);
    expect(sampleOf(samples, 'spineline_run_stage_studies', { run: 'tonight', stage: 'stage3' })).toBe(4);
  });

  it('says how much of a run is class shares, and never more than its scored studies can have', async () => {
    const rig = await queueRig(redis.url);
    const { look } = exporterOf(rig);
    await rig.queues.addPages('tonight', await rig.record('tonight', ['1', '2', '3', '4']), 5);
    const names = TARGETS.map(({ name }) => name);
    const shares = async () => {
      const samples = await look();
      const of = (what: string) => sampleOf(samples, `spineline_run_class_share_${what}`, { run: 'tonight' });
      return [of('targets'), of('studies')];
    };
    expect(await shares()).toEqual([0, 0]);
    await rig.progress.add('tonight', '1', 'stage3');
    await rig.progress.addClassShares('tonight', '1', names.slice(0, 10));
    await rig.progress.addClassShares('tonight', '1', names.slice(0, 10));
    expect(await shares()).toEqual([10, 1]);
    // The count of the scored study is behind that of its class shares.
    await rig.progress.addClassShares('tonight', '2', names);
    expect(await shares()).toEqual([25, 1]);
    await rig.progress.add('tonight', '2', 'stage3');
    expect(await shares()).toEqual([35, 2]);
  });

  it('sees that failures are tried again in a run that was over', async () => {
    const rig = await queueRig(redis.url);
    const { look } = exporterOf(rig);
    const pages = await rig.record('tonight', ['1', '2']);
    await rig.queues.addPages('tonight', pages, 5);
    await rig.score('tonight', '1');
    await rig.fail('tonight', 'permanent', '2');
    const left = async () => sampleOf(await look(), 'spineline_run_studies_left', { run: 'tonight' });
    expect(await left()).toBe(0);
    await retryRun(await rig.runs.readRun('tonight'), rig.runs, rig, {});
    expect(await left()).toBe(1);
  });

  it('forgets a run that the store does not have', async () => {
    const rig = await queueRig(redis.url);
    const { look } = exporterOf(rig);
    await rig.queues.addPages('elsewhere', [DIGEST], 5);
    expect(await rig.queues.watched()).toMatchObject([{ run: 'elsewhere' }]);
    const samples = await look();
    expect([...samples.keys()].filter((name) => name.includes('run="'))).toEqual([]);
    expect(await rig.queues.watched()).toEqual([]);
  });

  it('has as many series after 200 studies as after 10', { timeout: 240_000 }, async () => {
    const rig = await queueRig(redis.url);
    const { metrics, look } = exporterOf(rig);
    const workers = {
      stage1: new WorkerMetrics('stage1'),
      stage2: new WorkerMetrics('stage2'),
      stage3: new WorkerMetrics('stage3'),
    };
    const registries = [metrics.registry, ...Object.values(workers).map(({ registry }) => registry)];
    const stores = registries.map((registry) => new StoreMetrics(registry).observer('store'));
    const observe = () => {
      for (const store of stores) store.request('get', 'ok', 0.001);
    };
    const step1: ProcessStudy<'stage1'> = async ({ payload: { run, study, page, redo }, clock }) => {
      await clock.time('fetch', async () => observe());
      workers.stage1.step('stage1', false);
      if (Number(study) % 10 === 0) throw new Error('made to fail');
      return { next: 'stage2', payload: { run, study, page, redo, stage1: STEP }, reused: false };
    };
    const step2: ProcessStudy<'stage2'> = async ({ payload: { run, study, page, redo, stage1 }, clock }) => {
      await clock.time('inference', async () => workers.stage2.batch({ samples: 3, busyMs: 1 }));
      return { next: 'stage3', payload: { run, study, page, redo, stage1, xy: STEP, crops: STEP }, reused: false };
    };
    const step3: ProcessStudy<'stage3'> = async ({ payload: { run, study }, clock }) => {
      await clock.time('write', () => rig.score(run, study));
      workers.stage3.flag('view_missing');
      workers.stage3.classShareTargets(2);
      return { next: 'done', reused: false, classShares: [TARGETS[0]!.name, TARGETS[1]!.name] };
    };
    const options = { concurrency: 8, attempts: 1 };
    rig.worker('stage1', step1, { ...options, metrics: workers.stage1 }).start();
    rig.worker('stage2', step2, { ...options, metrics: workers.stage2 }).start();
    rig.worker('stage3', step3, { ...options, metrics: workers.stage3 }).start();
    await rig.feeder(200).start();

    const series = async () => {
      const names = [...(await look()).keys()];
      for (const { registry } of Object.values(workers)) {
        names.push(...[...samplesOf(await registry.metrics()).keys()]);
      }
      return names.filter((name) => !name.startsWith('nodejs_')).sort();
    };
    const studies = Array.from({ length: 200 }, (_, i) => String(i + 1));
    const pages = await rig.record('tonight', studies, { pageStudies: 10 });
    const over = (count: number) =>
      vi.waitFor(
        async () => {
          const { scored, failed } = await rig.runs.finished('tonight');
          expect(scored.size + failed.size).toBe(count);
        },
        { timeout: 200_000, interval: 50 },
      );
    await rig.queues.addPages('tonight', pages.slice(0, 1), 5);
    await over(10);
    const after10 = await series();
    await rig.queues.addPages('tonight', pages.slice(1), 5, { again: true });
    await over(200);
    expect(await series()).toEqual(after10);
    console.info(`${after10.length} series of an exporter and three workers`);
    expect(after10.some((name) => studies.some((study) => name.includes(`"${study}"`) && !name.includes('le=')))).toBe(
      false,
    );
    const scored = samplesOf(await workers.stage3.registry.metrics());
    expect(sampleOf(scored, 'spineline_studies_scored_total', { stage: 'stage3' })).toBe(180);
  });

  describe('as a process', () => {
    async function start(rig: QueueRig, url = redis.url) {
      const process = startNode(COMMAND, ['exporter'], {
        SPINELINE_REDIS_URL: url,
        SPINELINE_STORE_URL: rig.storeUrl,
        SPINELINE_QUEUE_PREFIX: rig.prefix,
        SPINELINE_STALLED_MS: '1000',
      });
      onTestFinished(async () => {
        process.child.kill('SIGKILL');
        await process.exited.catch(() => {});
      });
      const { health } = await logOf(process).when(({ msg }) => msg === 'exporter started');
      const scrape = async () => samplesOf(await (await fetch(`${health}/metrics`)).text());
      return { process, health: String(health), scrape };
    }

    it('serves its series until it is told to stop', async () => {
      const rig = await queueRig(redis.url);
      await rig.queues.addPages('tonight', await rig.record('tonight', ['1', '2']), 5);
      const { process, health, scrape } = await start(rig);
      await vi.waitFor(
        async () => expect(sampleOf(await scrape(), 'spineline_run_studies_left', { run: 'tonight' })).toBe(2),
        { timeout: 30_000, interval: 100 },
      );
      expect((await fetch(`${health}/livez`)).status).toBe(200);
      expect((await fetch(`${health}/readyz`)).status).toBe(200);
      process.child.kill('SIGTERM');
      expect(await process.exited).toEqual({ code: 0, signal: null });
    });

    it('says that Redis does not answer, has no series of queues then, and is not live', async () => {
      const proxy = await startFaultProxy(redis.url);
      onTestFinished(() => proxy.stop());
      const { health, scrape } = await start(await queueRig(redis.url), proxy.url);
      proxy.freeze();
      const samples = await scrape();
      expect(sampleOf(samples, 'spineline_redis_up')).toBe(0);
      expect(sampleOf(samples, 'spineline_queue_jobs', { queue: 'stage1', state: 'waiting' })).toBeUndefined();
      expect(sampleOf(samples, 'spineline_exporter_errors_total', { source: 'redis' })).toBeGreaterThan(0);
      const WAIT = { timeout: 30_000, interval: 100 };
      await vi.waitFor(async () => expect((await fetch(`${health}/livez`)).status).toBe(503), WAIT);
      proxy.thaw();
      await vi.waitFor(async () => expect((await fetch(`${health}/livez`)).status).toBe(200), WAIT);
      expect(sampleOf(await scrape(), 'spineline_redis_up')).toBe(1);
    });

    it('says what it lacks', async () => {
      const none = await spineline(['exporter']);
      expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('SPINELINE_REDIS_URL')]);
      const half = await spineline(['exporter'], { SPINELINE_REDIS_URL: redis.url });
      expect([half.code, half.stderr]).toEqual([2, expect.stringContaining('SPINELINE_STORE_URL')]);
    });
  });
});

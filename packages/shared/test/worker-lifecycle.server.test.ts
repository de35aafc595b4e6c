/**
 * What happens to the current job if its worker is stopped, is killed, dies because of the job, or loses Redis. Workers
 * are separate processes here; fixtures/queue-worker.ts says what they do for each name of a study.
 */

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Exit, startNode } from './support/guarded-process.ts';
import type { Happenings } from './support/happenings.ts';
import { type QueueRig, queueRig } from './support/queue-rig.ts';
import { redisMissing, startRedis, type TestRedis } from './support/redis-server.ts';
import { toStage2 } from './support/stage-payloads.ts';
import { type LogLine, logOf } from './support/worker-log.ts';

const WORKER = fileURLToPath(new URL('./fixtures/queue-worker.ts', import.meta.url));
/** As short as the settings allow: a dead worker's jobs come back after one to two of these. */
const LOCK_MS = 1000;
const missing = redisMissing();

interface WorkerProcess {
  readonly log: Happenings<LogLine>;
  readonly exited: Promise<Exit>;
  signal(signal: NodeJS.Signals): void;
}

describe.skipIf(missing)(`a worker process${missing ? ` (${missing})` : ''}`, () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  async function start(rig: QueueRig, settings: Record<string, string> = {}): Promise<WorkerProcess> {
    const guarded = startNode(WORKER, [], {
      SPINELINE_REDIS_URL: server.url,
      SPINELINE_STORE_URL: rig.storeUrl,
      SPINELINE_QUEUE_PREFIX: rig.prefix,
      SPINELINE_LOCK_MS: String(LOCK_MS),
      SPINELINE_CONCURRENCY: '1',
      ...settings,
    });
    const log = logOf(guarded);
    onTestFinished(async () => {
      guarded.child.kill('SIGKILL');
      await guarded.exited;
    });
    await log.when(({ msg }) => msg === 'worker started');
    return { log, exited: guarded.exited, signal: (signal) => guarded.child.kill(signal) };
  }

  const inHand = (study: string) => (line: LogLine) => line.msg === 'in hand' && line.study === study;
  const done = (study: string) => (line: LogLine) => line.msg === 'study done' && line.study === study;

  it('that is told to stop takes no more jobs, finishes the one in hand and exits 0', async () => {
    const rig = await queueRig(server.url);
    await rig.record('run', ['held-1', 'next']);
    await rig.add('run', 'held-1', 'next');
    const worker = await start(rig);
    await worker.log.when(inHand('held-1'));
    worker.signal('SIGTERM');
    await worker.log.when(({ msg }) => msg.startsWith('worker stops'));
    await rig.redis.lpush('gate:held-1', 'open');
    expect(await worker.exited).toEqual({ code: 0, signal: null });

    expect(worker.log.all.filter(({ msg }) => msg === 'study done').map(({ study }) => study)).toEqual(['held-1']);
    expect(await rig.queues.counts('stage1')).toMatchObject({ waiting: 1, active: 0 });
    expect(await rig.queues.counts('stage2')).toMatchObject({ waiting: 1 });
  });

  it('whose grace time is over leaves its job to another worker', async () => {
    const rig = await queueRig(server.url);
    await rig.record('run', ['held-2']);
    await rig.add('run', 'held-2');
    const first = await start(rig, { SPINELINE_GRACE_MS: '0' });
    await first.log.when(inHand('held-2'));
    first.signal('SIGTERM');
    expect(await first.exited).toMatchObject({ code: 0 });
    expect(first.log.all.map(({ msg }) => msg)).toContain('grace time is over: unfinished jobs go back to the queue');

    const second = await start(rig);
    await second.log.when(inHand('held-2'));
    await rig.redis.lpush('gate:held-2', 'open');
    await second.log.when(done('held-2'));
    expect(await rig.queues.counts('stage2')).toMatchObject({ waiting: 1 });
  });

  it('that is killed leaves its job to another worker, which says so', async () => {
    const rig = await queueRig(server.url);
    await rig.record('run', ['held-3']);
    await rig.add('run', 'held-3');
    const [one, other] = await Promise.all([start(rig), start(rig)]);
    const taker = (await Promise.race(
      [one, other].map(async (worker) => {
        await worker.log.when(inHand('held-3'));
        return worker;
      }),
    ))!;
    const heir = taker === one ? other : one;
    taker.signal('SIGKILL');
    expect(await taker.exited).toMatchObject({ signal: 'SIGKILL' });

    await heir.log.when(inHand('held-3'));
    await rig.redis.lpush('gate:held-3', 'open');
    await heir.log.when(done('held-3'));
    expect(heir.log.all.some(({ msg, jobId }) => msg.startsWith('job stalled') && jobId === 'run.held-3')).toBe(true);
    expect(await rig.queues.counts('stage2')).toMatchObject({ waiting: 1 });
    expect(await Array.fromAsync(rig.runs.failures('run'))).toEqual([]);
  });

  it('that dies of a study every time costs that study alone: it is recorded as poison', async () => {
    const dieOf = async (concurrency: number) => {
      const rig = await queueRig(server.url);
      const good = ['a', 'b', 'c', 'd', 'e'].map((name) => `held-${name}${concurrency}`);
      const studies = [`deadly-${concurrency}`, ...good];
      await rig.record('run', studies);
      await rig.add('run', ...studies);
      for (const study of good) await rig.redis.lpush(`gate:${study}`, 'open');

      const settings = { SPINELINE_CONCURRENCY: String(concurrency) };
      const scored = new Set<unknown>();
      let deaths = 0;
      let worker = await start(rig, settings);
      for (;;) {
        const poison = worker.log.when(({ code }) => code === 'JOB_POISON').then(() => 'poison' as const);
        poison.catch(() => {}); // it died first
        if ((await Promise.race([poison, worker.exited])) === 'poison') break;
        for (const { msg, study } of worker.log.all) if (msg === 'study done') scored.add(study);
        deaths += 1;
        expect(deaths).toBeLessThan(10);
        worker = await start(rig, settings);
      }
      for (const study of good) if (!scored.has(study)) await worker.log.when(done(study));

      const failures = await Array.fromAsync(rig.runs.failures('run'));
      expect(failures.map(({ study, kind, code }) => [study, kind, code])).toEqual([
        [studies[0], 'poison', 'JOB_POISON'],
      ]);
      expect(failures[0]!.attempts).toBe(deaths);
      expect(deaths).toBe(3);
    };
    // With one and with three jobs in hand, at the same time: most of it is waiting for locks to expire.
    await Promise.all([dieOf(1), dieOf(3)]);
  });
});

describe.skipIf(missing)('a Redis that restarts in the middle', () => {
  it('delays the run, and loses and doubles nothing', async () => {
    const server = await startRedis({ appendOnly: true });
    onTestFinished(() => server.stop());
    const rig = await queueRig(server.url, { lockMs: LOCK_MS });
    const studies = Array.from({ length: 12 }, (_, i) => `s${i}`);
    const pages = await rig.record('run', studies, { pageStudies: 4 });
    await rig.queues.addPages('run', pages, 5);
    const feeder = rig.feeder(2);
    const restarted = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    let count = 0;
    const worker = rig.worker(
      'stage1',
      async ({ payload }) => {
        count += 1;
        if (count === 5) reached.resolve();
        if (count >= 5) await restarted.promise; // jobs are in hand while Redis is away
        return { next: 'stage2', payload: toStage2(payload), reused: false };
      },
      { concurrency: 2 },
    );
    const allDone = Promise.all(
      studies.map((study) => rig.lines.when(({ msg, study: which }) => msg === 'study done' && which === study)),
    );
    worker.onJobDone(() => feeder.look());
    await feeder.start();
    worker.start();
    await reached.promise;
    await server.restart();
    restarted.resolve();
    await allDone;

    expect(await rig.queues.counts('stage2')).toMatchObject({ waiting: studies.length });
    expect((await rig.progress.read('run')).stage1).toBe(studies.length);
    expect(await Array.fromAsync(rig.runs.failures('run'))).toEqual([]);
  });
});

/** Studies on their way from stage to stage: once each, back where a stored output is damaged, counted as they go. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProcessStudy } from '../worker/index.ts';
import { type QueueRig, queueRig } from './support/queue-rig.ts';
import { redisMissing, startRedis, type TestRedis } from './support/redis-server.ts';
import { toStage2, toStage3 } from './support/stage-payloads.ts';

const missing = redisMissing();

describe.skipIf(missing)(`handing over${missing ? ` (${missing})` : ''}`, () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  const stage1: ProcessStudy<'stage1'> = async ({ payload }) => ({
    next: 'stage2',
    payload: toStage2(payload),
    reused: false,
  });
  const stage2: ProcessStudy<'stage2'> = async ({ payload }) => ({
    next: 'stage3',
    payload: toStage3(payload),
    reused: true,
  });

  function startStages(rig: QueueRig, stage3: ProcessStudy<'stage3'>): void {
    rig.worker('stage1', stage1).start();
    rig.worker('stage2', stage2).start();
    rig.worker('stage3', stage3).start();
  }

  it('brings every study through the three stages and counts it at each', async () => {
    const rig = await queueRig(server.url);
    const studies = ['s1', 's2', 's3'];
    await rig.record('run', studies);
    const events = rig.events('stage3');
    startStages(rig, async () => ({ next: 'done', reused: false }));
    await rig.add('run', ...studies);
    await events.when(({ name }) => name === 'completed', 3);

    expect(await rig.progress.read('run')).toEqual({
      ...{ stage1: 3, stage2: 3, stage3: 3, failed: 0 },
      ...{ 'stage1-reused': 0, 'stage2-reused': 3, 'stage3-reused': 0 },
      ...{ 'class-share-studies': 0, 'class-share-targets': 0 },
    });
    for (const queue of ['stage1', 'stage2', 'stage3'] as const) {
      expect(await rig.queues.counts(queue)).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
    }
  });

  it('is one job however often it is done: by a producer twice, by a worker that did not live to acknowledge', async () => {
    const rig = await queueRig(server.url);
    await rig.record('run', ['s1']);
    await rig.add('run', 's1');
    await rig.add('run', 's1');
    expect(await rig.queues.counts('stage1')).toMatchObject({ waiting: 1 });

    const events = rig.events('stage1');
    rig.worker('stage1', stage1).start();
    await events.when(({ name }) => name === 'completed');
    await rig.add('run', 's1'); // acknowledged and gone from Redis: this one is done again, and handed over again
    await events.when(({ name }) => name === 'completed', 2);
    expect(await rig.queues.counts('stage2')).toMatchObject({ waiting: 1 });
  });

  it('keeps runs apart: the same study of two runs is two jobs', async () => {
    const rig = await queueRig(server.url);
    await rig.add('one', 's1');
    await rig.add('other', 's1');
    expect(await rig.queues.counts('stage1')).toMatchObject({ waiting: 2 });
  });

  it('takes any study id that a dataset may have, digits alone among them', async () => {
    const rig = await queueRig(server.url);
    const studies = ['4003253', '0', 'a.b-c_d', 'x'.repeat(128)];
    await rig.record('2026', studies);
    const events = rig.events('stage3');
    startStages(rig, async () => ({ next: 'done', reused: false }));
    await rig.add('2026', ...studies);
    await events.when(({ name }) => name === 'completed', studies.length);
    expect((await rig.progress.read('2026')).stage3).toBe(studies.length);
  });

  it('goes back to the stage that makes a damaged output, and on from there to the end', async () => {
    const rig = await queueRig(server.url);
    await rig.record('run', ['s1']);
    const events = rig.events('stage3');
    const seen: number[] = [];
    startStages(rig, async ({ payload }) => {
      seen.push(payload.redo);
      const { run, study, page, redo, stage1: made } = payload;
      if (redo === 0) return { next: 'back', queue: 'stage2', payload: { run, study, page, redo: 1, stage1: made } };
      if (redo === 1) return { next: 'back', queue: 'stage1', payload: { run, study, page, redo: 2 } };
      return { next: 'done', reused: false };
    });
    await rig.add('run', 's1');
    await events.when(({ name, jobId }) => name === 'completed' && jobId.endsWith('redo-2'));

    expect(seen).toEqual([0, 1, 2]);
    const { stage1: once, stage3: scored, failed } = await rig.progress.read('run');
    expect([once, scored, failed]).toEqual([1, 1, 0]);
  });

  it('gives up on a study whose outputs are damaged again and again', async () => {
    const rig = await queueRig(server.url);
    await rig.record('run', ['s1']);
    const events = rig.events('stage3');
    startStages(rig, async ({ payload: { run, study, page, redo } }) => ({
      next: 'back',
      queue: 'stage1',
      payload: { run, study, page, redo: redo + 1 },
    }));
    await rig.add('run', 's1');
    await events.when(({ name }) => name === 'failed');
    expect(await Array.fromAsync(rig.runs.failures('run'))).toMatchObject([
      { stage: 'stage3', code: 'STORE_KEEPS_BREAKING', kind: 'permanent' },
    ]);
  });
});

describe.skipIf(missing)('counts', () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  it('of a queue tell what waits, is in hand and is to be tried again', async () => {
    const rig = await queueRig(server.url, { backoffMs: 60_000, attempts: 2 });
    await rig.record('run', ['held', 'later', 'next', 'last']);
    const events = rig.events('stage1');
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const worker = rig.worker('stage1', async ({ payload }) => {
      if (payload.study === 'later') throw new Error('not now');
      begun.resolve();
      await gate.promise;
      return { next: 'stage2', payload: toStage2(payload), reused: false };
    });
    await rig.add('run', 'later', 'held', 'next', 'last');
    worker.start();
    await begun.promise; // Redis says 'active' before the worker knows: what it has in hand is told by the worker
    expect(await rig.queues.counts('stage1')).toEqual({ waiting: 2, active: 1, delayed: 1, failed: 0 });
    expect(worker.inHand).toBe(1);
    gate.resolve();
    await events.when(({ name }) => name === 'completed', 3);
  });

  it('of progress take a study once however often it is done, and keep runs apart', async () => {
    const rig = await queueRig(server.url);
    await rig.progress.add('one', 's1', 'stage1');
    await rig.progress.add('one', 's1', 'stage1', 'stage1-reused');
    await rig.progress.add('one', 's2', 'stage1');
    await rig.progress.add('other', 's3', 'failed');
    expect(await rig.progress.read('one')).toMatchObject({ stage1: 2, 'stage1-reused': 1, failed: 0 });
    expect(await rig.progress.read('other')).toMatchObject({ stage1: 0, failed: 1 });
  });
});

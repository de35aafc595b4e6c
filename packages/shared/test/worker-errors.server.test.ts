/** What becomes of a study whose processing fails, by kind of error. */

import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailableError, StudyError } from '../domain/index.ts';
import type { FailureRecord } from '../runs/index.ts';
import { type QueueRig, queueRig } from './support/queue-rig.ts';
import { redisMissing, startRedis, type TestRedis } from './support/redis-server.ts';
import { toStage2 } from './support/stage-payloads.ts';

const missing = redisMissing();

describe.skipIf(missing)(`a study that fails${missing ? ` (${missing})` : ''}`, () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  async function failuresOf({ runs }: QueueRig, run: string): Promise<FailureRecord[]> {
    return Array.fromAsync(runs.failures(run));
  }

  it('is tried again after a wait when the fault is transient, and goes on when it has passed', async () => {
    const rig = await queueRig(server.url, { attempts: 3 });
    await rig.record('run', ['s1']);
    const events = rig.events('stage1');
    let tries = 0;
    rig
      .worker('stage1', async ({ payload }) => {
        tries += 1;
        if (tries < 3) throw new StoreUnavailableError('the store did not answer');
        return { next: 'stage2', payload: toStage2(payload), reused: false };
      })
      .start();
    await rig.add('run', 's1');
    await events.when(({ name }) => name === 'completed');

    expect(events.all.map(({ name }) => name)).toEqual([
      'active',
      'delayed',
      'active',
      'delayed',
      'active',
      'completed',
    ]);
    expect(await rig.queues.counts('stage2')).toMatchObject({ waiting: 1 });
    expect(await failuresOf(rig, 'run')).toEqual([]);
  });

  it('is left alone for longer from try to try: at least half of a wait that doubles', async () => {
    const rig = await queueRig(server.url, { attempts: 4, backoffMs: 20 });
    await rig.record('run', ['s1']);
    const events = rig.events('stage1');
    const starts: number[] = [];
    rig
      .worker('stage1', async () => {
        starts.push(Date.now());
        throw new StoreUnavailableError('the store did not answer');
      })
      .start();
    await rig.add('run', 's1');
    await events.when(({ name }) => name === 'failed');

    expect(starts).toHaveLength(4);
    for (const [i, least] of [10, 20, 40].entries()) {
      expect(starts[i + 1]! - starts[i]!).toBeGreaterThanOrEqual(least);
    }
  });

  it('is recorded as failed, and transient, when all tries are used up; what nobody foresaw counts as transient', async () => {
    const rig = await queueRig(server.url, { attempts: 2 });
    await rig.record('run', ['s1']);
    const events = rig.events('stage1');
    rig
      .worker('stage1', async () => {
        throw new TypeError('cannot read properties of undefined');
      })
      .start();
    await rig.add('run', 's1');
    await events.when(({ name }) => name === 'failed');

    expect(await failuresOf(rig, 'run')).toMatchObject([
      { study: 's1', stage: 'stage1', code: 'UNEXPECTED', kind: 'transient', attempts: 2 },
    ]);
    expect((await rig.progress.read('run')).failed).toBe(1);
    expect(rig.lines.all.find(({ msg }) => msg === 'study failed')?.stack).toContain('worker-errors');
  });

  it('is tried once when the fault is permanent, recorded with all that is known, and costs nobody else', async () => {
    const rig = await queueRig(server.url, { attempts: 5 });
    await rig.record('run', ['bad', 'good']);
    const events = rig.events('stage1');
    rig
      .worker('stage1', async ({ payload }) => {
        const { study } = payload;
        if (study === 'good') return { next: 'stage2', payload: toStage2(payload), reused: false };
        const context = { study, series: '7', file: '3.dcm', expected: 'a readable file', found: 'nothing' };
        throw new StudyError('STUDY_UNREADABLE', 'not one slice can be read', context);
      })
      .start();
    await rig.add('run', 'bad', 'good');
    await events.when(({ name }) => name === 'completed');

    expect(events.all.filter(({ jobId }) => jobId === 'run.bad').map(({ name }) => name)).toEqual(['active', 'failed']);
    const [failure, ...others] = await failuresOf(rig, 'run');
    expect(others).toEqual([]);
    expect(failure).toMatchObject({
      ...{ run: 'run', study: 'bad', stage: 'stage1', code: 'STUDY_UNREADABLE', kind: 'permanent', attempts: 1 },
      ...{ series: '7', file: '3.dcm', expected: 'a readable file', found: 'nothing' },
    });
    expect(failure?.message).toBe(
      'study bad, series 7, file 3.dcm: not one slice can be read; expected a readable file; found nothing',
    );
  });

  it('fails for good, without a try, when its payload is not what the queue takes', async () => {
    const rig = await queueRig(server.url);
    await rig.record('run', ['s1']);
    const events = rig.events('stage1');
    const queue = new Queue('stage1', { connection: rig.redis, prefix: rig.prefix });
    await queue.add(
      'study',
      { run: 'run', study: 's1', page: 'not a digest', pixels: [1, 2, 3] },
      { jobId: 'odd', priority: 1 },
    );
    const processed: string[] = [];
    rig
      .worker('stage1', async ({ payload }) => {
        processed.push(payload.study);
        return { next: 'stage2', payload: toStage2(payload), reused: false };
      })
      .start();
    await rig.add('run', 's1');
    await events.when(({ name }) => name === 'completed');
    expect(events.all).toContainEqual({ name: 'failed', jobId: 'odd' });
    expect(processed).toEqual(['s1']);
    await queue.close();
  });

  it('fails permanently when its run is not in the store', async () => {
    const rig = await queueRig(server.url);
    const events = rig.events('stage1');
    rig
      .worker('stage1', async ({ payload }) => ({ next: 'stage2', payload: toStage2(payload), reused: false }))
      .start();
    await rig.add('nowhere', 's1');
    await events.when(({ name }) => name === 'failed');
    expect(events.all.map(({ name }) => name)).toEqual(['active', 'failed']);
    expect(rig.lines.all.find(({ msg }) => msg === 'study failed')?.error).toContain('there is no run called nowhere');
  });
});

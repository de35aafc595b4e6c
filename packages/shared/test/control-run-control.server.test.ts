/**
 * Going on with a run, trying failures again, stopping it, and where studies of a run enter that starts from another.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancelRun, findMissing, resumeRun, retryRun } from '../control/index.ts';
import { STAGE_NAMES, type Stage } from '../domain/index.ts';
import type { Payload } from '../queue/index.ts';
import { type QueueRig, queueRig } from './support/queue-rig.ts';
import { redisMissing, startRedis, type TestRedis } from './support/redis-server.ts';
import { toStage2 } from './support/stage-payloads.ts';
import type { LogLine } from './support/worker-log.ts';

const missing = redisMissing();
const unfolded = ({ msg }: LogLine) => msg === 'page unfolded';
const named = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe.skipIf(missing)(`a run${missing ? ` (${missing})` : ''}`, () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  /** Takes the jobs of a stage until there are `count`. @returns their payloads. */
  async function take<Q extends Stage>(rig: QueueRig, stage: Q, count: number): Promise<Payload<Q>[]> {
    const taken: Payload<Q>[] = [];
    const all = new Promise<void>((resolve) => {
      const worker = rig.worker(stage, async ({ payload }) => {
        taken.push(payload);
        return { next: 'done', reused: false };
      });
      let done = 0;
      worker.onJobDone(() => {
        if (++done === count) resolve();
      });
      worker.start();
    });
    await all;
    return taken;
  }

  const studiesOf = (payloads: readonly { study: string }[]) => payloads.map(({ study }) => study).sort();

  it('is resumed with the studies that have neither result nor failure, after Redis was emptied', async () => {
    const rig = await queueRig(server.url);
    await rig.record('run', named('s', 10), { pageStudies: 3 });
    await rig.score('run', 's0', 's1', 's2', 's4');
    await rig.fail('run', 'permanent', 's5');
    const run = await rig.runs.readRun('run');
    const counts = { studies: 10, scored: 4, failed: 1, missing: 5, pages: 3 };
    expect(await findMissing(run, rig.runs)).toMatchObject(counts);
    expect(await resumeRun(run, rig.runs, rig)).toEqual(counts);
    expect(await rig.progress.read('run')).toMatchObject({ stage1: 4, stage2: 4, stage3: 4, failed: 1 });
    await rig.feeder(100).start();
    await rig.lines.when(unfolded, 3);
    expect(studiesOf(await take(rig, 'stage1', 5))).toEqual(['s3', 's6', 's7', 's8', 's9']);
    expect(await rig.queues.unfinished()).toBe(0);
  });

  it('is resumed twice, and beside its own pages, without a study being there twice', async () => {
    const rig = await queueRig(server.url);
    const pages = await rig.record('run', named('s', 6), { pageStudies: 2 });
    await rig.queues.addPages('run', pages, 5);
    const run = await rig.runs.readRun('run');
    await resumeRun(run, rig.runs, rig);
    await resumeRun(run, rig.runs, rig);
    await rig.feeder(100).start();
    await rig.lines.when(unfolded, 9);
    expect(await rig.queues.counts('stage1')).toMatchObject({ waiting: 6 });
  });

  it('whose every study is finished has nothing to resume', async () => {
    const rig = await queueRig(server.url);
    await rig.record('run', named('s', 2));
    await rig.score('run', 's0');
    await rig.fail('run', 'poison', 's1');
    const run = await rig.runs.readRun('run');
    expect(await resumeRun(run, rig.runs, rig)).toMatchObject({ missing: 0, pages: 0 });
    expect(await rig.queues.unfinished()).toBe(0);
  });

  it('tries failures of a kind again, though their failed jobs are still kept in Redis', async () => {
    const rig = await queueRig(server.url, { attempts: 1 });
    const pages = await rig.record('run', named('s', 4));
    await rig.queues.addPages('run', pages, 5);
    const feeder = rig.feeder(100);
    await feeder.start();
    await rig.lines.when(unfolded);
    const events = rig.events('stage1');
    let broken = true;
    const seen: string[] = [];
    const worker = rig.worker('stage1', async ({ payload }) => {
      if (broken && payload.study !== 's0') throw new Error('the network is away');
      seen.push(payload.study);
      return { next: 'stage2', payload: toStage2(payload), reused: false };
    });
    worker.start();
    await events.when(({ name }) => name === 'failed', 3);
    expect(await rig.queues.counts('stage1')).toMatchObject({ failed: 3 });
    await rig.score('run', 's0');
    const run = await rig.runs.readRun('run');
    const { queues, progress, runs } = rig;

    expect(await retryRun(run, runs, undefined, { kind: 'poison' })).toEqual({ failed: 3, retried: 0 });
    const some = new Set(['s1', 's2', 'unknown']);
    expect(await retryRun(run, runs, undefined, { studies: some })).toEqual({ failed: 3, retried: 2 });
    expect((await runs.finished('run')).failed.size).toBe(3); // it was only asked

    broken = false;
    expect(await retryRun(run, runs, { queues, progress }, { studies: some })).toEqual({ failed: 3, retried: 2 });
    await rig.lines.when(unfolded, 2);
    await events.when(({ name }) => name === 'completed', 3);
    expect(seen.sort()).toEqual(['s0', 's1', 's2']);
    expect([...(await runs.finished('run')).failed]).toEqual(['s3']);
    expect(await progress.read('run')).toMatchObject({ failed: 1 });
  });

  it('that is cancelled leaves the queues and other runs alone; its jobs that turn up are dropped; resume goes on', async () => {
    const rig = await queueRig(server.url);
    const pages = await rig.record('run', named('r', 4), { pageStudies: 2 });
    await rig.record('run.other', ['o0']);
    await rig.add('run', 'r0', 'r1');
    await rig.add('run.other', 'o0');
    await rig.queues.addPages('run', pages, 5);
    const run = await rig.runs.readRun('run');
    expect(await cancelRun(run, rig.runs, rig.queues)).toBe(4);
    expect(await rig.queues.unfinished()).toBe(1);

    // A stage hands over a study that it was working on, and a page appears that a feeder was just unfolding.
    await rig.add('run', 'r1');
    await rig.queues.addPages('run', pages, 5);
    const taken: string[] = [];
    const events = rig.events('stage1');
    const worker = rig.worker('stage1', async ({ payload }) => {
      taken.push(payload.study);
      return { next: 'stage2', payload: toStage2(payload), reused: false };
    });
    const feeder = rig.feeder(100);
    worker.start();
    await feeder.start();
    await events.when(({ name }) => name === 'completed', 2);
    await expect.poll(() => rig.queues.counts('stage1-pages')).toMatchObject({ waiting: 0, active: 0 });
    expect(taken).toEqual(['o0']);
    expect(rig.lines.all.filter(unfolded)).toEqual([]);
    await expect(retryRun(run, rig.runs, rig, {})).rejects.toThrow('was cancelled');

    await resumeRun(run, rig.runs, rig);
    await events.when(({ name }) => name === 'completed', 6);
    expect(taken.sort()).toEqual(['o0', 'r0', 'r1', 'r2', 'r3']);
  });

  it('waits while the pools are paused, pages and studies, and goes on after', async () => {
    const rig = await queueRig(server.url);
    const pages = await rig.record('run', named('s', 3));
    await rig.queues.pause(['stage1']);
    expect(await rig.queues.paused()).toEqual(['stage1']);
    const taken: string[] = [];
    const events = rig.events('stage1');
    const worker = rig.worker('stage1', async ({ payload }) => {
      taken.push(payload.study);
      return { next: 'stage2', payload: toStage2(payload), reused: false };
    });
    worker.start();
    await rig.queues.addPages('run', pages, 5);
    await rig.add('run', 'before');
    const feeder = rig.feeder(100);
    await feeder.start();
    feeder.look();
    expect(await rig.queues.counts('stage1-pages')).toMatchObject({ waiting: 1 });
    expect(await rig.queues.counts('stage1')).toMatchObject({ waiting: 1 });
    expect(taken).toEqual([]);
    await rig.queues.unpause();
    expect(await rig.queues.paused()).toEqual([]);
    await events.when(({ name }) => name === 'completed', 4);
    expect(taken.sort()).toEqual(['before', 's0', 's1', 's2']);
  });

  it('that starts from another one enters behind its stored outputs, fed by the pool of that stage', async () => {
    const rig = await queueRig(server.url);
    await rig.record('old', named('s', 4));
    const steps = await rig.score('old', 's0', 's1', 's2');
    for (const stage of STAGE_NAMES) {
      const run = `from-${stage}`;
      const pages = await rig.record(run, named('s', 4), { from: { run: 'old', stage } });
      await rig.queues.addPages(run, pages, 5, { entry: stage });
      await rig.feeder(100, stage).start();
      await rig.lines.when((line) => unfolded(line) && line.run === run);
    }
    const taken = {
      stage1: await take(rig, 'stage1', 4 + 1 + 1),
      stage2: await take(rig, 'stage2', 3),
      stage3: await take(rig, 'stage3', 3),
    };
    // s3 has no result in the old run: it enters at the beginning.
    const of = (run: string) => studiesOf(taken.stage1.filter((payload) => payload.run === run));
    expect([of('from-stage1'), of('from-stage2'), of('from-stage3')]).toEqual([named('s', 4), ['s3'], ['s3']]);
    expect(studiesOf(taken.stage2)).toEqual(named('s', 3));
    expect(studiesOf(taken.stage3)).toEqual(named('s', 3));
    for (const { study, stage1, xy, crops } of taken.stage3) {
      const before = steps.get(study)!;
      for (const [step, was] of [
        [stage1, before.stage1],
        [xy, before.xy],
        [crops, before.crops],
      ] as const) {
        expect(step).toEqual({ key: was.key, finished: was.finished, reused: true, seconds: 0 });
      }
    }
    for (const { study, stage1 } of taken.stage2) expect(stage1.key).toBe(steps.get(study)!.stage1.key);
    expect(await rig.queues.unfinished()).toBe(0);
  });
});

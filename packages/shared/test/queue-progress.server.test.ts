/** Counts of class shares in Redis: right though jobs run twice, and there again after Redis was emptied. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resumeRun, retryRun } from '../control/index.ts';
import { TARGETS } from '../domain/index.ts';
import { type QueueRig, queueRig } from './support/queue-rig.ts';
import { redisMissing, startRedis, type TestRedis } from './support/redis-server.ts';
import { resultOf } from './support/stage-payloads.ts';

const missing = redisMissing();
const NAMES = TARGETS.map(({ name }) => name);
const named = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe.skipIf(missing)(`class shares of a run${missing ? ` (${missing})` : ''}`, () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  async function countsOf(rig: QueueRig, run = 'run') {
    const { 'class-share-studies': studies, 'class-share-targets': targets } = await rig.progress.read(run);
    return { studies, targets };
  }

  it('count a target once, however often its study is done, and no study that has none', async () => {
    const rig = await queueRig(server.url);
    expect(await countsOf(rig)).toEqual({ studies: 0, targets: 0 });
    for (let time = 0; time < 3; time++) {
      await rig.progress.addClassShares('run', 's1', NAMES.slice(0, 10));
      await rig.progress.addClassShares('run', 's2', NAMES.slice(5, 7));
      await rig.progress.addClassShares('run', 's3', []);
    }
    await rig.progress.addClassShares('other', 's1', NAMES);
    expect(await countsOf(rig)).toEqual({ studies: 2, targets: 12 });
    expect(await countsOf(rig, 'other')).toEqual({ studies: 1, targets: 25 });
  });

  it('are within two percent of the truth in a large run', { timeout: 60_000 }, async () => {
    const rig = await queueRig(server.url);
    await Promise.all(named('s', 2000).map((study) => rig.progress.addClassShares('run', study, NAMES.slice(0, 10))));
    const { studies, targets } = await countsOf(rig);
    expect(Math.abs(targets / 20_000 - 1)).toBeLessThan(0.02);
    expect(Math.abs(studies / 2000 - 1)).toBeLessThan(0.02);
  });

  it('are counted by the worker that commits the result', async () => {
    const rig = await queueRig(server.url);
    await rig.record('run', named('s', 3));
    const events = rig.events('stage1');
    const worker = rig.worker('stage1', async ({ payload: { study } }) => ({
      next: 'done',
      reused: false,
      ...(study !== 's2' && { classShares: NAMES.slice(0, 4) }),
    }));
    worker.start();
    await rig.add('run', ...named('s', 3));
    await events.when(({ name }) => name === 'completed', 3);
    expect(await countsOf(rig)).toEqual({ studies: 2, targets: 8 });
  });

  describe('after Redis was emptied are read from the results again', () => {
    /** Ten scored studies, five of them with ten class shares; one failed, one is missing. */
    async function emptied(): Promise<QueueRig> {
      const rig = await queueRig(server.url);
      await rig.record('run', named('s', 12));
      for (const [i, study] of named('s', 10).entries()) {
        const targets = TARGETS.map(({ name, condition, level }, place) => ({
          name,
          condition,
          level,
          severities: [0.8, 0.1, 0.1] as [number, number, number],
          slice: null,
          axial: null,
          confidence: null,
          classShares: i % 2 === 0 && place < 10,
        }));
        await rig.runs.writeResult({ ...resultOf('run', study), targets });
      }
      await rig.fail('run', 'permanent', 's10');
      return rig;
    }

    it('by a resume', async () => {
      const rig = await emptied();
      await resumeRun(await rig.runs.readRun('run'), rig.runs, rig);
      expect(await countsOf(rig)).toEqual({ studies: 5, targets: 50 });
    });

    it('by a retry', async () => {
      const rig = await emptied();
      await retryRun(await rig.runs.readRun('run'), rig.runs, rig, {});
      expect(await countsOf(rig)).toEqual({ studies: 5, targets: 50 });
    });

    it('but not while they are there', async () => {
      const rig = await emptied();
      await rig.progress.addAll('run', named('s', 10), 'stage3');
      await rig.progress.addClassShares('run', 's0', NAMES.slice(0, 3));
      await resumeRun(await rig.runs.readRun('run'), rig.runs, rig);
      expect(await countsOf(rig)).toEqual({ studies: 1, targets: 3 });
    });
  });
});

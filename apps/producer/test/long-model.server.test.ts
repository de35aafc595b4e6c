/**
 * A model that computes for longer than a job's lock lasts: the worker keeps the lock and answers all the while.
 * `SPINELINE_TEST_SLOW_MODEL_SECONDS` makes the model slower and leaves the lock as it is by default.
 */

import { join } from 'node:path';
import { setInterval as every } from 'node:timers/promises';
import { QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { iterationsFor, slowLoop } from '../../../packages/shared/test/fixtures/slow-loop.ts';
import { phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { tinyBundles } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { copyBundle } from './support/bundle-copy.ts';
import { type Deployment, enqueue, startDeployment } from './support/deployment.ts';
import { startWorker, type TestWorker } from './support/worker.ts';

const LONG_SECONDS = Number(process.env.SPINELINE_TEST_SLOW_MODEL_SECONDS || 0);
const MODEL_SECONDS = LONG_SECONDS || 4;
const LOCK_SECONDS = LONG_SECONDS ? 30 : 1;
const missing = redisMissing();

describe.skipIf(missing)(`a model that computes for ${MODEL_SECONDS} s${missing ? ` (${missing})` : ''}`, () => {
  let deployment: Deployment;
  let worker: TestWorker;
  let bundle = '';
  let dataset = '';

  beforeAll(async () => {
    dataset = await phantomDataset({ studies: 1 });
    deployment = await startDeployment();
    // A tenth more than is claimed: the measure is a short one.
    const iterations = iterationsFor(MODEL_SECONDS * 1100, 5000, await millisecondsOf(5000));
    bundle = await copyBundle(
      (await tinyBundles()).stage1,
      join(deployment.folder, 'slow'),
      '0.1.0-slow',
      (task, { kind }) => {
        if (kind !== 'cls') return undefined;
        return slowLoop(task === 'scs' ? { iterations, outputs: 5 } : { iterations: 1, outputs: 10 });
      },
    );
    const lock: Record<string, string> = LONG_SECONDS ? {} : { SPINELINE_LOCK_MS: `${LOCK_SECONDS * 1000}` };
    worker = await startWorker('stage1', { ...deployment.settings, ...lock });
  });
  afterAll(async () => {
    await worker?.stop();
    await deployment?.stop();
  });

  it(
    'keeps its lock, is processed once, and leaves the worker answering within a second',
    async () => {
      const { redis, settings } = deployment;
      const client = new Redis(redis.url);
      // From the beginning of the stream: no event can be missed.
      const events = new QueueEvents('stage1', {
        connection: { url: redis.url },
        prefix: 'spineline',
        lastEventId: '0-0',
      });
      const seen: string[] = [];
      for (const name of ['active', 'stalled', 'completed', 'failed', 'delayed'] as const) {
        events.on(name, () => seen.push(name));
      }
      const active = new Promise<string>((resolve) => events.once('active', ({ jobId }) => resolve(jobId)));
      const completed = new Promise<void>((resolve) => events.once('completed', () => resolve()));
      await enqueue(dataset, 'slow', settings, [`stage1=${bundle}`]);

      const lock = `spineline:stage1:${await active}:lock`;
      const done = worker.line(({ msg }) => msg === 'study done' || msg === 'study failed');
      let over = false;
      void done.finally(() => {
        over = true;
      });
      const latencies: number[] = [];
      const locks: boolean[] = [];
      for await (const _ of every(100)) {
        const asked = performance.now();
        const answer = await fetch(`${worker.health}/livez`);
        latencies.push(performance.now() - asked);
        expect(answer.status).toBe(200);
        const held = (await client.exists(lock)) === 1;
        if (over) break;
        locks.push(held);
      }
      await completed;
      const labels = { stage: 'stage1', phase: 'inference' };
      const seconds = await worker.metric('spineline_phase_seconds_sum', labels);
      console.info(
        `inference ${seconds.toFixed(1)} s with a lock of ${LOCK_SECONDS} s; ${latencies.length} answers of /livez, ` +
          `the slowest after ${Math.max(...latencies).toFixed(0)} ms`,
      );

      expect(await done).toMatchObject({ msg: 'study done', attempt: 1 });
      expect(seconds).toBeGreaterThan(LOCK_SECONDS); // else nothing was put to the test
      expect(seen).toEqual(['active', 'completed']);
      expect(locks.length).toBeGreaterThan(LOCK_SECONDS);
      expect(locks.every(Boolean)).toBe(true);
      expect(Math.max(...latencies)).toBeLessThan(1000);
      expect(worker.log.filter(({ msg }) => msg.includes('stalled'))).toEqual([]);
      await events.close();
      client.disconnect();
    },
    60_000 + MODEL_SECONDS * 5000,
  );
});

/** How long the loop takes on this machine now. */
async function millisecondsOf(iterations: number): Promise<number> {
  const session = await InferenceSession.create(slowLoop({ iterations, outputs: 5 }), { intraOpNumThreads: 1 });
  const volume = new Tensor('float32', new Float32Array(32 * 8 * 8), [1, 1, 32, 8, 8]);
  const started = performance.now();
  await session.run({ volume });
  await session.release();
  return performance.now() - started;
}

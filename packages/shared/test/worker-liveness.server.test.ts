/** Which workers are alive, with a real Redis: not those whose queue has work while they start nothing. */

import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { STAGE_NAMES } from '../domain/index.ts';
import { Liveness } from '../worker/liveness.ts';
import { queueRig } from './support/queue-rig.ts';
import { redisMissing, startRedis, type TestRedis } from './support/redis-server.ts';

const missing = redisMissing();
const STALLED_MS = 1000;
const WAIT = { timeout: 30_000, interval: 20 };

describe.skipIf(missing)(`liveness${missing ? ` (${missing})` : ''}`, () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  async function watched(lastProgress: () => number = () => 0) {
    const rig = await queueRig(redis.url);
    const looks: number[] = [];
    const queues = {
      counts: rig.queues.counts.bind(rig.queues),
      paused: () => {
        looks.push(looks.length);
        return rig.queues.paused();
      },
    };
    const liveness = new Liveness('stage1', queues, lastProgress, STALLED_MS, rig.log);
    liveness.start();
    onTestFinished(() => liveness.close());
    return { rig, liveness, looks };
  }

  /**
   * Now, or, should this process have been held up for so long, at its next look. One that was given up wrongly would
   * stay so.
   */
  const lives = (liveness: Liveness) => vi.waitFor(() => expect(liveness.live).toBe(true), WAIT);

  it('lives while there is nothing to do, however long that is', async () => {
    const { liveness, looks } = await watched();
    // More looks than fit in the time after which it would be given up.
    await vi.waitFor(() => expect(looks.length).toBeGreaterThan(7), WAIT);
    await lives(liveness);
  });

  it('does not live while work waits and nothing is started, and says so once', async () => {
    const { rig, liveness } = await watched();
    await rig.add('tonight', '1');
    await vi.waitFor(() => expect(liveness.live).toBe(false), WAIT);
    expect(liveness.live).toBe(false);
    expect(liveness.idleMs).toBeGreaterThanOrEqual(STALLED_MS);
    expect(rig.lines.all.filter(({ level }) => level === 'error')).toHaveLength(1);
    await rig.queues.removeRun('tonight');
    await vi.waitFor(() => expect(liveness.live).toBe(true), WAIT);
  });

  it('does not live while pages wait and are not unfolded', async () => {
    const { rig, liveness } = await watched();
    await rig.queues.addPages('tonight', [await page(rig)], 5);
    await vi.waitFor(() => expect(liveness.live).toBe(false), WAIT);
  });

  it('lives while its stage is paused, and while another stage has work', async () => {
    const { rig, liveness, looks } = await watched();
    await rig.queues.pause(['stage1']);
    await rig.add('tonight', '1');
    const before = looks.length;
    await vi.waitFor(() => expect(looks.length).toBeGreaterThan(before + 7), WAIT);
    await lives(liveness);
    await rig.queues.unpause(STAGE_NAMES);
    await vi.waitFor(() => expect(liveness.live).toBe(false), WAIT);
  });

  it('lives while a job comes from phase to phase, though more work waits', async () => {
    let progress = 0;
    const { rig, liveness, looks } = await watched(() => progress);
    await rig.add('tonight', '1', '2');
    const steps = setInterval(() => {
      progress = performance.now();
    }, STALLED_MS / 10);
    onTestFinished(() => clearInterval(steps));
    progress = performance.now();
    const before = looks.length;
    await vi.waitFor(() => expect(looks.length).toBeGreaterThan(before + 7), WAIT);
    await lives(liveness);
    clearInterval(steps);
    await vi.waitFor(() => expect(liveness.live).toBe(false), WAIT);
  });

  async function page(rig: Awaited<ReturnType<typeof queueRig>>): Promise<string> {
    const [digest] = await rig.record('tonight', ['1', '2']);
    return digest!;
  }
});

/**
 * A worker whose connections to Redis are open and dead: nothing is refused, nothing is answered. Kubernetes and the like
 * see at /livez that it has to be started anew; if the connections come back first, it goes on.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startFaultProxy } from '../../../packages/shared/test/support/fault-proxy.ts';
import { redisMissing, startRedis } from '../../../packages/shared/test/support/redis-server.ts';
import { startWorker } from './support/worker.ts';

const missing = redisMissing();
const STALLED_MS = 1000;
const WAIT = { timeout: 50_000, interval: 100 };

describe.skipIf(missing)(`a worker with a wedged Redis connection${missing ? ` (${missing})` : ''}`, () => {
  it('turns not live, and live again when the connection is well', async () => {
    const store = await mkdtemp(join(tmpdir(), 'spineline-wedged-'));
    onTestFinished(() => rm(store, { recursive: true, force: true }));
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const proxy = await startFaultProxy(redis.url);
    onTestFinished(() => proxy.stop());
    const worker = await startWorker('stage1', {
      SPINELINE_REDIS_URL: proxy.url,
      SPINELINE_STORE_URL: pathToFileURL(store).href,
      SPINELINE_STALLED_MS: String(STALLED_MS),
      SPINELINE_GRACE_MS: '1000',
    });
    onTestFinished(async () => {
      await worker.kill();
    });
    const live = async () => {
      const answer = await fetch(`${worker.health}/livez`);
      return { status: answer.status, ...((await answer.json()) as { live: boolean; redis: string }) };
    };
    expect(await live()).toMatchObject({ status: 200, live: true });

    proxy.freeze();
    const frozen = performance.now();
    await vi.waitFor(async () => expect(await live()).toMatchObject({ status: 503, live: false }), WAIT);
    console.info(`not live ${((performance.now() - frozen) / 1000).toFixed(1)} s after the connections froze`);
    // A ping that was answered once proves nothing: the client still believes in its connection.
    expect((await live()).redis).toBe('ready');
    expect(await worker.metric('spineline_worker_live', { stage: 'stage1' })).toBe(0);
    await worker.line(({ msg }) => msg.startsWith('not live'));

    proxy.thaw();
    await vi.waitFor(async () => expect(await live()).toMatchObject({ status: 200, live: true }), WAIT);
    await worker.line(({ msg }) => msg === 'live again');
  });
});

/** A worker that is told to stop ends, whatever has become of what it is connected to. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { redisMissing, startRedis } from '../../../packages/shared/test/support/redis-server.ts';
import { startWorker } from './support/worker.ts';

const missing = redisMissing();

describe.skipIf(missing)(`a worker that is told to stop${missing ? ` (${missing})` : ''}`, () => {
  for (const gone of [false, true]) {
    it(`ends with exit code 0 ${gone ? 'though its Redis is gone' : 'with its Redis there'}`, async () => {
      const store = await mkdtemp(join(tmpdir(), 'spineline-stop-'));
      onTestFinished(() => rm(store, { recursive: true, force: true }));
      const redis = await startRedis();
      onTestFinished(() => redis.stop());
      const worker = await startWorker('stage1', {
        SPINELINE_REDIS_URL: redis.url,
        SPINELINE_STORE_URL: pathToFileURL(store).href,
        SPINELINE_GRACE_MS: '1000',
      });
      onTestFinished(async () => {
        await worker.kill();
      });
      // Without its limits on closing the worker would wait for Redis for ever, and this test with it.
      if (gone) await redis.stop();
      expect(await worker.stop()).toEqual({ code: 0, signal: null });
    });
  }
});

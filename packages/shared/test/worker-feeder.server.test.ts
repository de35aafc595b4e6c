/** Pages of a dataset become study jobs only as fast as stage 1 takes them, the most urgent run first. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailableError } from '../domain/index.ts';
import { RunStore } from '../runs/index.ts';
import { queueRig } from './support/queue-rig.ts';
import { redisMissing, startRedis, type TestRedis } from './support/redis-server.ts';
import { toStage2 } from './support/stage-payloads.ts';
import type { LogLine } from './support/worker-log.ts';

const missing = redisMissing();
const unfolded = ({ msg }: LogLine) => msg === 'page unfolded';

describe.skipIf(missing)(`the feeder${missing ? ` (${missing})` : ''}`, () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  const named = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

  it('unfolds a page when fewer studies wait than the low-water mark, so that never more than a page too many do', async () => {
    const rig = await queueRig(server.url);
    const studies = named('s', 20);
    const pages = await rig.record('run', studies, { pageStudies: 4 });
    expect(pages).toHaveLength(5);
    await rig.queues.addPages('run', pages, 5);
    const feeder = rig.feeder(2);
    const waiting: number[] = [];
    const events = rig.events('stage1');
    const worker = rig.worker('stage1', async ({ payload }) => {
      waiting.push((await rig.queues.counts('stage1')).waiting);
      return { next: 'stage2', payload: toStage2(payload), reused: false };
    });
    worker.onJobDone(() => feeder.look());
    await feeder.start();
    await rig.lines.when(unfolded);
    expect(await rig.queues.counts('stage1-pages')).toMatchObject({ waiting: 4 }); // one page is enough to be above the mark
    worker.start();
    await events.when(({ name }) => name === 'completed', studies.length);

    expect(Math.max(...waiting)).toBeLessThan(2 + 4);
    expect(await rig.queues.counts('stage2')).toMatchObject({ waiting: studies.length });
    expect(await rig.queues.counts('stage1-pages')).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
  });

  it('lets an urgent run overtake one that waits, pages and studies alike', async () => {
    const rig = await queueRig(server.url);
    const patient = await rig.record('patient', named('p', 8), { pageStudies: 4, priority: 5 });
    const urgent = await rig.record('urgent', named('u', 4), { pageStudies: 4, priority: 1 });
    const feeder = rig.feeder(2);
    await feeder.start();
    await rig.queues.addPages('patient', patient, 5);
    await rig.lines.when(unfolded);
    await rig.queues.addPages('urgent', urgent, 1);
    await rig.lines.when((line) => unfolded(line) && line.run === 'urgent');
    expect(await rig.queues.counts('stage1-pages')).toMatchObject({ waiting: 1 });

    const order: string[] = [];
    const events = rig.events('stage1');
    const worker = rig.worker('stage1', async ({ payload }) => {
      order.push(payload.run);
      return { next: 'stage2', payload: toStage2(payload), reused: false };
    });
    worker.onJobDone(() => feeder.look());
    worker.start();
    await events.when(({ name }) => name === 'completed', 12);
    expect(order).toEqual([...Array(4).fill('urgent'), ...Array(8).fill('patient')]);
  });

  it('shares the pages with other feeders: no study is added twice, not even by a page that comes again', async () => {
    const rig = await queueRig(server.url);
    const studies = named('s', 30);
    const pages = await rig.record('run', studies, { pageStudies: 5 });
    await rig.queues.addPages('run', pages, 5);
    const feeders = [rig.feeder(1000), rig.feeder(1000), rig.feeder(1000)];
    await Promise.all(feeders.map((feeder) => feeder.start()));
    await rig.lines.when(unfolded, pages.length);
    expect(
      rig.lines.all
        .filter(unfolded)
        .map(({ page }) => String(page))
        .sort(),
    ).toEqual([...pages].sort());
    expect(await rig.queues.counts('stage1')).toMatchObject({ waiting: studies.length });

    await rig.queues.addPages('run', pages, 5);
    feeders[0]!.look();
    await rig.lines.when(unfolded, 2 * pages.length);
    expect(await rig.queues.counts('stage1')).toMatchObject({ waiting: studies.length });
  });

  it('does not lose a page to a store that is away for more tries than a study has', async () => {
    let failures = 4;
    // A real store that fails on demand cannot be had without a network; the fault is put in front of the real one.
    class AwayForAWhile extends RunStore {
      override async openPage(digest: string) {
        if (failures-- > 0) throw new StoreUnavailableError('the store did not answer');
        return super.openPage(digest);
      }
    }
    const rig = await queueRig(server.url, { attempts: 2, runs: (store) => new AwayForAWhile(store) });
    const pages = await rig.record('run', named('s', 3));
    await rig.queues.addPages('run', pages, 5);
    await rig.feeder(10).start();
    await rig.lines.when(unfolded);
    expect(await rig.queues.counts('stage1')).toMatchObject({ waiting: 3 });
    expect(await rig.queues.counts('stage1-pages')).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
  });

  it('fails a page at once that is gone from the store, and goes on with the next', async () => {
    const rig = await queueRig(server.url);
    const pages = await rig.record('run', named('s', 4), { pageStudies: 2 });
    await rig.store.delete(`datasets/pages/${pages[0]!.slice(0, 2)}/${pages[0]}.jsonl.zst`);
    await rig.queues.addPages('run', pages, 5);
    await rig.feeder(10).start();
    await rig.lines.when(unfolded);
    expect(await rig.queues.counts('stage1')).toMatchObject({ waiting: 2 });
    expect(await rig.queues.counts('stage1-pages')).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 1 });
  });
});

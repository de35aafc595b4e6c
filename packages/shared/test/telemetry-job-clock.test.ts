/** Where the time of a job goes: hand-worked cases on a clock that the test moves. */

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { JobClock } from '../telemetry/index.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});
const pass = (ms: number) => vi.advanceTimersByTime(ms);
/** Phases that took any time, in ms. */
function millisecondsOf(clock: JobClock): Record<string, number> {
  const { phases } = clock.read();
  return Object.fromEntries(
    Object.entries(phases)
      .map(([phase, seconds]): [string, number] => [phase, Math.round(seconds * 1000)])
      .filter(([, ms]) => ms > 0),
  );
}

it('counts what is going on, and what has no name as other', async () => {
  const clock = new JobClock();
  pass(10);
  const end = clock.begin('fetch');
  pass(30);
  end();
  pass(5);
  await clock.time('write', async () => pass(7));
  expect(millisecondsOf(clock)).toEqual({ other: 15, fetch: 30, write: 7 });
  expect(clock.read().seconds).toBeCloseTo(0.052);
});

it('counts each moment once, to the most advanced of what is going on', () => {
  const clock = new JobClock();
  const endWait = clock.begin('batch_wait');
  pass(10);
  const first = clock.begin('inference');
  const second = clock.begin('inference');
  pass(20);
  first();
  pass(5);
  const endFetch = clock.begin('fetch');
  pass(1);
  second();
  pass(3);
  endWait();
  pass(2);
  endFetch();
  expect(millisecondsOf(clock)).toEqual({ batch_wait: 10, inference: 26, fetch: 5 });
});

it('divides the time of a compute task as the thread says, whatever the message took', async () => {
  const clock = new JobClock();
  await clock.compute(async (report) => {
    pass(100);
    report({ waitMs: 20, decodeMs: 50, taskMs: 60 });
  });
  // 20 : 50 : 10 of 100 ms.
  expect(millisecondsOf(clock)).toEqual({ thread_wait: 25, decode: 63, preprocess: 13 });
});

it('adds up to the duration, also where a task failed and said nothing', async () => {
  const clock = new JobClock();
  const failing = clock.compute(async () => {
    pass(40);
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  pass(2);
  expect(millisecondsOf(clock)).toEqual({ preprocess: 40, other: 2 });
  const { seconds, phases } = clock.read();
  expect(Object.values(phases).reduce((sum, one) => sum + one, 0)).toBeCloseTo(seconds, 9);
});

it('tells that the job is alive whenever something begins', () => {
  let told = 0;
  const clock = new JobClock(() => {
    told += 1;
  });
  clock.begin('lookup')();
  clock.begin('fetch')();
  expect(told).toBe(2);
});

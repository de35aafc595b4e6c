/** The sparkline, and the counts behind it: worked out by hand. */

import { describe, expect, it } from 'vitest';
import { Throughput } from '../../../packages/shared/watching/throughput.ts';
import { sparkline } from '../src/terminal/sparkline.ts';

describe('a sparkline', () => {
  it('has a character a value, the largest one full and nothing lowest', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([14, 7, 0])).toBe('█▅▁'); // 7 of 14 is 3.5 of 7 steps, rounded up
  });

  it('shows the least that is more than nothing', () => {
    expect(sparkline([0, 1, 1000])).toBe('▁▂█');
  });

  it('is flat where nothing was done, and empty where nothing is known', () => {
    expect(sparkline([0, 0, 0])).toBe('▁▁▁');
    expect(sparkline([])).toBe('');
  });

  it('takes a top of its own', () => {
    expect(sparkline([5, 20], 10)).toBe('▅█');
  });
});

function looks(...samples: readonly (readonly [at: number, done: number])[]): Throughput {
  const throughput = new Throughput();
  for (const [at, done] of samples) throughput.add(done, at);
  return throughput;
}

describe('throughput', () => {
  it('is unknown before the second look', () => {
    expect(looks().perSecond()).toBe(0);
    expect(looks([100, 5]).perSecond()).toBe(0);
    expect(looks([100, 5]).spans(10, 6)).toEqual([]);
  });

  it('is counted since the first look in the first minute, then over the last minute', () => {
    expect(looks([100, 40], [110, 60]).perSecond()).toBe(2);
    const steady = Array.from({ length: 121 }, (_, i) => [i, i < 60 ? i : 60 + 3 * (i - 60)] as const);
    expect(looks(...steady).perSecond()).toBe(3);
  });

  it('goes back further where fewer than ten studies were done in a minute', () => {
    // One study in 30 seconds: ten take five minutes.
    const slow = Array.from({ length: 41 }, (_, i) => [30 * i, i] as const);
    expect(looks(...slow).perSecond()).toBeCloseTo(1 / 30, 10);
    // Nothing for 5 minutes more: the last ten took ten minutes.
    expect(looks(...slow, [1500, 40]).perSecond()).toBeCloseTo(10 / 600, 10);
  });

  it('is counted in whole spans, those at the ends left out', () => {
    const throughput = looks([7, 0], [12, 2], [18, 5], [20, 6], [30, 6], [34, 9], [40, 12], [44, 20]);
    // From 10 to 20: at 10 it was 0 + 2 * 3/5 = 1.2.
    expect(throughput.spans(10, 60)).toEqual([6 - 1.2, 0, 6]);
    expect(throughput.spans(10, 2)).toEqual([0, 6]);
  });

  it('spreads evenly what was done while nobody answered', () => {
    expect(looks([0, 0], [40, 8]).spans(10, 60)).toEqual([2, 2, 2, 2]);
  });

  it('counts a fall as nothing, and leaves out a look on a clock that was put back', () => {
    const throughput = looks([0, 50], [10, 60], [20, 40], [15, 1000], [30, 45]);
    expect(throughput.spans(10, 60)).toEqual([10, 0, 5]);
    expect(looks([0, 50], [10, 40]).perSecond()).toBe(0);
  });
});

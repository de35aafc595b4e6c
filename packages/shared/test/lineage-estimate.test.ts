/** How long a plan takes: hand-worked cases. */

import { describe, expect, it } from 'vitest';
import { estimate } from '../lineage/estimate.ts';

const rate = (perSecond: number) => ({ perSecond, studies: 100, run: 'before' });
const RATES = { stage1: rate(1), xy: rate(2), crops: rate(4), stage3: rate(10) };
const counts = (hit: number, compute: number, unknown: number) => ({ hit, compute, unknown });
const plan = (...[stage1, xy, crops, stage3]: ReturnType<typeof counts>[]) => ({
  studies: 100,
  steps: { stage1: stage1!, xy: xy!, crops: crops!, stage3: stage3! },
  entering: { stage1: 100, stage2: 0, stage3: 0 },
});

describe('the time of a plan', () => {
  it('is nothing where all is there', () => {
    const all = counts(100, 0, 0);
    expect(estimate(plan(all, all, all, all), {})).toEqual({ least: 0, most: 0 });
  });

  it('is that of the slowest pool, where points and crops are one pool’s', () => {
    const none = counts(0, 100, 0);
    // 100 s; 50 s + 25 s; 10 s.
    expect(estimate(plan(none, none, none, none), RATES)).toEqual({ least: 100, most: 100 });
    expect(estimate(plan(counts(100, 0, 0), none, none, none), RATES)).toEqual({ least: 75, most: 75 });
  });

  it('lies between what is known to be computed and that with all that is unknown', () => {
    const unknown = counts(0, 0, 100);
    // 20 s of stage 1 at least; 75 s of stage 2 at most.
    expect(estimate(plan(counts(80, 20, 0), unknown, unknown, unknown), RATES)).toEqual({ least: 20, most: 75 });
  });

  it('is not known where nobody has measured a step that is to be computed', () => {
    const [all, none] = [counts(100, 0, 0), counts(0, 100, 0)];
    expect(estimate(plan(none, all, all, all), { xy: rate(1) })).toEqual({ least: undefined, most: undefined });
    expect(estimate(plan(all, all, none, counts(0, 0, 100)), { crops: rate(4) })).toEqual({
      least: 25,
      most: undefined,
    });
  });
});

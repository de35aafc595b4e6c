/** How far a run is, from the counts of Redis and a listing of the store. */

import { describe, expect, it } from 'vitest';
import type { Progress } from '../queue/index.ts';
import type { RunRecord } from '../runs/index.ts';
import { howFar } from '../watching/how-far.ts';

const RUN = { studies: 100 } as RunRecord;

function counted(some: Partial<Progress>): Progress {
  const none = { stage1: 0, stage2: 0, stage3: 0, failed: 0, 'stage1-reused': 0, 'stage2-reused': 0 };
  return { ...none, 'stage3-reused': 0, 'class-share-studies': 0, 'class-share-targets': 0, ...some };
}
const listed = (scored: number, failed: number) => ({ scored, failed, cancelled: false });

describe('how far a run is', () => {
  it('keeps what was listed if Redis lost its counts', () => {
    expect(howFar(RUN, counted({ failed: 5 }), listed(50, 0), false)).toMatchObject({
      scored: 50,
      failed: 5,
      left: 45,
    });
  });

  it('never has fewer scored studies than were listed', () => {
    expect(howFar(RUN, counted({ stage3: 49, failed: 3 }), listed(50, 0), false)).toMatchObject({
      scored: 50,
      failed: 3,
    });
  });

  it('leaves one study until the store says that all are done', () => {
    const progress = counted({ stage1: 100, stage2: 100, stage3: 101 });
    expect(howFar(RUN, progress, listed(90, 0), false)).toMatchObject({ scored: 99, left: 1 });
    expect(howFar(RUN, progress, listed(100, 0), false)).toMatchObject({ scored: 100, left: 0 });
  });

  it('does not take a study back from the stages before the one in which it failed', () => {
    const progress = counted({ stage1: 100, stage2: 100, stage3: 98, failed: 2 });
    const before = howFar(RUN, progress, listed(90, 0), false).done;
    expect(before).toEqual({ stage1: 100, stage2: 100, stage3: 98 });
    expect(howFar(RUN, progress, listed(98, 2), false).done).toEqual(before);
  });

  it('counts a stage before the entry as it went through it in this run', () => {
    const run = { studies: 100, from: { run: 'old', stage: 'stage3' } } as RunRecord;
    const progress = counted({ stage1: 2, stage2: 2, stage3: 100 });
    expect(howFar(run, progress, listed(100, 0), false).done).toEqual({ stage1: 2, stage2: 2, stage3: 100 });
  });

  it('takes the listing alone where nothing is under way', () => {
    expect(howFar(RUN, counted({ stage3: 99 }), listed(40, 1), true)).toMatchObject({
      scored: 40,
      failed: 1,
      left: 59,
    });
  });
});

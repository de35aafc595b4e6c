/** Sets the counts in Redis of a run that is resumed or retried to what the store has. */

import { LAST_STAGE, STAGE_NAMES } from '../domain/index.ts';
import type { ProgressCounts } from '../queue/index.ts';
import type { RunRecord, RunStore } from '../runs/index.ts';

/**
 * Counts in Redis are off by up to about one percent. If they are below this share of the true number, some were lost.
 */
const STILL_COUNTED = 0.95;

/** If Redis has lost its counts, counts class shares again from the results, the only place that records them. */
export async function recountClassShares(
  { run }: RunRecord,
  scored: ReadonlySet<string>,
  runs: RunStore,
  progress: ProgressCounts,
): Promise<void> {
  const counted = await progress.read(run);
  if (counted[LAST_STAGE] >= STILL_COUNTED * scored.size) return;
  for await (const { study, targets } of runs.results(run)) {
    const shares = targets.filter(({ classShares }) => classShares).map(({ name }) => name);
    await progress.addClassShares(run, study, shares);
  }
}

/** Sets the progress counts to the studies that are already scored or failed. */
export async function countDone(
  { run }: RunRecord,
  { scored, failed }: { scored: ReadonlySet<string>; failed: ReadonlySet<string> },
  progress: ProgressCounts,
): Promise<void> {
  await progress.forget(run, 'failed');
  await progress.addAll(run, scored, ...STAGE_NAMES);
  await progress.addAll(run, failed, 'failed');
}

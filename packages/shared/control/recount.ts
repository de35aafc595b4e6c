/** The counts in Redis of a run that is handed over again: they start from what the store has. */

import { LAST_STAGE, STAGE_NAMES } from '../domain/index.ts';
import type { ProgressCounts } from '../queue/index.ts';
import type { RunRecord, RunStore } from '../runs/index.ts';

/** Counts in Redis are right within about one percent. If they are lower than this share, some were lost. */
const STILL_COUNTED = 0.95;

/** Where Redis has lost its counts, class shares are read from the results again: which studies have some is only there. */
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

/** What people watch starts from what is done. */
export async function countDone(
  { run }: RunRecord,
  { scored, failed }: { scored: ReadonlySet<string>; failed: ReadonlySet<string> },
  progress: ProgressCounts,
): Promise<void> {
  await progress.forget(run, 'failed');
  await progress.addAll(run, scored, ...STAGE_NAMES);
  await progress.addAll(run, failed, 'failed');
}

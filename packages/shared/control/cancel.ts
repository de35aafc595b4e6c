/** Cancelling a run. */

import type { Queues } from '../queue/index.ts';
import type { RunRecord, RunStore } from '../runs/index.ts';

/**
 * Cancels a run: removes its waiting jobs; workers drop any job of it that they take later and finish the studies that
 * they work on. Results and outputs stay. `resume.ts` continues the run.
 *
 * @returns the number of removed jobs.
 */
export async function cancelRun(run: RunRecord, runs: RunStore, queues: Queues): Promise<number> {
  await runs.cancel(run.run);
  return queues.removeRun(run.run);
}

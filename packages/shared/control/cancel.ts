/** Stopping a run. */

import type { Queues } from '../queue/index.ts';
import type { RunRecord, RunStore } from '../runs/index.ts';

/**
 * Stops a run: its waiting jobs are removed, workers drop what they come to, and studies in hand are finished. All
 * results and outputs stay, and {@link resumeRun} goes on.
 *
 * @returns the number of jobs that were removed.
 */
export async function cancelRun(run: RunRecord, runs: RunStore, queues: Queues): Promise<number> {
  await runs.cancel(run.run);
  return queues.removeRun(run.run);
}

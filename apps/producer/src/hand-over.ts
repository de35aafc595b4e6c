/**
 * Hands a run to workers. By default these are the worker pools of a cluster, and the command exits. With `--out` the
 * command starts workers on this machine, stays until the end and writes the results.
 */

import type { QueueSide } from '@spineline/shared/queue';
import type { RunRecord } from '@spineline/shared/runs';
import { type StoreSide, withQueues, withStore } from './connections.ts';
import { runEmbedded } from './embedded/run-embedded.ts';
import { EXIT } from './exit-codes.ts';

export interface HandOverOptions {
  /** Folder for the results of a run on this machine. */
  readonly out?: string | undefined;
  readonly store?: string | undefined;
  readonly json?: boolean | undefined;
}

export const OUT_OPTION = [
  '-o, --out <dir>',
  'do the work on this machine, as `score` does: private Redis and workers, results in DIR, store in DIR/store',
] as const;

/**
 * Hands over a run.
 *
 * @param prepare called with the store. It returns a function that adds the run to the queues.
 * @param said prints what was handed over; called only if the command exits without waiting for the run.
 * @returns the process exit code.
 */
export async function handOver<Done extends { readonly run: RunRecord }>(
  options: HandOverOptions,
  prepare: (side: StoreSide) => Promise<(side: QueueSide) => Promise<Done>>,
  said: (done: Done) => void,
): Promise<number> {
  const { out, store, json } = options;
  if (out) {
    return runEmbedded({ out, store, json }, async (storeSide) => {
      const give = await prepare(storeSide);
      return async (queueSide) => (await give(queueSide)).run;
    });
  }
  return withStore(async (storeSide) => {
    const give = await prepare(storeSide);
    said(await withQueues(storeSide.settings, give));
    return EXIT.ok;
  }, store);
}

/**
 * Where a run goes once it is recorded: to the worker pools of a cluster, and this command leaves; or, with `--out`, to
 * workers that are started here for it, and this command stays to the end and writes the results.
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
  'work it off on this machine, as `score` does: private Redis and workers, results in DIR, store in DIR/store',
] as const;

/**
 * Hands a run over.
 *
 * @param prepare called with the store; what it returns hands the run to the queues.
 * @param said tells what was handed over, where this command leaves.
 * @returns the exit code.
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

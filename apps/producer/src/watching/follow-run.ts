/** Following a run from its first study to its last: the counts are in Redis, the last word is the store's. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '@spineline/shared/queue';
import type { RunRecord, RunStore } from '@spineline/shared/runs';
import type { QueueSide } from '../connections.ts';

const LOOK_EVERY_MS = 500;
/** The store is listed when the counts say that the run is nearly over, or now and then; listing is not free. */
const NEARLY = 0.95;
const LIST_EVERY_LOOKS = 20;
/** This many looks in a row with nothing queued and studies missing: nobody will bring them. */
const IDLE_LOOKS = 6;

export interface RunState {
  readonly scored: number;
  readonly failed: number;
  /** Studies with neither result nor failure. */
  readonly missing: number;
  /** Jobs and pages that wait or are in hand. */
  readonly queued: number;
  readonly cancelled: boolean;
}

async function runState(run: RunRecord, runs: RunStore, { queues }: QueueSide): Promise<RunState> {
  const queued = await queues.unfinished();
  const { scored, failed } = await runs.finished(run.run);
  const cancelled = await runs.isCancelled(run.run);
  return {
    scored: scored.size,
    failed: failed.size,
    missing: run.studies - scored.size - failed.size,
    queued,
    cancelled,
  };
}

/**
 * Resolves when every study has a result or a failure, when the run was cancelled, or when nothing is queued any more and
 * some studies have neither.
 *
 * @param onProgress told the counts about twice a second.
 */
export async function followRun(
  run: RunRecord,
  runs: RunStore,
  side: QueueSide,
  onProgress: (progress: Progress) => void,
  signal?: AbortSignal,
): Promise<RunState> {
  let idle = 0;
  for (let look = 1; ; look++) {
    const progress = await side.progress.read(run.run);
    onProgress(progress);
    const queued = await side.queues.unfinished();
    idle = queued === 0 ? idle + 1 : 0;
    const nearly = progress.stage3 + progress.failed >= NEARLY * run.studies;
    if (nearly || idle > 0 || look % LIST_EVERY_LOOKS === 0) {
      const state = await runState(run, runs, side);
      if (state.missing === 0 || state.cancelled || idle >= IDLE_LOOKS) return state;
    }
    await sleep(LOOK_EVERY_MS, undefined, signal && { signal });
  }
}

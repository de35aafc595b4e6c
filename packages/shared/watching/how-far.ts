/**
 * How far a run is. Redis counts what happened: cheap, approximate, and lost with Redis. The store has the truth, and
 * listing it is not free. This file is the one place that puts the two together; the terminal, `spineline score` and
 * the exporter all use it.
 */

import { FIRST_STAGE, LAST_STAGE, perStage, STAGE_NAMES, type Stage, TARGETS } from '../domain/index.ts';
import type { Progress } from '../queue/index.ts';
import type { ClassShares, RunRecord, RunStore } from '../runs/index.ts';
import type { Answer } from './question.ts';

/** Counts of a run, from listing the store. */
export interface StoreCounts {
  readonly scored: number;
  readonly failed: number;
  readonly cancelled: boolean;
}

export interface HowFar {
  readonly scored: number;
  readonly failed: number;
  /** Studies with neither result nor failure; 0 only if the listing of the store confirms it. */
  readonly left: number;
  /** Class shares among the scored studies, from the counts in Redis. */
  readonly classShares: ClassShares;
  /** Studies that have finished each stage, counted where they went through it in this run. */
  readonly done: Readonly<Record<Stage, number>>;
}

/**
 * @param listed the last listing of the store; `undefined` before the first one.
 * @param settled no work is in progress any more, or the listing is newer than the counts: use the listing alone.
 */
export function howFar(
  { studies, from }: RunRecord,
  progress: Progress,
  listed: StoreCounts | undefined,
  settled: boolean,
): HowFar {
  const over = listed !== undefined && isOver(listed, studies);
  const { scored, failed } = listed && (settled || over) ? listed : estimated(studies, progress, listed);
  return {
    scored,
    failed,
    left: studies - scored - failed,
    classShares: classSharesOfProgress(progress, scored),
    done: perStage((stage, place) => {
      const counted = Math.min(studies, progress[stage]);
      // Only studies without a result in the old run go through a stage before the one at which the run's studies enter.
      if (!over || place < entryOf({ from })) return counted;
      // A study that failed may have finished all stages but the last one.
      return stage === LAST_STAGE ? scored : Math.max(scored, counted);
    }),
  };
}

/** Place, in the order of the stages, of the stage at which the studies of a run enter. */
export function entryOf({ from }: Pick<RunRecord, 'from'>): number {
  return STAGE_NAMES.indexOf(from?.stage ?? FIRST_STAGE);
}

/**
 * Redis counts are estimates and may be lost. So each of them only ever raises the listed one, and they never say that a
 * run is finished: one study is left until the listing says otherwise.
 */
function estimated(studies: number, progress: Progress, listed = { scored: 0, failed: 0 }) {
  const scored = Math.min(studies - 1 - listed.failed, Math.max(listed.scored, progress[LAST_STAGE]));
  const failed = Math.min(studies - 1 - scored, Math.max(listed.failed, progress.failed));
  return { scored, failed };
}

/** From the counts in Redis, which are off by up to about one percent; limited to what is possible. */
function classSharesOfProgress(progress: Progress, scored: number): ClassShares {
  const studies = Math.min(scored, progress['class-share-studies']);
  return { studies, targets: Math.min(TARGETS.length * studies, progress['class-share-targets']) };
}

/** Studies that were scored or failed, from the counts in Redis. */
export function finishedOf(progress: Progress): number {
  return progress[LAST_STAGE] + progress.failed;
}

/** Whether every study has a result or a failure. */
export function isOver({ scored, failed }: StoreCounts, studies: number): boolean {
  return scored + failed >= studies;
}

/** Lists the results and failures of a run. */
export async function listRun(run: string, runs: RunStore): Promise<StoreCounts> {
  const { scored, failed } = await runs.finished(run);
  return { scored: scored.size, failed: failed.size, cancelled: await runs.isCancelled(run) };
}

/**
 * Whether it is time to list a run again.
 *
 * @param everyMs time between listings.
 * @param share largest share of the time that may go into listing, 0 to 1: a slow listing is made less often.
 */
export function listingIsDue(last: Answer<unknown> | undefined, everyMs: number, share: number): boolean {
  if (!last) return true;
  return performance.now() - last.answeredAt >= Math.max(everyMs, last.tookMs / share - last.tookMs);
}

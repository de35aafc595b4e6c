/**
 * How far a run is. Redis counts what happened: cheap, approximate, and lost with Redis. The store has the truth, and
 * listing it is not free. This file is the one place that puts the two together; the terminal, `spineline score` and the
 * exporter all use it.
 */

import { FIRST_STAGE, LAST_STAGE, perStage, STAGE_NAMES, type Stage, TARGETS } from '../domain/index.ts';
import type { Progress } from '../queue/index.ts';
import type { ClassShares, RunRecord, RunStore } from '../runs/index.ts';
import type { Answer } from './question.ts';

/** What the store has of a run. */
export interface StoreCounts {
  readonly scored: number;
  readonly failed: number;
  readonly cancelled: boolean;
}

export interface HowFar {
  readonly scored: number;
  readonly failed: number;
  /** Studies with neither result nor failure; 0 only if the store says so. */
  readonly left: number;
  /** Of the scored studies, by the counts in Redis. */
  readonly classShares: ClassShares;
  /** Studies that are through each stage; all studies for a stage before the one where the run's studies enter. */
  readonly through: Readonly<Record<Stage, number>>;
}

/**
 * @param listed the store as it was listed last; `undefined` if it was not listed yet.
 * @param settled nothing is under way any more, or the listing is newer than the counts: the listing alone counts.
 */
export function howFar(
  { studies, from }: RunRecord,
  progress: Progress,
  listed: StoreCounts | undefined,
  settled: boolean,
): HowFar {
  const over = listed !== undefined && isOver(listed, studies);
  const { scored, failed } = listed && (settled || over) ? listed : estimated(studies, progress, listed);
  const entry = STAGE_NAMES.indexOf(from?.stage ?? FIRST_STAGE);
  return {
    scored,
    failed,
    left: studies - scored - failed,
    classShares: classSharesOfProgress(progress, scored),
    through: perStage((stage, place) => {
      if (place < entry) return studies;
      return over ? studies - failed : Math.min(studies, progress[stage]);
    }),
  };
}

/** The counts of Redis are estimates and may be lost: they add to what was listed, and they end nothing. */
function estimated(studies: number, progress: Progress, listed: StoreCounts | undefined) {
  const sinceListed = Math.max((listed?.scored ?? 0) + (listed?.failed ?? 0), finishedOf(progress));
  const done = Math.min(studies - 1, sinceListed);
  const failed = Math.min(done, Math.max(listed?.failed ?? 0, progress.failed));
  return { scored: done - failed, failed };
}

/** By the counts in Redis, which are right within about one percent: never more than there can be. */
function classSharesOfProgress(progress: Progress, scored: number): ClassShares {
  const studies = Math.min(scored, progress['class-share-studies']);
  return { studies, targets: Math.min(TARGETS.length * studies, progress['class-share-targets']) };
}

/** Studies that were scored or failed, by the counts in Redis. */
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
 * Whether a run's listing is due again.
 *
 * @param everyMs time between listings.
 * @param share largest part of the time that listing may take, 0 to 1: a listing that takes long is made less often.
 */
export function listingIsDue(last: Answer<unknown> | undefined, everyMs: number, share: number): boolean {
  if (!last) return true;
  const tookMs = last.answered - last.asked;
  return Date.now() - last.answered >= Math.max(everyMs, tookMs / share - tookMs);
}

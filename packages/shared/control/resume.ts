/**
 * Resuming a run after Redis was emptied or replaced, or after the run was cancelled. The store alone tells which
 * studies are missing, so it does not matter what Redis holds.
 */

import type { QueueSide } from '../queue/index.ts';
import type { RunRecord, RunStore } from '../runs/index.ts';
import { countDone, recountClassShares } from './recount.ts';

export interface ResumeCounts {
  readonly studies: number;
  readonly scored: number;
  readonly failed: number;
  /** Studies with neither result nor failure. */
  readonly missing: number;
  /** Pages of the dataset with at least one missing study. */
  readonly pages: number;
}

/** Which part of a run is missing, and the pages of its dataset that hold it. */
export interface Missing extends ResumeCounts {
  readonly pagesOfMissing: readonly string[];
  readonly scoredStudies: ReadonlySet<string>;
  readonly failedStudies: ReadonlySet<string>;
}

/**
 * Finds the studies of a run with neither result nor failure. Lists the records of the run and reads the pages of its
 * dataset one by one.
 *
 * @throws {ObjectNotFoundError} {ArtefactDamagedError} if the dataset is not complete in the store.
 */
export async function findMissing(run: RunRecord, runs: RunStore): Promise<Missing> {
  const { scored, failed } = await runs.finished(run.run);
  const { pages } = await runs.readDataset(run.dataset);
  const pagesOfMissing: string[] = [];
  let missing = 0;
  for (const page of scored.size + failed.size < run.studies ? pages : []) {
    const { studies } = await runs.openPage(page);
    const ofPage = studies.filter((study) => !scored.has(study) && !failed.has(study)).length;
    if (ofPage > 0) pagesOfMissing.push(page);
    missing += ofPage;
  }
  return {
    studies: run.studies,
    scored: scored.size,
    failed: failed.size,
    missing,
    pages: pagesOfMissing.length,
    pagesOfMissing,
    scoredStudies: scored,
    failedStudies: failed,
  };
}

/**
 * Adds the missing studies of a run to the queue again: after Redis was emptied, with a new Redis, or after it was
 * cancelled (`cancel.ts`). Stored outputs are reused. Doing this twice, or while the run is in progress, only costs some lookups.
 */
export async function resumeRun(
  run: RunRecord,
  runs: RunStore,
  { queues, progress }: QueueSide,
): Promise<ResumeCounts> {
  const { pagesOfMissing, scoredStudies, failedStudies, ...counts } = await findMissing(run, runs);
  await runs.uncancel(run.run);
  await recountClassShares(run, scoredStudies, runs, progress);
  await countDone(run, { scored: scoredStudies, failed: failedStudies }, progress);
  await queues.addPages(run.run, pagesOfMissing, run.priority, { entry: run.from?.stage, again: true });
  return counts;
}

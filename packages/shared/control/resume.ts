/**
 * Going on with a run after Redis was emptied or replaced, or after it was cancelled. What is missing is worked out from
 * the store alone, so that it does not matter what Redis holds.
 */

import type { QueueSide } from '../queue/index.ts';
import type { RunRecord, RunStore } from '../runs/index.ts';
import { countDone, recountClassShares } from './recount.ts';

export interface ResumeCounts {
  readonly studies: number;
  readonly scored: number;
  readonly failed: number;
  /** Studies with neither result nor failure: those that are handed over. */
  readonly missing: number;
  /** Pages of the dataset that hold a missing study. */
  readonly pages: number;
}

/** What of a run is missing, and the pages of its dataset that have it. */
export interface Missing extends ResumeCounts {
  readonly pagesOfMissing: readonly string[];
  readonly scoredStudies: ReadonlySet<string>;
  readonly failedStudies: ReadonlySet<string>;
}

/**
 * Studies of a run with neither result nor failure. Lists the run's records and reads the pages of its dataset, one at
 * a time.
 *
 * @throws {ObjectNotFoundError} {ArtefactDamagedError} if the dataset is not whole in the store.
 */
export async function findMissing(run: RunRecord, runs: RunStore): Promise<Missing> {
  const { scored, failed } = await runs.finished(run.run);
  const { pages } = await runs.readDataset(run.dataset);
  const pagesOfMissing: string[] = [];
  let missing = 0;
  for (const page of scored.size + failed.size < run.studies ? pages : []) {
    const ofPage = (await runs.readPage(page)).filter(({ study }) => !scored.has(study) && !failed.has(study)).length;
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
 * Hands over what is missing of a run, after a flushed Redis, with a new one, or after {@link cancelRun}. Steps that are
 * in the store are found there. Doing it twice, or while the run goes on, costs some looking up and nothing else.
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

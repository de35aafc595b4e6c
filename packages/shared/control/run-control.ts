/**
 * Going on with a run that is there, and stopping one. What is missing is worked out from the store alone, so that it
 * does not matter what Redis holds: all of it, some, or nothing.
 */

import pLimit from 'p-limit';
import { ConfigError, LAST_STAGE, STAGE_NAMES } from '../domain/index.ts';
import type { FailureRecord, RunRecord, RunStore } from '../runs/index.ts';
import type { ProgressCounts } from '../queue/index.ts';
import type { Queues } from '../queue/index.ts';

/** Failure records that are deleted at once. */
const DELETES_AT_ONCE = 32;
/** Counts in Redis are right within about one percent: lower than this, and some were lost. */
const STILL_COUNTED = 0.95;

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
  queues: Queues,
  progress: ProgressCounts,
): Promise<ResumeCounts> {
  const { pagesOfMissing, scoredStudies, failedStudies, ...counts } = await findMissing(run, runs);
  await runs.uncancel(run.run);
  await recountClassShares(run, scoredStudies, runs, progress);
  await countDone(run, { scored: scoredStudies, failed: failedStudies }, progress);
  await queues.addPages(run.run, pagesOfMissing, run.priority, { entry: run.from?.stage, again: true });
  return counts;
}

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

export interface RetrySelection {
  readonly kind?: FailureRecord['kind'] | undefined;
  readonly studies?: ReadonlySet<string> | undefined;
}

export interface RetryCounts {
  /** Studies that had failed. */
  readonly failed: number;
  /** Those of them that are tried again. */
  readonly retried: number;
}

/**
 * Forgets failures and hands their studies over again. A process that dies in between leaves studies with neither
 * result nor failure, which {@link resumeRun} hands over.
 *
 * @param queueSide left out: only counts.
 * @throws {ConfigError} if the run was cancelled.
 */
export async function retryRun(
  run: RunRecord,
  runs: RunStore,
  queueSide: { readonly queues: Queues; readonly progress: ProgressCounts } | undefined,
  { kind, studies }: RetrySelection,
): Promise<RetryCounts> {
  if (await runs.cancelled(run.run)) {
    throw new ConfigError(`the run ${run.run} was cancelled`, { hint: `spineline resume ${run.run} goes on with it` });
  }
  let failed = 0;
  const retried = new Set<string>();
  for await (const failure of runs.failures(run.run)) {
    failed += 1;
    if (kind && failure.kind !== kind) continue;
    if (studies && !studies.has(failure.study)) continue;
    retried.add(failure.study);
  }
  if (!queueSide || retried.size === 0) return { failed, retried: retried.size };
  const limit = pLimit(DELETES_AT_ONCE);
  await Promise.all([...retried].map((study) => limit(() => runs.forgetFailure(run.run, study))));
  const done = await runs.finished(run.run);
  await recountClassShares(run, done.scored, runs, queueSide.progress);
  await countDone(run, done, queueSide.progress);
  const pages: string[] = [];
  for (const page of (await runs.readDataset(run.dataset)).pages) {
    if ((await runs.readPage(page)).some(({ study }) => retried.has(study))) pages.push(page);
  }
  await queueSide.queues.addPages(run.run, pages, run.priority, { entry: run.from?.stage, again: true });
  return { failed, retried: retried.size };
}

/** Where Redis has lost its counts, class shares are read from the results again: which studies have some is only there. */
async function recountClassShares(
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
async function countDone(
  { run }: RunRecord,
  { scored, failed }: { scored: ReadonlySet<string>; failed: ReadonlySet<string> },
  progress: ProgressCounts,
): Promise<void> {
  await progress.forget(run, 'failed');
  await progress.addAll(run, scored, ...STAGE_NAMES);
  await progress.addAll(run, failed, 'failed');
}

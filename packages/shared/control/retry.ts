/**
 * Trying failed studies of a run again. How a worker itself tries a job again: worker/retry-policy.ts.
 */

import pLimit from 'p-limit';
import { ConfigError } from '../domain/index.ts';
import type { QueueSide } from '../queue/index.ts';
import type { FailureRecord, RunRecord, RunStore } from '../runs/index.ts';
import { countDone, recountClassShares } from './recount.ts';

/** Failure records that are deleted at once. */
const DELETES_AT_ONCE = 32;

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
  queueSide: QueueSide | undefined,
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

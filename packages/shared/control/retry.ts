/** Retrying failed studies of a run on request. Retries that a worker makes itself: worker/retry-policy.ts. */

import pLimit from 'p-limit';
import { ConfigError } from '../domain/index.ts';
import type { QueueSide } from '../queue/index.ts';
import type { FailureRecord, RunRecord, RunStore } from '../runs/index.ts';
import { countDone, recountClassShares } from './recount.ts';

/** Failure records deleted at a time. */
const DELETES_AT_ONCE = 32;

export interface RetrySelection {
  readonly kind?: FailureRecord['kind'] | undefined;
  readonly studies?: ReadonlySet<string> | undefined;
}

export interface RetryCounts {
  /** Studies that had failed. */
  readonly failed: number;
  /** Those of them that are retried. */
  readonly retried: number;
}

/**
 * Deletes failures and adds their studies to the queue again. If the process dies in between, studies are left with
 * neither result nor failure; `resume.ts` adds those.
 *
 * @param queueSide `undefined`: only count.
 * @throws {ConfigError} if the run is cancelled.
 */
export async function retryRun(
  run: RunRecord,
  runs: RunStore,
  queueSide: QueueSide | undefined,
  { kind, studies }: RetrySelection,
): Promise<RetryCounts> {
  if (await runs.cancelled(run.run)) {
    throw new ConfigError(`the run ${run.run} was cancelled`, { hint: `to continue it: spineline resume ${run.run}` });
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
    if ((await runs.openPage(page)).studies.some((study) => retried.has(study))) pages.push(page);
  }
  await queueSide.queues.addPages(run.run, pages, run.priority, { entry: run.from?.stage, again: true });
  return { failed, retried: retried.size };
}

/** `spineline retry`: retries failed studies of a run. */

import { type RetryCounts, type RetrySelection, retryRun } from '@spineline/shared/control';
import { readStudyList } from '@spineline/shared/dataset';
import { counted } from '@spineline/shared/domain';
import type { FailureRecord, RunRecord } from '@spineline/shared/runs';
import { type Command, Option } from 'commander';
import { withStore } from '../connections.ts';
import { EXIT_HELP } from '../exit-codes.ts';
import { type HandOverOptions, handOver, OUT_OPTION } from '../hand-over.ts';
import { err, out } from '../terminal/style.ts';

interface RetryOptions extends HandOverOptions {
  readonly kind?: FailureRecord['kind'];
  readonly studies?: string;
  readonly dryRun?: boolean;
}

export function addRetry(program: Command): void {
  program
    .command('retry')
    .description('retry failed studies of a run')
    .argument('<run>', 'name of the run')
    .addOption(
      new Option('-k, --kind <kind>', 'only failures of this kind').choices(['transient', 'permanent', 'poison']),
    )
    .option('--studies <file>', 'only these studies, one id per line; - for standard input')
    .option('--dry-run', 'only print how many studies would be retried')
    .option(...OUT_OPTION)
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .option('--json', 'print the counts as JSON')
    .addHelpText(
      'after',
      `
Kinds of failure:
  transient  the network or the store failed during all attempts: a retry may succeed
  permanent  something is wrong with the study itself: first correct the file, the bundle or the store
  poison     the worker died each time that it worked on the study: first read the log of a worker
Deletes the failures and enqueues the studies again; stored outputs are reused. The dataset of a run never changes: if a
study now has other files, make a new run.

Example:
  spineline failed tonight && spineline retry tonight --kind transient
${EXIT_HELP}`,
    )
    .action(async (name: string, options: RetryOptions) => {
      process.exitCode = await retry(name, options);
    });
}

async function retry(name: string, options: RetryOptions): Promise<number | undefined> {
  const studies = options.studies ? await readStudyList(options.studies) : undefined;
  const selection: RetrySelection = { kind: options.kind, studies };
  if (options.dryRun) {
    await withStore(async ({ runs }) => {
      const run = await runs.readRun(name);
      say(run, await retryRun(run, runs, undefined, selection), options, 'would be retried');
    }, options.store);
    return undefined;
  }
  return handOver(
    options,
    async ({ runs }) => {
      const run = await runs.readRun(name);
      return async (queueSide) => ({ run, counts: await retryRun(run, runs, queueSide, selection) });
    },
    ({ run, counts }) => say(run, counts, options, 'enqueued again'),
  );
}

function say(run: RunRecord, counts: RetryCounts, { json }: RetryOptions, what: string): void {
  if (json) {
    console.log(JSON.stringify({ schema: 'spineline.retry/1', run: run.run, notice: run.notice, ...counts }));
    return;
  }
  console.log(
    `run ${out.strong(run.run)}: ${counts.retried} of ${counted(counts.failed, 'failed study', 'failed studies')} ${what}`,
  );
  if (run.notice) console.error(err.warn(run.notice));
}

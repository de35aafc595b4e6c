/** `spineline resume`: enqueues the missing studies of a run again, whatever Redis holds. */

import { storeOption } from '@spineline/shared/config';
import { findMissing, type ResumeCounts, resumeRun } from '@spineline/shared/control';
import { counted } from '@spineline/shared/domain';
import type { RunRecord } from '@spineline/shared/runs';
import type { Command } from 'commander';
import { withStore } from '../connections.ts';
import { EXIT_HELP } from '../exit-codes.ts';
import { type HandOverOptions, handOver, OUT_OPTION } from '../hand-over.ts';
import { err, out } from '../terminal/style.ts';

interface ResumeOptions extends HandOverOptions {
  readonly dryRun?: boolean;
}

export function addResume(program: Command): void {
  program
    .command('resume')
    .description('continue a run: enqueue the studies that have neither result nor failure')
    .argument('<run>', 'name of the run')
    .option('--dry-run', 'only print what is missing')
    .option(...OUT_OPTION)
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .option('--json', 'print the counts as JSON')
    .addHelpText(
      'after',
      `
Use it after Redis was emptied or lost, with a new Redis, on another cluster with the same store, or after "spineline
cancel". The store alone decides which studies are missing. Stored outputs are reused. It does no harm to use it
twice, or while the run is in progress. Failed studies are not retried: see "spineline retry".

Example:
  spineline resume tonight && spineline status tonight --watch
${EXIT_HELP}`,
    )
    .action(async (name: string, options: ResumeOptions) => {
      process.exitCode = await resume(name, options);
    });
}

async function resume(name: string, options: ResumeOptions): Promise<number | undefined> {
  if (options.dryRun) {
    await withStore(async ({ runs }) => {
      const run = await runs.readRun(name);
      const { pagesOfMissing, scoredStudies, failedStudies, ...counts } = await findMissing(run, runs);
      say(run, counts, options, 'missing');
    }, options.store);
    return undefined;
  }
  return handOver(
    options,
    async ({ runs }) => {
      const run = await runs.readRun(name);
      return async (queueSide) => ({ run, counts: await resumeRun(run, runs, queueSide) });
    },
    ({ run, counts }) => say(run, counts, options, 'enqueued again'),
  );
}

function say(run: RunRecord, counts: ResumeCounts, { json, store }: ResumeOptions, what: string): void {
  if (json) {
    console.log(JSON.stringify({ schema: 'spineline.resume/1', run: run.run, notice: run.notice, ...counts }));
    return;
  }
  const { scored, failed, missing, pages } = counts;
  console.log(
    `run ${out.strong(run.run)}: ${scored} scored, ${failed} failed, ${out.strong(String(missing))} ${what} in ${counted(pages, 'page')}`,
  );
  if (failed > 0)
    console.log(out.faint(`to retry the failed studies: spineline retry ${run.run}${storeOption(store)}`));
  if (run.notice) console.error(err.warn(run.notice));
}

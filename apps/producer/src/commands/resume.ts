/** `spineline resume`: hand over what is missing of a run, whatever Redis holds. */

import { counted } from '@spineline/shared/domain';
import { findMissing, type ResumeCounts, resumeRun } from '@spineline/shared/control';
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
    .description('go on with a run: hand over the studies that have neither result nor failure')
    .argument('<run>', 'name of the run')
    .option('--dry-run', 'only say what is missing')
    .option(...OUT_OPTION)
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .option('--json', 'print the counts as JSON')
    .addHelpText(
      'after',
      `
What is missing is worked out from the store alone: after Redis was emptied or lost, with a new Redis, on another cluster
that has the store, or after "spineline cancel". Steps that were computed are found and not computed again. It does no
harm while the run goes on, or twice. Studies that failed are not tried again: see "spineline retry".

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
      say(run, counts, options, 'to be handed over');
    }, options.store);
    return undefined;
  }
  return handOver(
    options,
    async ({ runs }) => {
      const run = await runs.readRun(name);
      return async (queueSide) => ({ run, counts: await resumeRun(run, runs, queueSide) });
    },
    ({ run, counts }) => say(run, counts, options, 'handed over'),
  );
}

function say(run: RunRecord, counts: ResumeCounts, { json }: ResumeOptions, what: string): void {
  if (json) {
    console.log(JSON.stringify({ schema: 'spineline.resume/1', run: run.run, notice: run.notice, ...counts }));
    return;
  }
  const { scored, failed, missing, pages } = counts;
  console.log(
    `run ${out.strong(run.run)}: ${scored} scored, ${failed} failed, ${out.strong(String(missing))} ${what} in ${counted(pages, 'page')}`,
  );
  if (failed > 0) console.log(out.faint(`those that failed stay so: spineline retry ${run.run}`));
  if (run.notice) console.error(err.warn(run.notice));
}

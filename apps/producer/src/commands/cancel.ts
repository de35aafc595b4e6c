/** `spineline cancel`: cancels a run and keeps its results. */

import { cancelRun } from '@spineline/shared/control';
import { counted } from '@spineline/shared/domain';
import type { Command } from 'commander';
import { withQueues, withStore } from '../connections.ts';
import { EXIT_HELP } from '../exit-codes.ts';
import { err, out } from '../terminal/style.ts';

export function addCancel(program: Command): void {
  program
    .command('cancel')
    .description('cancel a run; its results and outputs stay')
    .argument('<run>', 'name of the run')
    .option('--json', 'print what was done as JSON')
    .addHelpText(
      'after',
      `
Removes the waiting jobs of the run from the queues. Workers finish the studies that they work on and drop later jobs
of the run. Everything that was computed stays in the store: "results" writes it, "resume" continues the run, and
other runs reuse it. Other runs are not affected.
${EXIT_HELP}`,
    )
    .action(async (name: string, { json }: { json?: boolean }) => {
      await withStore(async ({ settings, runs }) => {
        const run = await runs.readRun(name);
        const removed = await withQueues(settings, ({ queues }) => cancelRun(run, runs, queues));
        const { scored, failed } = await runs.finished(name);
        const missing = run.studies - scored.size - failed.size;
        const counts = { studies: run.studies, scored: scored.size, failed: failed.size, missing, removed };
        if (json) {
          console.log(JSON.stringify({ schema: 'spineline.cancel/1', run: name, notice: run.notice, ...counts }));
          return;
        }
        console.log(
          `run ${out.strong(name)} is cancelled: ${scored.size} scored, ${failed.size} failed, ${missing} left; ` +
            `${counted(removed, 'job')} removed from the queues`,
        );
        console.log(out.faint(`to continue it: spineline resume ${name}`));
        if (run.notice) console.error(err.warn(run.notice));
      });
    });
}

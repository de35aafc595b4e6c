/** `spineline status`: how far a run is. */

import { STAGE_QUEUES } from '@spineline/shared/queue';
import type { RunRecord, RunStore } from '@spineline/shared/runs';
import type { Command } from 'commander';
import { type QueueSide, withQueues, withStore } from '../connections.ts';
import { EXIT, EXIT_HELP } from '../exit-codes.ts';
import { followRun, type RunState, runState } from '../follow-run.ts';
import { printSummary, summarise } from '../run-summary.ts';
import { progressView } from '../terminal/progress-view.ts';
import { out, table } from '../terminal/style.ts';

interface StatusOptions {
  readonly watch?: boolean;
  readonly json?: boolean;
}

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('how far a run is; once it is over, what it came to')
    .argument('<run>', 'name of the run')
    .option('-w, --watch', 'stay until the run is over, with a progress bar')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
Scored and failed studies are counted in the store, which is the truth; jobs that wait are counted in Redis.
${EXIT_HELP}`,
    )
    .action(status);
}

async function status(name: string, options: StatusOptions): Promise<void> {
  await withStore(async ({ settings, runs }) => {
    const run = await runs.readRun(name);
    await withQueues(settings, async (side) => {
      const state = options.watch ? await watch(run, runs, side) : await runState(run, runs, side);
      process.exitCode = state.missing > 0 ? EXIT.unfinished : state.failed > 0 ? EXIT.someFailed : EXIT.ok;
      // What a run came to is read from every result, which is not free: only once it is over.
      if (state.missing === 0) {
        const summary = await summarise(runs, run, state);
        if (options.json) console.log(JSON.stringify({ ...summary, queued: 0 }));
        else printSummary(summary);
      } else if (options.json) console.log(JSON.stringify(await unfinished(run, state, side)));
      else await printUnfinished(run, state, side);
    });
  });
}

/** How far a run is, for programs. */
async function unfinished(run: RunRecord, state: RunState, { queues, progress }: QueueSide) {
  const counts = await Promise.all(STAGE_QUEUES.map(async (queue) => [queue, await queues.counts(queue)] as const));
  const { run: name, studies, notice } = run;
  const done = await progress.read(name);
  return {
    schema: 'spineline.status/1',
    run: name,
    notice,
    studies,
    ...state,
    done,
    queues: Object.fromEntries(counts),
  };
}

async function watch(run: RunRecord, runs: RunStore, side: QueueSide): Promise<RunState> {
  const view = progressView(run.studies);
  try {
    const state = await followRun(run, runs, side, (progress) => view.update(progress));
    view.update(await side.progress.read(run.run));
    return state;
  } finally {
    view.stop();
  }
}

async function printUnfinished(run: RunRecord, state: RunState, { queues, progress }: QueueSide): Promise<void> {
  const { scored, failed, missing } = state;
  console.log(
    `run ${out.strong(run.run)} ${state.cancelled ? 'was cancelled' : 'is not over'}: ` +
      `${scored} scored, ${failed} failed, ${missing} of ${run.studies} to go`,
  );
  const done = await progress.read(run.run);
  const rows = await Promise.all(
    STAGE_QUEUES.map(async (queue) => {
      const { waiting, active, delayed } = await queues.counts(queue);
      return [queue, String(done[queue]), String(waiting), String(active), String(delayed)];
    }),
  );
  console.log(table(['queue', 'done (this run)', 'waiting (all runs)', 'active', 'to be retried'], rows));
  const waiting = await queues.pagesWaiting();
  if (waiting > 0) console.log(out.faint(`${waiting} pages of studies wait to be unfolded`));
  const paused = await queues.paused();
  if (paused.length > 0) console.log(out.warn(`paused: ${paused.join(', ')} (spineline unpause goes on)`));
  if (state.cancelled) console.log(`go on with it: spineline resume ${run.run}`);
  else if (state.queued === 0) {
    console.log(out.bad('nothing is queued: Redis was emptied, or pages of the dataset are damaged in the store'));
    console.log(`hand over what is missing: spineline resume ${run.run}`);
  }
  if (run.notice) console.log(`\n${out.warn(run.notice)}`);
}

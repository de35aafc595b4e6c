/** `spineline status`: shows how far a run is. */

import { STAGE_NAMES } from '@spineline/shared/domain';
import { summarise } from '@spineline/shared/reports';
import { type RunRecord, classSharesText } from '@spineline/shared/runs';
import { lookOnce, type RunLook, watchRun } from '@spineline/shared/watching';
import type { Command } from 'commander';
import { withQueues, withStore } from '../connections.ts';
import { EXIT, EXIT_HELP, exitCodeOf } from '../exit-codes.ts';
import { liveView, type Warning, warningsOf } from '../terminal/live-view.ts';
import { progressView } from '../terminal/progress-view.ts';
import { openScreen } from '../terminal/screen.ts';
import { err, out, table } from '../terminal/style.ts';
import { printSummary } from '../terminal/summary-text.ts';

const FAILURES_SHOWN = 5;
const WARN_EVERY_MS = 15_000;
const CLOSE_MS = 1000;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

interface StatusOptions {
  readonly watch?: boolean;
  readonly json?: boolean;
}

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('show how far a run is, and when it is finished its summary')
    .argument('<run>', 'name of the run')
    .option('-w, --watch', 'stay until the run is finished: a live view on a terminal, elsewhere occasional lines')
    .option('--json', 'print as JSON; with --watch one line per second')
    .addHelpText(
      'after',
      `
Scored and failed studies are counted in the store, which is the truth; waiting jobs are counted in Redis. With --watch
the counts come from Redis, are off by up to about one percent, and are checked against the store from time to time.
Ctrl-C stops watching, not the run (docs/watching.md).
${EXIT_HELP}`,
    )
    .action(status);
}

async function status(name: string, { watch, json }: StatusOptions): Promise<void> {
  await withStore(async ({ settings, runs }) => {
    const run = await runs.readRun(name);
    await withQueues(settings, async (side) => {
      const viewer = watch ? viewerFor(run, json) : undefined;
      const look = viewer
        ? await untilInterrupted(viewer, (signal) =>
            watchRun(run, runs, side, viewer.show, { signal, failures: viewer.failures }),
          )
        : await lookOnce(run, runs, side);
      process.exitCode = exitCodeOf(look);
      // A summary reads every result, which takes time: only for a finished run.
      if (look?.end === 'over') {
        const summary = await summarise(runs, run, { scored: look.scored, failed: look.failed, missing: 0 });
        if (json) console.log(JSON.stringify({ ...summary, queued: 0 }));
        else printSummary(summary);
      } else if (watch && !look?.end) {
        if (!json) console.error(err.faint(`the run continues; watch again: spineline status ${run.run} --watch`));
      } else if (look && !viewer?.saysItAll) {
        if (json) console.log(JSON.stringify(statusOf(look)));
        else printUnfinished(look);
      }
    });
  });
}

/** What `--json` prints of a run that is not finished. */
function statusOf(look: RunLook) {
  const { run, at, listed, counted, stages, paused, queued, pagesWaiting, progress, classShares, end } = look;
  const { scored = 0, failed = 0, cancelled = false } = listed ?? {};
  return {
    schema: 'spineline.status/1',
    run: run.run,
    notice: run.notice,
    ...(run.deadline !== undefined && { deadline: run.deadline }),
    studies: run.studies,
    at: at.toISOString(),
    // From the store, as of `listed`.
    listed: listed?.at.toISOString(),
    scored,
    failed,
    missing: run.studies - scored - failed,
    cancelled,
    // From Redis, as of `counted`.
    counted: counted.toISOString(),
    queued,
    pagesWaiting,
    paused,
    done: progress,
    classShares,
    queues: Object.fromEntries(STAGE_NAMES.map((stage) => [stage, stages[stage].jobs])),
    studiesPerMinute: look.perSecond * 60,
    secondsLeft: look.secondsLeft ?? null,
    end: end ?? null,
  };
}

interface Viewer {
  readonly show: (look: RunLook) => void;
  readonly close: () => void;
  /** Number of latest failures to show. */
  readonly failures: number;
  /** Whether the viewer has already shown everything about a run that ended unfinished. */
  readonly saysItAll: boolean;
}

function viewerFor(run: RunRecord, json: boolean | undefined): Viewer {
  if (json) {
    return {
      show: (look) => {
        if (look.listed) console.log(JSON.stringify(statusOf(look)));
      },
      close: () => {},
      failures: 0,
      saysItAll: true,
    };
  }
  if (process.stderr.isTTY && process.stderr.columns > 0) {
    const screen = openScreen(process.stderr);
    return {
      show: (look) => screen.draw((size) => liveView(look, size)),
      close: screen.close,
      failures: FAILURES_SHOWN,
      saysItAll: process.stdout.isTTY,
    };
  }
  const view = progressView(run.studies);
  const warned = new Map<Warning['about'], number>();
  return {
    show: (look) => {
      view.update(look);
      if (look.end) return; // the end is reported on standard output
      for (const { about, text } of warningsOf(look)) {
        if (Date.now() - (warned.get(about) ?? 0) < WARN_EVERY_MS) continue;
        warned.set(about, Date.now());
        console.error(err.warn(text));
      }
    },
    close: view.stop,
    failures: 0,
    saysItAll: false,
  };
}

/** Stops watching on Ctrl-C, on SIGTERM, and if standard output is closed. A second Ctrl-C exits immediately. */
async function untilInterrupted<T>(viewer: Viewer, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.unfinished);
    controller.abort();
    // Closing a connection that does not answer may take very long.
    setTimeout(() => process.exit(), CLOSE_MS).unref();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  process.stdout.on('error', () => controller.abort());
  try {
    return await work(controller.signal);
  } finally {
    viewer.close();
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

function printUnfinished({ run, scored, failed, left, classShares, stages, pagesWaiting, paused, end }: RunLook): void {
  console.log(
    `run ${out.strong(run.run)} ${end === 'cancelled' ? 'was cancelled' : 'is not finished'}: ` +
      `${scored} scored, ${failed} failed, ${left} of ${run.studies} left`,
  );
  const shares = classSharesText(classShares, scored);
  if (shares) console.log(out.warn(`class shares, since no view exists: ${shares}`));
  const rows = STAGE_NAMES.map((stage) => {
    const { done, jobs } = stages[stage];
    return [stage, String(done), String(jobs.waiting), String(jobs.active), String(jobs.delayed)];
  });
  console.log(table(['queue', 'done (this run)', 'waiting (all runs)', 'active', 'delayed'], rows));
  if (pagesWaiting > 0) console.log(out.faint(`${pagesWaiting} pages of studies wait to be unfolded`));
  if (paused.length > 0) console.log(out.warn(`paused: ${paused.join(', ')} (to continue: spineline unpause)`));
  if (end === 'cancelled') console.log(`to continue it: spineline resume ${run.run}`);
  if (end === 'nothing queued') {
    console.log(out.bad('nothing is queued: Redis was emptied, or pages of the dataset are damaged in the store'));
    console.log(`to enqueue the missing studies again: spineline resume ${run.run}`);
  }
  if (run.notice) console.log(`\n${out.warn(run.notice)}`);
}

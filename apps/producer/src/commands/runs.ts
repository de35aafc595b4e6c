/** `spineline runs`: lists all runs of a store and how far each is. */

import { STAGE_NAMES, STAGE_NUMBERS } from '@spineline/shared/domain';
import type { RunRecord, RunStore } from '@spineline/shared/runs';
import type { Command } from 'commander';
import { withStore } from '../connections.ts';
import { EXIT_HELP } from '../exit-codes.ts';
import { err, out, table } from '../terminal/style.ts';

interface RunRow {
  readonly run: RunRecord;
  readonly scored: number;
  readonly failed: number;
  readonly missing: number;
  readonly state: 'done' | 'under way' | 'cancelled';
}

export function addRuns(program: Command): void {
  program
    .command('runs')
    .description('list the runs of a store: time, number of studies, bundles, parent run, progress')
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .option('--json', 'print one JSON object per line')
    .addHelpText(
      'after',
      `
Counts results and failures in the store. A run is "under way" while studies have neither result nor failure, whether or
not they are queued: "spineline status RUN" shows what is queued, "spineline resume RUN" enqueues what is missing.
${EXIT_HELP}`,
    )
    .action(async ({ store, json }: { store?: string; json?: boolean }) => {
      await withStore(async ({ runs }) => {
        const rows: RunRow[] = [];
        for await (const name of runs.names()) rows.push(await rowOf(runs, name));
        rows.sort((a, b) => a.run.created.localeCompare(b.run.created));
        if (json) {
          for (const { run, ...counts } of rows) console.log(JSON.stringify({ ...run, ...counts }));
        } else printRuns(rows);
      }, store);
    });
}

async function rowOf(runs: RunStore, name: string): Promise<RunRow> {
  const run = await runs.readRun(name);
  const { scored, failed } = await runs.finished(name);
  const missing = run.studies - scored.size - failed.size;
  const state = missing === 0 ? 'done' : (await runs.cancelled(name)) ? 'cancelled' : 'under way';
  return { run, scored: scored.size, failed: failed.size, missing, state };
}

function printRuns(rows: readonly RunRow[]): void {
  if (rows.length === 0) {
    console.log('there is no run in this store; make one with spineline enqueue or spineline score');
    return;
  }
  console.log(
    table(
      [
        'run',
        'made (UTC)',
        'studies',
        'scored',
        'failed',
        'missing',
        'state',
        ...STAGE_NUMBERS.map((number) => `stage ${number}`),
        'from',
      ],
      rows.map(({ run, scored, failed, missing, state }) => [
        run.run,
        run.created.slice(0, 16).replace('T', ' '),
        ...[run.studies, scored, failed, missing].map(String),
        state,
        ...STAGE_NAMES.map((stage) => {
          const { name, version } = run.bundles[stage];
          return `${name}@${version}`;
        }),
        run.from ? `${run.from.run} at ${run.from.stage}` : '',
      ]),
      out.faint,
    ),
  );
  for (const notice of new Set(rows.map(({ run }) => run.notice).filter(Boolean))) console.error(err.warn(notice));
}

/** `spineline gc`: removes stage outputs that no kept run reaches. */

import { ConfigError, OUTPUT_NAMES, counted } from '@spineline/shared/domain';
import { collectGarbage, type GarbageReport } from '@spineline/shared/lineage';
import type { RunRecord } from '@spineline/shared/runs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { withStore } from '../connections.ts';
import { EXIT_HELP } from '../exit-codes.ts';
import { counter } from '../terminal/counter.ts';
import { out, table } from '../terminal/style.ts';

interface GcOptions {
  readonly keep?: readonly string[];
  readonly olderThan?: number;
  readonly grace: number;
  readonly dryRun?: boolean;
  readonly store?: string;
  readonly json?: boolean;
}

export function addGc(program: Command): void {
  program
    .command('gc')
    .description('remove stage outputs that no kept run reaches; results and run records stay')
    .option('--keep <run...>', 'keep the outputs of these runs')
    .option('--older-than <age>', 'keep the outputs of runs that are younger than this, such as 30d, 12h', parseAge)
    .addOption(
      new Option('--grace <age>', 'never remove outputs younger than this')
        .argParser(parseAge)
        .default(parseAge('1h'), '1h'),
    )
    .option('--dry-run', 'only print what would be removed')
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
A run that is under way (studies missing, not cancelled) is always kept, with every output that its studies can use,
also those of failed studies. With both options a run is kept if either option keeps it. Results, failures and
run.json of all runs stay. A result whose outputs were removed still says what it was made from; reprocessing computes
them again. Workers can go on meanwhile: what they write is younger than --grace, and if an output is removed just
before a worker reads it, the worker finds it absent and computes it.

Examples:
  spineline gc --older-than 30d --dry-run
  spineline gc --keep october november
${EXIT_HELP}`,
    )
    .action(gc);
}

const UNITS = { m: 60, h: 3600, d: 86_400 } as const;

/** Parses `90m`, `12h`, `30d`. @returns milliseconds. */
function parseAge(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([mhd])$/.exec(text);
  if (!match) throw new InvalidArgumentError('Expected a number with m, h or d, such as 30d.');
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] * 1000;
}

async function gc(options: GcOptions): Promise<void> {
  const { keep, olderThan, grace, dryRun = false } = options;
  if (!keep && olderThan === undefined) {
    throw new ConfigError('no option says which runs to keep', { expected: '--keep RUN..., or --older-than AGE' });
  }
  await withStore(async ({ store, runs }) => {
    // Fails for an unknown run, so that a typing error does not delete the outputs of a run.
    for (const name of keep ?? []) await runs.readRun(name);
    const looked = { mark: counter('studies marked'), sweep: counter('outputs checked') };
    let marked = 0;
    const report = await collectGarbage(store, runs, {
      keep: keepers(options),
      graceMs: grace,
      dryRun,
      onProgress: ({ phase, done }) => looked[phase].update(phase === 'mark' ? ++marked : done),
    });
    looked.sweep.stop();
    if (options.json) console.log(JSON.stringify({ schema: 'spineline.gc/1', dryRun, ...report }));
    else print(report, dryRun);
  }, options.store);
}

function keepers({ keep = [], olderThan }: GcOptions): (run: RunRecord) => boolean {
  const named = new Set(keep);
  const since = olderThan === undefined ? undefined : Date.now() - olderThan;
  return ({ run, created }) => named.has(run) || (since !== undefined && Date.parse(created) >= since);
}

function print({ kept, notKept, reached, young, swept }: GarbageReport, dryRun: boolean): void {
  for (const { run, why, studies, unscored } of kept) {
    const left = unscored > 0 ? `, ${unscored} not scored` : '';
    console.log(`kept      ${run}  ${out.faint(`${why}; ${counted(studies, 'study', 'studies')}${left}`)}`);
  }
  for (const run of notKept) console.log(`not kept  ${run}`);
  console.log();
  console.log(
    table(
      ['outputs of', dryRun ? 'would be removed' : 'removed', 'MB'],
      OUTPUT_NAMES.map((stage) => [stage, String(swept[stage].outputs), (swept[stage].bytes / 1e6).toFixed(1)]),
    ),
  );
  const outputs = OUTPUT_NAMES.reduce((sum, stage) => sum + swept[stage].outputs, 0);
  const bytes = OUTPUT_NAMES.reduce((sum, stage) => sum + swept[stage].bytes, 0);
  console.log(
    `\n${dryRun ? 'would remove' : 'removed'} ${out.strong(counted(outputs, 'output'))}, ${(bytes / 1e6).toFixed(1)} MB; ` +
      `${reached} are reached by kept runs${young > 0 ? `, ${young} are too young` : ''}`,
  );
}

/** `spineline reprocess`: makes a new run that starts, at a given stage, from the stored outputs of an old run. */

import { startRun, datasetOf, prepareReprocess, type ReprocessOptions } from '@spineline/shared/control';
import { ConfigError, STAGE_NAMES, counted } from '@spineline/shared/domain';
import type { RunRecord } from '@spineline/shared/runs';
import type { Command } from 'commander';
import { withStore } from '../connections.ts';
import { DEADLINE_OPTION } from '../deadline-option.ts';
import { EXIT_HELP } from '../exit-codes.ts';
import { type HandOverOptions, handOver, OUT_OPTION } from '../hand-over.ts';
import { modelsOption } from '../models-option.ts';
import { parseStage, STAGE_NUMBERS_TEXT } from '../stage-option.ts';
import { err, out } from '../terminal/style.ts';
import { parsePriority } from './enqueue.ts';
import { printReprocessPlan } from './plan.ts';

interface ReprocessCommandOptions extends ReprocessOptions, HandOverOptions {
  readonly as?: string;
  readonly priority?: number;
  readonly deadline?: Date;
  readonly dryRun?: boolean;
}

export function addReprocess(program: Command): void {
  program
    .command('reprocess')
    .description('score the studies of a run again from a given stage on, in a new run; the old run stays unchanged')
    .argument('<run>', 'name of the run to start from')
    .requiredOption('--stage <n>', `stage at which studies enter: ${STAGE_NUMBERS_TEXT}`, parseStage)
    .option('--as <name>', 'name of the new run')
    .addOption(
      modelsOption(
        'new bundle of that stage or a later one: bundle@version in the store, or a folder',
        'the bundles of the old run',
      ),
    )
    .option('--studies <file>', 'only these studies, one id per line; - for standard input')
    .option('--only-failed', 'only studies that failed in the old run')
    .option('-p, --priority <n>', '1 (most urgent) to 10 (default: that of the old run)', parsePriority)
    .option(...DEADLINE_OPTION)
    .option('--dry-run', 'only print the plan: what would be reused and what computed (see spineline plan)')
    .option(...OUT_OPTION)
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .option('--json', 'print the record of the run as JSON')
    .addHelpText(
      'after',
      `
The new run has the dataset and the pinned bundles of the old run, except the bundles of --models. Studies enter at
--stage with the stored outputs of the old run: nothing before that stage is read or computed again. With --stage 3 no
image is opened, unless the new bundle has different crop windows. Then studies enter at stage 2: the points are reused
and only the crops are cut again. A study without a result in the old run enters at stage 1 and reuses stored outputs.

Examples:
  spineline models push ./severity-2 && spineline plan october --stage 3 --models stage3=severity@2.0.0
  spineline reprocess october --stage 3 --models stage3=severity@2.0.0 --as october-severity-2
  spineline diff october october-severity-2 --labels train.csv
docs/reprocessing.md explains when to use which command.
${EXIT_HELP}`,
    )
    .action(async (name: string, options: ReprocessCommandOptions) => {
      process.exitCode = await reprocess(name, options);
    });
}

async function reprocess(name: string, options: ReprocessCommandOptions): Promise<number | undefined> {
  if (options.dryRun) {
    await withStore((side) => printReprocessPlan(side, name, options), options.store);
    return undefined;
  }
  const { as } = options;
  if (!as) throw new ConfigError('the new run has no name', { expected: '--as NAME, or --dry-run' });
  return handOver(
    options,
    async (side) => {
      const { runs, settings } = side;
      await runs.assertNoRun(as);
      const prepared = await prepareReprocess(side.runs, name, options, false);
      if (prepared.note) console.error(err.warn(prepared.note));
      const dataset = await datasetOf(runs, prepared, settings.pageStudies);
      const { parent, pinned, from } = prepared;
      return async ({ queues }) => ({
        run: await startRun(dataset, runs, queues, {
          run: as,
          bundles: pinned.bundles,
          notice: pinned.notice,
          priority: options.priority ?? parent.priority,
          deadline: options.deadline,
          from,
        }),
        parent,
      });
    },
    ({ run, parent }) => {
      if (options.json) console.log(JSON.stringify(run));
      else printStarted(run, parent);
    },
  );
}

function printStarted(run: RunRecord, parent: RunRecord): void {
  const { stage: entry } = run.from!;
  console.log(
    `run ${out.strong(run.run)}: ${counted(run.studies, 'study', 'studies')} of ${parent.run} enter at ${entry}`,
  );
  for (const stage of STAGE_NAMES) {
    const { name, version, digest } = run.bundles[stage];
    const line = `  ${stage}  ${name}@${version}  ${digest.slice(0, 12)}`;
    console.log(digest === parent.bundles[stage].digest ? out.faint(line) : `${line}  new`);
  }
  console.log(`to watch it: spineline status ${run.run} --watch`);
  if (run.notice) console.error(err.warn(run.notice));
}

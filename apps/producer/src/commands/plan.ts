/** `spineline plan`: what a run would find in the store and what it would compute, without making the run. */

import { pinBundles, prepareReprocess, type ReprocessOptions, studiesOf } from '@spineline/shared/control';
import { type Stage, FIRST_STAGE, STAGES } from '@spineline/shared/domain';
import { Pipeline, planRun, planReport } from '@spineline/shared/lineage';
import { StageOutputs } from '@spineline/shared/store';
import type { Command } from 'commander';
import { type StoreSide, withStore } from '../connections.ts';
import { openDatasetOf } from '../datasets.ts';
import { EXIT_HELP } from '../exit-codes.ts';
import { modelsOption } from '../models-option.ts';
import { parseStage, STAGE_NUMBERS_TEXT } from '../stage-option.ts';
import { counter } from '../terminal/counter.ts';
import { printPlan } from '../terminal/plan-view.ts';
import { err } from '../terminal/style.ts';

interface PlanOptions {
  readonly stage?: Stage;
  readonly models: readonly string[];
  readonly studies?: string;
  readonly onlyFailed?: boolean;
  readonly split?: 'test' | 'train';
  readonly store?: string;
  readonly json?: boolean;
}

export function addPlan(program: Command): void {
  program
    .command('plan')
    .description('show what a run would find in the store, what it would compute, and how long that takes')
    .argument('<dataset-or-run>', 'a dataset, as for enqueue; with --stage the name of a run, as for reprocess')
    .option('--stage <n>', `plan a reprocess of the run that enters at this stage: ${STAGE_NUMBERS_TEXT}`, parseStage)
    .addOption(
      modelsOption(
        'bundle@version in the store, or a folder',
        'the promoted bundle, else the demo bundle; with --stage the bundles of the run',
      ),
    )
    .option('--studies <file>', 'with --stage: only these studies, one id per line; - for standard input')
    .option('--only-failed', 'with --stage: only studies that failed in the run')
    .option('--split <half>', 'test or train half of a challenge folder (default: test where there is one)')
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .option('--json', 'print the plan as JSON')
    .addHelpText(
      'after',
      `
Looks up stage keys only: no image is read, nothing is written, and no Redis is needed. For each step it counts studies:
  hits           the output is in the store; the run will use it
  to compute     the output is not in the store
  not known yet  the key depends on an output that must be computed first. If that output equals a stored one, the later
                 outputs may turn out to be hits
The time is that of the slowest pool, at rates measured in runs of this store. It is a range if outputs are not known
yet: the shortest time if all of them turn out to be hits, the longest if none does.

Examples:
  spineline plan tonight.jsonl --models stage3=severity@2.0.0
  spineline plan october --stage 3 --models stage3=severity@2.0.0
${EXIT_HELP}`,
    )
    .action(async (what: string, options: PlanOptions) => {
      await withStore(async (side) => {
        if (options.stage) await printReprocessPlan(side, what, { ...options, stage: options.stage });
        else await printDatasetPlan(side, what, options);
      }, options.store);
    });
}

/** Prints the plan for `enqueue` of a dataset. */
export async function printDatasetPlan(
  { settings, store, runs, sources }: StoreSide,
  path: string,
  options: Pick<PlanOptions, 'models' | 'split' | 'json' | 'store'>,
): Promise<void> {
  const dataset = await openDatasetOf(path, { sources, settings }, { split: options.split, own: [options.store] });
  const { bundles, crops, notice } = await pinBundles(store, options.models, { dryRun: true });
  const pipeline = new Pipeline(new StageOutputs(store), bundles, crops);
  const looked = counter('studies looked up', dataset.studyCount);
  const plan = await planRun(dataset.studies(), {}, runs, pipeline, looked.update);
  looked.stop();
  const report = await planReport(plan, runs, notice);
  if (options.json) console.log(JSON.stringify(report));
  else printPlan(report);
}

/** Prints the plan for `reprocess` of a run. */
export async function printReprocessPlan(
  side: StoreSide,
  name: string,
  options: ReprocessOptions & { readonly json?: boolean },
): Promise<void> {
  const { store, runs } = side;
  const { parent, pinned, from, note, selection } = await prepareReprocess(side.runs, name, options, true);
  const pipeline = new Pipeline(new StageOutputs(store), pinned.bundles, pinned.crops);
  const looked = counter('studies looked up', selection?.size ?? parent.studies);
  const plan = await planRun(studiesOf(runs, parent, selection), { from }, runs, pipeline, looked.update);
  looked.stop();
  const report = await planReport(plan, runs, pinned.notice, parent);
  if (options.json) {
    console.log(JSON.stringify(report));
    return;
  }
  if (note) console.error(err.warn(note));
  const elsewhere = from.stage === FIRST_STAGE ? 0 : plan.entering[FIRST_STAGE];
  if (elsewhere > 0) {
    console.error(
      err.warn(`${elsewhere} studies have no result in ${name}: they enter at stage ${STAGES[FIRST_STAGE].number}`),
    );
  }
  printPlan(report);
}

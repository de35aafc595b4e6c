/** `spineline enqueue`: makes a run over a dataset, hands it to the worker pools and exits. */

import { enqueueRun, pinBundles } from '@spineline/shared/control';
import { counted } from '@spineline/shared/domain';
import { type Command, InvalidArgumentError } from 'commander';
import { withQueues, withStore } from '../connections.ts';
import { openDatasetOf, printDatasetSummary } from '../datasets.ts';
import { DEADLINE_OPTION } from '../deadline-option.ts';
import { EXIT_HELP } from '../exit-codes.ts';
import { modelsOption } from '../models-option.ts';
import { err, out } from '../terminal/style.ts';
import { printDatasetPlan } from './plan.ts';

interface EnqueueCommandOptions {
  readonly run: string;
  readonly priority: number;
  readonly deadline?: Date;
  readonly models: readonly string[];
  readonly split?: 'test' | 'train';
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addEnqueue(program: Command): void {
  program
    .command('enqueue')
    .description('make a run over a dataset and hand it to the worker pools; does not wait for the results')
    .argument('<dataset>', 'folder of DICOM files, s3://bucket/prefix/, or a manifest (*.jsonl, *.csv)')
    .requiredOption('-r, --run <name>', 'name of the run: letters, digits, dots, hyphens, underscores')
    .option('-p, --priority <n>', '1 (most urgent) to 10', parsePriority, 5)
    .option(...DEADLINE_OPTION)
    .addOption(modelsOption('bundle@version in the store, or a folder', 'the promoted bundle, else the demo bundle'))
    .option('--split <half>', 'test or train half of a challenge folder (default: test where there is one)')
    .option('--dry-run', 'only print the plan: what would be reused and what computed (see spineline plan)')
    .option('--json', 'print the record of the run as JSON')
    .addHelpText(
      'after',
      `
Needs SPINELINE_REDIS_URL and SPINELINE_STORE_URL, with the same values as the workers.
The workers read the images from the places that the dataset names: local folders must be mounted on their machines too.
A stage without --models gets the bundle that is promoted in the store (spineline models promote), else the demo bundle.
The run pins all bundles by digest: bundles that are pushed or promoted later change nothing in it.

Example:
  export SPINELINE_REDIS_URL=redis://redis:6379 SPINELINE_STORE_URL=s3://spineline/prod
  spineline enqueue tonight.jsonl --run 2026-11-23 --priority 3 --deadline 07:00
  spineline status 2026-11-23 --watch
${EXIT_HELP}`,
    )
    .action(enqueue);
}

export function parsePriority(text: string): number {
  const priority = Number(text);
  if (Number.isInteger(priority) && priority >= 1 && priority <= 10) return priority;
  throw new InvalidArgumentError('Expected a whole number from 1 (most urgent) to 10.');
}

async function enqueue(path: string, options: EnqueueCommandOptions): Promise<void> {
  await withStore(async (side) => {
    if (options.dryRun) {
      await printDatasetPlan(side, path, options);
      return;
    }
    const { settings, store, runs, sources } = side;
    const dataset = await openDatasetOf(path, { sources, settings }, { split: options.split });
    if (dataset.scan) printDatasetSummary(dataset);
    await withQueues(settings, async ({ queues }) => {
      const { bundles, notice } = await pinBundles(store, options.models);
      const run = await enqueueRun(dataset, runs, queues, {
        run: options.run,
        bundles,
        notice,
        priority: options.priority,
        deadline: options.deadline,
        pageStudies: settings.pageStudies,
        onStudies: (count) => {
          if (process.stderr.isTTY) process.stderr.write(`\rlisting images: ${count} of ${dataset.studyCount} studies`);
        },
      });
      if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
      if (!dataset.scan) printDatasetSummary(dataset);
      if (options.json) console.log(JSON.stringify(run));
      else {
        console.log(`run ${out.strong(run.run)}: ${counted(run.studies, 'study', 'studies')} enqueued`);
        for (const [stage, { name, version, digest }] of Object.entries(run.bundles)) {
          console.log(out.faint(`  ${stage}  ${name}@${version}  ${digest.slice(0, 12)}`));
        }
        console.log(`to watch it: spineline status ${run.run} --watch`);
        if (run.notice) console.error(err.warn(run.notice));
      }
    });
  });
}

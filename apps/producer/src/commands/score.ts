/** `spineline score`: scores a dataset on one machine and writes the results to files. */

import { enqueueRun, pinBundles } from '@spineline/shared/control';
import { counted } from '@spineline/shared/domain';
import type { Command } from 'commander';
import { openDatasetOf, printDatasetSummary } from '../datasets.ts';
import { type AfterRun, type EmbeddedOptions, runEmbedded } from '../embedded/run-embedded.ts';
import { EXIT_HELP } from '../exit-codes.ts';
import { modelsOption } from '../models-option.ts';

export interface ScoreOptions extends EmbeddedOptions {
  readonly run?: string;
  readonly models: readonly string[];
  readonly split?: 'test' | 'train';
}

export function addScore(program: Command): void {
  program
    .command('score')
    .description('score a dataset on this machine: nothing to set up, nothing left running')
    .argument('<dataset>', 'folder of DICOM files, s3://bucket/prefix/, or a manifest (*.jsonl, *.csv)')
    .requiredOption('-o, --out <dir>', 'folder for submission.csv, results.json, logs and the store')
    .addOption(modelsOption('a folder, or bundle@version in the store', 'the promoted bundle, else the demo bundle'))
    .option('--store <url>', 'object store to use instead of DIR/store; outputs that it holds are reused')
    .option('-r, --run <name>', 'name of the run in the store (default: score-, time and process id)')
    .option('--split <half>', 'test or train half of a challenge folder (default: test where there is one)')
    .option('--json', 'print the summary as JSON')
    .addHelpText(
      'after',
      `
Starts a private Redis and one worker per stage, scores every study, writes
  DIR/submission.csv   the format of the challenge, 25 rows per scored study
  DIR/results.json     severities, slices, points, flags and stage keys of every study
and stops everything. If you run it again, only new studies are computed.

Examples:
  spineline phantom demo --studies 8 --seed 1 && spineline score demo --out out
  spineline score studies.jsonl --out out --models stage3=./bundles/severity
${EXIT_HELP}`,
    )
    .action(async (dataset: string, options: ScoreOptions) => {
      process.exitCode = await score(dataset, options);
    });
}

/**
 * Scores a dataset on this machine.
 *
 * @param after called when the run is finished, while the store is still open.
 * @returns the process exit code.
 */
export async function score(path: string, options: ScoreOptions, after?: AfterRun): Promise<number> {
  return runEmbedded(
    options,
    async ({ settings, store, runs, sources }) => {
      const own = [options.out, options.store];
      const dataset = await openDatasetOf(path, { sources, settings }, { split: options.split, own });
      if (dataset.scan) printDatasetSummary(dataset);
      const { bundles, notice } = await pinBundles(store, options.models);
      return async ({ queues }) => {
        console.error(`scoring ${counted(dataset.studyCount, 'study', 'studies')} of ${path}`);
        const run = await enqueueRun(dataset, runs, queues, {
          run: options.run ?? defaultRunName(),
          bundles,
          notice,
          priority: 5,
          pageStudies: settings.pageStudies,
        });
        if (!dataset.scan) printDatasetSummary(dataset);
        return run;
      };
    },
    after,
  );
}

function defaultRunName(): string {
  return `score-${new Date().toISOString().replace(/[-:]/g, '').replace(/\..*/, '')}-${process.pid}`;
}

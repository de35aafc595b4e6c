/** `spineline demo`: the whole job on generated studies, from DICOM to a score against their labels. */

import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { evaluate, readCoordinates, readLabels } from '@spineline/shared/evaluation';
import type { Command } from 'commander';
import { out } from '../terminal/style.ts';
import { predictionsOfRun, printOverview } from './evaluate.ts';
import { makePhantom } from './phantom.ts';
import { score } from './score.ts';

/**
 * Of no training, and chosen for its labels alone: the first from 2024 on with a severe target in each part of the score
 * among its eight studies. Without one, `any severe spinal` costs class shares nothing, and nothing can be held against it.
 */
const SEED = 2027;

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('generate 8 phantom studies, score them through the three pools, compare with their labels')
    .option('-o, --out <dir>', 'folder; what an earlier demo left in it is replaced', 'out/demo')
    .option('-n, --studies <n>', 'number of studies', Number, 8)
    .action(async ({ out: folder, studies }: { out: string; studies: number }) => {
      const directory = resolve(folder);
      const dataset = join(directory, 'phantom');
      // Only what this command itself writes: the folder may hold other things.
      for (const own of ['phantom', 'store', 'logs', 'submission.csv', 'submission.csv.notice.txt', 'results.json']) {
        await rm(join(directory, own), { recursive: true, force: true });
      }
      console.error(`generating ${studies} phantom studies in ${dataset}`);
      await makePhantom(dataset, { studies, seed: SEED, awkward: true });
      process.exitCode = await score(dataset, { out: directory, models: [] }, async (runs, run) => {
        const labels = await readLabels(join(dataset, 'train.csv'));
        const coordinates = await readCoordinates(join(dataset, 'train_label_coordinates.csv'));
        const evaluation = evaluate(labels, await predictionsOfRun(runs, run.run), coordinates);
        console.log(`\n${out.strong('Against the labels of the phantoms')}`);
        printOverview(evaluation);
        console.log(`\n${out.strong('Also')}`);
        console.log(`  ${dataset}   ${out.faint('the DICOM files and their labels')}`);
        console.log(`  ${join(directory, 'logs')}      ${out.faint('what the three workers said')}`);
        console.log(`  spineline evaluate ${join(directory, 'results.json')} --labels ${join(dataset, 'train.csv')}`);
        console.log(
          `      --store ${pathToFileURL(join(directory, 'store'))} --details   ${out.faint('the same in full')}`,
        );
        if (run.notice) console.log(`\n${out.warn(run.notice)}`);
      });
    });
}

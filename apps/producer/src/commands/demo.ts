/** `spineline demo`: generates studies, scores them, and compares the results with their labels. */

import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { quoted, storeOption } from '@spineline/shared/config';
import { evaluate, readCoordinates, readLabels } from '@spineline/shared/evaluation';
import type { Command } from 'commander';
import { out } from '../terminal/style.ts';
import { predictionsOfRun, printOverview } from './evaluate.ts';
import { makePhantom } from './phantom.ts';
import { score } from './score.ts';

/**
 * First seed from 2024 whose eight studies include a severe target in every part of the score. It was chosen by its
 * labels alone and was not used in training. Without a severe target, the baseline of `any severe spinal` has a loss of
 * 0, and no model can be better.
 */
const SEED = 2027;

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('generate 8 phantom studies, score them in all stages, compare with their labels')
    .option('-o, --out <dir>', 'folder; files of an earlier demo in it are replaced', 'out/demo')
    .option('-n, --studies <n>', 'number of studies', Number, 8)
    .action(async ({ out: folder, studies }: { out: string; studies: number }) => {
      const directory = resolve(folder);
      const dataset = join(directory, 'phantom');
      // Only what this command itself writes: the folder may hold other files.
      for (const own of ['phantom', 'store', 'logs', 'submission.csv', 'submission.csv.notice.txt', 'results.json']) {
        await rm(join(directory, own), { recursive: true, force: true });
      }
      console.error(`generating ${studies} phantom studies in ${dataset}`);
      await makePhantom(dataset, { studies, seed: SEED, awkward: true });
      process.exitCode = await score(dataset, { out: directory, models: [] }, async (runs, run) => {
        const labels = await readLabels(join(dataset, 'train.csv'));
        const coordinates = await readCoordinates(join(dataset, 'train_label_coordinates.csv'));
        const evaluation = evaluate(labels, await predictionsOfRun(runs, run.run), coordinates);
        console.log(`\n${out.strong('Compared with the labels of the phantoms')}`);
        printOverview(evaluation);
        console.log(`\n${out.strong('Also')}`);
        console.log(`  ${dataset}   ${out.faint('the DICOM files and their labels')}`);
        console.log(`  ${join(directory, 'logs')}      ${out.faint('logs of the workers')}`);
        const [results, truth] = [join(directory, 'results.json'), join(dataset, 'train.csv')].map(quoted);
        console.log(`  npx spineline evaluate ${results} --labels ${truth} --details \\`);
        const store = storeOption(pathToFileURL(join(directory, 'store')).href);
        console.log(`     ${store}   ${out.faint('the comparison in detail')}`);
        if (run.notice) console.log(`\n${out.warn(run.notice)}`);
      });
    });
}

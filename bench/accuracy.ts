/**
 * Measures the accuracy of the models on phantom studies that were not used to train or choose them. It generates the
 * studies, including awkward ones, scores them with `spineline score`, evaluates them, and prints every requirement
 * with the figure reached.
 *
 *   npm run accuracy -- [--studies 200] [--seed 20333] [--models DIR] [--out DIR] [--keep]
 *
 * Writes DIR/accuracy.json and DIR/accuracy.md; exits with 1 if a requirement is missed. Phantoms and the store go into
 * DIR as well and are removed at the end. With `--keep` they stay, and a later call with the same seed continues.
 *
 * Seed 20333 (`ACCURACY_SEED`) is reserved for this: nothing is trained, chosen or tuned on its studies. To choose
 * between models use another seed, or else the figures on this one become optimistic.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { generatePhantom, PHANTOM_VERSION } from '@spineline/phantom';
import { DEMO_BUNDLES } from '@spineline/shared/control';
import { STAGE_NAMES } from '@spineline/shared/domain';
import { evaluate, readCoordinates, readLabels } from '@spineline/shared/evaluation';
import { RunRecord } from '@spineline/shared/runs';
import { z } from 'zod';
import { predictionsOfRun, printEvaluation } from '../apps/producer/src/commands/evaluate.ts';
import { withStore } from '../apps/producer/src/connections.ts';
import { EXIT } from '../apps/producer/src/exit-codes.ts';
import { out as style, table } from '../apps/producer/src/terminal/style.ts';
import { ACCURACY_HEADER, accuracyCells, accuracyMarkdown, accuracyRows } from './accuracy-table.ts';

/** Used neither to train nor to choose models. */
export const ACCURACY_SEED = 20333;

interface Options {
  readonly studies: number;
  readonly seed: number;
  readonly resamples: number;
  /** Folder of the bundles stage1, stage2, stage3. */
  readonly models: string;
  readonly folder: string;
}

function readOptions(): Options & { readonly keep: boolean } {
  const { values } = parseArgs({
    options: {
      studies: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(ACCURACY_SEED) },
      models: { type: 'string', default: DEMO_BUNDLES },
      out: { type: 'string', default: 'out/accuracy' },
      resamples: { type: 'string', default: '1000' },
      keep: { type: 'boolean', default: false },
    },
  });
  return {
    studies: wholeNumber(values.studies),
    seed: wholeNumber(values.seed),
    resamples: wholeNumber(values.resamples),
    models: resolve(values.models),
    folder: resolve(values.out),
    keep: values.keep,
  };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`${text}: expected a whole number above 0`);
}

if (import.meta.main) {
  const options = readOptions();
  const [dataset, scored] = [join(options.folder, 'phantom'), join(options.folder, 'score')];
  await mkdir(options.folder, { recursive: true });
  try {
    await makePhantoms(dataset, options);
    const run = await score(dataset, scored, options);
    process.exitCode = (await report(dataset, scored, run, options)) ? 0 : 1;
  } finally {
    if (!options.keep) for (const own of [dataset, scored]) await rm(own, { recursive: true, force: true });
  }
}

/** Prints the evaluation and the table, and writes both files. @returns whether every requirement is met. */
async function report(
  dataset: string,
  scored: string,
  run: RunRecord,
  { folder, seed, resamples }: Options,
): Promise<boolean> {
  const store = pathToFileURL(join(scored, 'store')).href;
  const predicted = await withStore(({ runs }) => predictionsOfRun(runs, run.run), store);
  const labels = await readLabels(join(dataset, 'train.csv'));
  const coordinates = await readCoordinates(join(dataset, 'train_label_coordinates.csv'));
  const truth = await readCoordinates(join(dataset, 'truth_coordinates.csv'));
  const evaluation = evaluate(labels, predicted, coordinates);
  printEvaluation(evaluation, predicted, { details: true });
  const rows = accuracyRows({ labels, predicted, coordinates, truth }, { resamples, seed });
  const missed = rows.filter((row) => !row.met).length;
  const bundles = Object.values(run.bundles).map(
    ({ name, version, digest }) => `${name} ${version} (${digest.slice(0, 12)})`,
  );
  const failed = labels.size - evaluation.metric.counts.studies;
  const head = [
    `${labels.size} phantom studies of generator version ${PHANTOM_VERSION}, seed ${seed}, awkward ones included: ` +
      `${labels.size - failed} scored, ${failed} without a result. Bundles: ${bundles.join(', ')}.`,
    "`reached`: compared with the labels, whose places scatter as an annotator's do. 95 % intervals: bootstrap over studies, " +
      `${resamples} resamples. \`against truth\`: the same results compared with the exact places of the phantoms. ` +
      '`of truth`: the exact places compared with the labels. Baseline: always predicting the class frequencies.',
    run.notice,
  ];
  console.log(`\n${style.strong('Required and reached')}  ${head[0]}\n`);
  console.log(table(ACCURACY_HEADER, rows.map(accuracyCells)));
  const file = {
    schema: 'spineline.accuracy/1',
    notice: run.notice,
    phantom: { version: PHANTOM_VERSION, seed, studies: labels.size },
    bundles: run.bundles,
    resamples,
    met: missed === 0,
    rows,
    evaluation,
  };
  await writeFile(join(folder, 'accuracy.json'), `${JSON.stringify(file, null, 1)}\n`);
  await writeFile(join(folder, 'accuracy.md'), accuracyMarkdown(rows, head));
  const outcome = missed === 0 ? style.good('all met') : style.bad(`${missed} missed`);
  console.log(`\n${folder}/accuracy.json, accuracy.md   ${outcome}`);
  return missed === 0;
}

/** Generates the studies, unless an earlier call has left the same ones. */
async function makePhantoms(dataset: string, { studies, seed }: Options): Promise<void> {
  const there = await readFile(join(dataset, 'phantom.json'), 'utf8').then(JSON.parse, () => undefined);
  const same = there?.complete && there.version === PHANTOM_VERSION && there.seed === seed && there.studies === studies;
  if (same && there.awkwardStudies && there.firstStudy === 0) return;
  console.error(`generating ${studies} phantom studies of seed ${seed} in ${dataset}`);
  const said = Math.max(1, Math.round(studies / 10));
  await generatePhantom(dataset, {
    studies,
    seed,
    awkward: true,
    onProgress: (done) => {
      if (done % said === 0) console.error(`  ${done} of ${studies}`);
    },
  });
}

/** Scores them with the command line. @returns the settings of the run. */
async function score(dataset: string, scored: string, { models }: Options): Promise<RunRecord> {
  const program = fileURLToPath(new URL('../apps/producer/bin/spineline.js', import.meta.url));
  const bundles = STAGE_NAMES.flatMap((stage) => ['--models', `${stage}=${join(models, stage)}`]);
  const child = spawn(process.execPath, [program, 'score', dataset, '--out', scored, ...bundles, '--json'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'close');
  // Failed studies have no result; the table says how many failed.
  if (code !== EXIT.ok && code !== EXIT.someFailed) throw new Error(`spineline score ended with exit code ${code}`);
  const results = z.object({ run: RunRecord });
  return results.parse(JSON.parse(await readFile(join(scored, 'results.json'), 'utf8'))).run;
}

/** `spineline prepare`: makes arrays for training from a labelled dataset, with the functions that scoring uses. */

import { access } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { readSettings, type Settings } from '@spineline/shared/config';
import { readManifests } from '@spineline/shared/control';
import { ConfigError, counted, STAGE_NAMES, STAGE_NUMBERS, perStage, stageOfNumber } from '@spineline/shared/domain';
import { readCoordinates, readLabels } from '@spineline/shared/evaluation';
import { readStoredManifest } from '@spineline/shared/models';
import { DTYPES, type PreparedDataset, type PrepareOptions, prepareDataset } from '@spineline/shared/prepared';
import { openSources, type SourceReader } from '@spineline/shared/sources';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { withStore } from '../connections.ts';
import { openDatasetOf, printDatasetSummary } from '../datasets.ts';
import { EXIT } from '../exit-codes.ts';
import { modelsOption } from '../models-option.ts';
import { prepareProgress } from '../terminal/prepare-progress.ts';
import { duration, err, out } from '../terminal/style.ts';

interface PrepareCommandOptions {
  readonly out: string;
  readonly labels?: string;
  readonly coordinates?: string;
  readonly models: readonly string[];
  readonly store?: string;
  readonly split?: 'test' | 'train';
  readonly stages: PrepareOptions['stages'];
  readonly dtype: PrepareOptions['dtype'];
  readonly pool: PrepareOptions['pool'];
  readonly xyRoomSlices: number;
  readonly cropRoomSlices: number;
  readonly cropRoomPx: number;
  readonly studiesPerShard: number;
  readonly threads?: number;
  readonly json?: boolean;
}

export function addPrepare(program: Command): void {
  program
    .command('prepare')
    .description('make arrays for training from a labelled dataset, with the same functions as scoring')
    .argument('<dataset>', 'folder of DICOM files, s3://bucket/prefix/, or a manifest (*.jsonl, *.csv)')
    .requiredOption('-o, --out <dir>', 'folder for prepare.json and the shards; run again to continue after a stop')
    .option('-l, --labels <train.csv>', 'severities (default: train.csv in the folder, or next to the manifest)')
    .option(
      '-c, --coordinates <csv>',
      'labelled points (default: train_label_coordinates.csv in the folder of the labels)',
    )
    .addOption(
      modelsOption('bundle whose input settings to use: a folder, or bundle@version in the store', 'the demo bundles'),
    )
    .option('--store <url>', 'object store of bundle@version (default: SPINELINE_STORE_URL)')
    .option('--split <half>', 'test or train half of a challenge folder (default: train where there is one)')
    .addOption(
      new Option('--stages <list>', 'stages to make arrays for')
        .argParser(stageList)
        .default([...STAGE_NUMBERS], STAGE_NUMBERS.join(',')),
    )
    .addOption(
      new Option('--dtype <type>', 'exact: as fed to the models (float32); uint8: round(255 x)')
        .choices(DTYPES)
        .default('exact'),
    )
    .addOption(
      new Option('--pool <a,b,c>', 'average-pool the images of stages 1, 2, 3 by a x a, b x b, c x c')
        .argParser(pools)
        .default(
          perStage(() => 1),
          STAGE_NAMES.map(() => 1).join(','),
        ),
    )
    .option('--xy-room-slices <n>', 'extra slices at each end of the three slices of stage 2', wholeNumber, 0)
    .option('--crop-room-slices <n>', 'extra slices at each end of a crop', wholeNumber, 0)
    .option(
      '--crop-room-px <n>',
      'extra px around the window of a crop, at least, in px of a 512 x 512 slice',
      wholeNumber,
      0,
    )
    .option('--studies-per-shard <n>', 'studies per shard (one folder of arrays)', positiveNumber, 32)
    .option('--threads <n>', 'worker threads (default: one per core)', positiveNumber)
    .option('--json', 'print prepare.json')
    .addHelpText(
      'after',
      `
Writes DIR/prepare.json and DIR/shard-00000/*.npy ..., which numpy can map into memory (docs/prepared-data.md).
Uses labelled slices and points in place of predictions. With --dtype exact, no --pool and no room, the arrays are
bit for bit what the workers feed to the models. A study that cannot be read is skipped and listed.

Room (extra slices and pixels) lets training shift a slice or a window without reading images again. Use --pool for
small models that pool their input anyway.

Examples:
  small models:  spineline prepare demo --out prepared --dtype uint8 --pool 4,2,2 \\
                   --xy-room-slices 1 --crop-room-slices 2 --crop-room-px 20
  full models:   spineline prepare rsna --out prepared --dtype uint8 --models stage1=bundles/full/stage1 \\
                   --xy-room-slices 1 --crop-room-slices 2 --crop-room-px 10

Exit codes:
  0  all studies are prepared
  1  an unexpected error, or a server that did not answer: run it again
  2  the command line, settings, dataset, labels or a bundle cannot be used; nothing was done
  3  some studies were skipped: prepare.json says which and why`,
    )
    .action(async (dataset: string, options: PrepareCommandOptions) => {
      process.exitCode = await prepare(dataset, options);
    });
}

async function prepare(path: string, options: PrepareCommandOptions): Promise<number> {
  const started = performance.now();
  const settings = readSettings();
  const sources = openSources({ s3: settings.s3, dicomweb: settings.dicomweb });
  const manifests = await readManifests(options.models, (name, version) =>
    withStore(({ store }) => readStoredManifest(store, name, version), options.store, settings),
  );
  try {
    const dataset = await openTrainingDataset(path, { sources, settings }, options);
    if (dataset.scan) printDatasetSummary(dataset);
    const labels = options.labels ?? dataset.labels ?? join(dirname(resolve(path)), 'train.csv');
    const coordinates = options.coordinates ?? join(dirname(labels), 'train_label_coordinates.csv');
    await checkThere(labels, '--labels', 'train.csv');
    await checkThere(coordinates, '--coordinates', 'train_label_coordinates.csv');
    const view = prepareProgress();
    const { stages, dtype, pool, xyRoomSlices, cropRoomSlices, cropRoomPx, studiesPerShard } = options;
    let prepared: PreparedDataset;
    try {
      prepared = await prepareDataset({
        dataset: { name: basename(dataset.origin), studies: () => dataset.studies() },
        sources,
        labels: await readLabels(labels),
        coordinates: await readCoordinates(coordinates),
        bundles: perStage((stage) => manifests[stage].pin),
        settings: {
          stage1: manifests.stage1.bundle.input,
          stage2: manifests.stage2.bundle.input,
          stage3: manifests.stage3.bundle.crops,
        },
        options: { stages, dtype, pool, xyRoomSlices, cropRoomSlices, cropRoomPx, studiesPerShard },
        out: resolve(options.out),
        threads: options.threads ?? availableParallelism(),
        onProgress: (progress) => view.update(progress),
      });
    } finally {
      view.stop();
    }
    if (options.json) console.log(JSON.stringify(prepared));
    else printPrepared(prepared, options.out, (performance.now() - started) / 1000);
    return prepared.skipped.length > 0 ? EXIT.someFailed : EXIT.ok;
  } finally {
    await sources.close();
  }
}

/** Opens a dataset as other commands do; of a challenge folder it takes the half with labels. */
async function openTrainingDataset(
  path: string,
  side: { readonly sources: SourceReader; readonly settings: Settings },
  { split, out: folder }: Pick<PrepareCommandOptions, 'split' | 'out'>,
) {
  const dataset = await openDatasetOf(path, side, { split, own: [folder] });
  if (split !== undefined || dataset.split !== 'test') return dataset;
  return openDatasetOf(path, side, { split: 'train', own: [folder] });
}

async function checkThere(file: string, option: string, usual: string): Promise<void> {
  await access(file).catch((cause: unknown) => {
    throw new ConfigError(
      'no such file',
      { file, hint: `${option} says where the challenge's ${usual} is` },
      { cause },
    );
  });
}

function printPrepared(
  { studies, shards, skipped, unlabelled, labels }: PreparedDataset,
  folder: string,
  seconds: number,
) {
  console.log(
    `${counted(studies, 'study', 'studies')} in ${counted(shards.length, 'shard')} in ${out.strong(folder)}, ${duration(seconds)}`,
  );
  console.log(out.faint(`${counted(labels.used, 'labelled point')} used`));
  if (labels.unused > 0) {
    console.log(
      out.warn(`${counted(labels.unused, 'labelled point')} not used, in slices or series that the stages do not read`),
    );
  }
  if (unlabelled > 0) console.log(out.faint(`${counted(unlabelled, 'study', 'studies')} without labels left out`));
  for (const { code, message } of skipped) console.error(`${err.warn('skipped')} ${err.faint(code)} ${message}`);
}

function stageList(text: string): PrepareOptions['stages'] {
  const stages = [...new Set(text.split(','))].map(Number).sort();
  if (stages.every((number) => stageOfNumber(number))) return stages as PrepareOptions['stages'];
  throw new InvalidArgumentError(`Expected some of ${STAGE_NUMBERS.join(',')}.`);
}

function pools(text: string): PrepareOptions['pool'] {
  const numbers = text.split(',').map(positiveNumber);
  if (numbers.length === STAGE_NAMES.length) return perStage((_, place) => numbers[place]!);
  throw new InvalidArgumentError('Expected one number per stage, such as 4,2,2.');
}

function positiveNumber(text: string): number {
  const value = wholeNumber(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('Expected a whole number from 1.');
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError('Expected a whole number from 0.');
}

/**
 * Measures the three pools end to end against the floor, their model runs alone. See bench/README.md.
 *
 *   npm run bench:pipeline -- [--studies 2,10] [--bundles demo|full|DIR] [--s3] [--inference-threads 1,2]
 */

import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { STAGE_NAMES, type Stage } from '@spineline/shared/domain';
import { openStore } from '@spineline/shared/store';
import { PHASES } from '@spineline/shared/telemetry';
import { startS3, type TestS3 } from '../packages/shared/test/support/s3-server.ts';
import { measureFloor } from './floor-runs.ts';
import {
  bundlesFolder,
  figure,
  leastOf,
  machineLine,
  measuredScore,
  modelsParameters,
  phantoms,
  printTable,
  readOptions,
  say,
  type Steady,
  steadyState,
  twoSizes,
  wholeNumber,
  writeJson,
} from './table.ts';

const HELP = `
usage: npm run bench:pipeline -- [OPTION ...]

Scores phantom studies with all three worker pools, with two numbers of studies, and compares the difference with the
model runs of as many studies alone (npm run bench:floor).

  --studies FEW,MANY   the two numbers of studies (default 2,10)
  --bundles WHICH      demo (default), full (full width, random weights) or a folder with stage1, stage2, stage3
  --s3                 images and store on an S3 server that is started for this (its CPU time does not count)
  --inference-threads  inference threads per worker, one or more numbers such as 1,2 (default: that of the setting)
  --repeat N           runs of each size; the least times count (default 1)
  --floor-studies N    studies per process of the floor (default 4)
`;

const LOOK_EVERY_MS = 400;

/** Seconds by stage and phase, summed over jobs; jobs of one worker overlap. */
type PhaseSeconds = Record<Stage, Record<string, number>>;

/** Where a benchmark reads its images and keeps its store. */
interface Place {
  readonly dataset: string;
  readonly parameters: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const options = readOptions('pipeline', HELP, {
  studies: { type: 'string', default: '2,10' },
  bundles: { type: 'string', default: 'demo' },
  s3: { type: 'boolean', default: false },
  'inference-threads': { type: 'string' },
  repeat: { type: 'string', default: '1' },
  'floor-studies': { type: 'string', default: '4' },
});
const sizes = twoSizes(options.studies);
/** Inference threads per worker; `undefined`: the default of the setting. */
const threads = options['inference-threads']?.split(',').map((text) => wholeNumber('inference-threads', text)) ?? [
  undefined,
];
const repeats = wholeNumber('repeat', options.repeat);
const models = await bundlesFolder(options.bundles);
const folder = await mkdtemp(join(tmpdir(), 'spineline-bench-'));
const s3 = options.s3 ? await startS3() : undefined;
try {
  console.log(machineLine());
  const datasets = await Promise.all(sizes.map((size) => phantoms(join(folder, `phantom-${size}`), size)));
  const floor = await measureFloor({
    models,
    studies: wholeNumber('floor-studies', options['floor-studies']),
    processes: availableParallelism(),
    batchSize: 1,
  });
  const measurements: { inferenceThreads: string; steady: Steady; phases: PhaseSeconds }[] = [];
  for (const count of threads) {
    measurements.push({ inferenceThreads: String(count ?? 'default'), ...(await measurePipeline(datasets, count)) });
  }

  printTable(
    `${options.bundles} bundles, store on ${s3 ? s3.kind.name : 'the file system'}, per study between ${sizes[0]} and ${sizes[1]} studies`,
    ['what', 'CPU s', 'times the floor', 'studies per minute', 'share of the floor', 'start-up CPU s', 'start-up s'],
    [
      ['floor', figure(floor.cpuPerStudy), '1.00', figure(60 / floor.secondsPerStudy), '100 %', '', ''],
      ...measurements.map(({ inferenceThreads, steady: { cpuPerStudy, secondsPerStudy, startUp } }) => [
        `pipeline, inference threads per worker: ${inferenceThreads}`,
        figure(cpuPerStudy),
        (cpuPerStudy / floor.cpuPerStudy).toFixed(2),
        figure(60 / secondsPerStudy),
        `${((100 * floor.secondsPerStudy) / secondsPerStudy).toFixed(0)} %`,
        figure(startUp.cpuSeconds),
        figure(startUp.seconds),
      ]),
    ],
  );
  for (const { inferenceThreads, phases } of measurements) printPhases(inferenceThreads, phases);
  await writeJson(options.json, 'pipeline', {
    bundles: options.bundles,
    store: s3?.kind.name ?? 'file',
    studies: sizes,
    floor,
    pipeline: measurements.map((one) => ({ ...one, timesTheFloor: one.steady.cpuPerStudy / floor.cpuPerStudy })),
  });
} finally {
  await s3?.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Scores both datasets, each with an empty store. The phases are those of the larger one. */
async function measurePipeline(
  datasets: readonly string[],
  inferenceThreads: number | undefined,
): Promise<{ steady: Steady; phases: PhaseSeconds }> {
  const phases = Object.fromEntries(STAGE_NAMES.map((stage) => [stage, {}])) as PhaseSeconds;
  const runs = [];
  for (const [i, dataset] of datasets.entries()) {
    const run = await leastOf(repeats, async (repeat) => {
      say(`pipeline: ${sizes[i]} studies, inference threads per worker: ${inferenceThreads ?? 'default'}`);
      const out = join(folder, `score-${inferenceThreads}-${sizes[i]}-${repeat}`);
      await mkdir(out, { recursive: true });
      const place: Place = s3 ? await placeOnS3(s3, dataset) : { dataset, parameters: [], env: {} };
      return measuredScore(place.dataset, out, [...modelsParameters(models), ...place.parameters], {
        env: { ...place.env, ...(inferenceThreads && { SPINELINE_INFERENCE_THREADS: String(inferenceThreads) }) },
        meanwhile: (ended) => watchPhases(out, phases, ended),
      });
    });
    if (run.scored !== sizes[i]) throw new Error(`${run.scored} of ${sizes[i]} studies were scored`);
    runs.push(run);
  }
  return { steady: steadyState(sizes, [runs[0]!, runs[1]!]), phases };
}

/** Puts the images into a new bucket. They are found by their headers there, because there is no table of series. */
async function placeOnS3(s3: TestS3, dataset: string): Promise<Place> {
  const bucket = `s3://${s3.newBucket()}`;
  const store = await openStore(bucket, { ...s3.options, createBucket: true });
  try {
    // The images are there twice: test_images is a link to train_images.
    const images = join(dataset, 'train_images');
    for (const entry of await readdir(images, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      await store.put(`images/${relative(images, file)}`, await readFile(file));
    }
  } finally {
    await store.close();
  }
  return {
    dataset: `${bucket}/images/`,
    parameters: ['--store', `${bucket}/store`],
    env: {
      SPINELINE_S3_ENDPOINT: s3.endpoint,
      SPINELINE_S3_REGION: s3.options.region!,
      SPINELINE_S3_ACCESS_KEY_ID: s3.options.accessKeyId!,
      SPINELINE_S3_SECRET_ACCESS_KEY: s3.options.secretAccessKey!,
    },
  };
}

/** Reads the phases of the workers until they end: the last values read before that count. */
async function watchPhases(out: string, phases: PhaseSeconds, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    for (const stage of STAGE_NAMES) await readPhases(stage, out, phases[stage]);
    await sleep(LOOK_EVERY_MS, undefined, { signal: ended }).catch(() => {});
  }
}

/** The log of a worker has the address of its metrics. */
async function readPhases(stage: Stage, out: string, phases: Record<string, number>): Promise<void> {
  const log = await readFile(join(out, 'logs', `${stage}.log`), 'utf8').catch(() => '');
  const address = /"health":"([^"]+)"/.exec(log)?.[1];
  const answer = address && (await fetch(`${address}/metrics`).catch(() => undefined));
  const metrics = answer ? await answer.text().catch(() => '') : '';
  for (const phase of PHASES) {
    const line = new RegExp(`^spineline_phase_seconds_sum\\{stage="${stage}",phase="${phase}"\\} (\\S+)$`, 'm');
    const found = line.exec(metrics)?.[1];
    if (found) phases[phase] = Number(found);
  }
}

function printPhases(inferenceThreads: string, phases: PhaseSeconds): void {
  printTable(
    `where the time of a job goes, inference threads per worker: ${inferenceThreads}`,
    ['stage', ...PHASES],
    STAGE_NAMES.map((stage) => {
      const seconds = PHASES.map((phase) => phases[stage][phase] ?? 0);
      const sum = seconds.reduce((a, b) => a + b, 0) || 1;
      return [stage, ...seconds.map((one) => `${((100 * one) / sum).toFixed(0)} %`)];
    }),
  );
}

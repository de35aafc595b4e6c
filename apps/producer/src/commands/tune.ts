/** `spineline tune`: measures which settings run the models of a bundle fastest on this machine. */

import { access, constants, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { quoted, readSettings, type Settings } from '@spineline/shared/config';
import { storedName } from '@spineline/shared/control';
import { ConfigError, counted } from '@spineline/shared/domain';
import { type Measured, type Trial, tune, type Tuned } from '@spineline/shared/inference';
import {
  type Bundle,
  bundleDigest,
  readBundleManifest,
  readStoredBundle,
  readStoredManifest,
} from '@spineline/shared/models';
import { type Command, InvalidArgumentError } from 'commander';
import { withStore } from '../connections.ts';
import { out, table } from '../terminal/style.ts';
import { tuneProgress } from '../terminal/tune-progress.ts';

interface TuneCommandOptions {
  readonly out?: string;
  readonly force?: boolean;
  readonly seconds: number;
  readonly store?: string;
  readonly json?: boolean;
}

const SECONDS = 60;
const MOST_SECONDS = 86_400;
const GIB = 1024 ** 3;

export function addTune(program: Command): void {
  program
    .command('tune')
    .description('measure which threads and batch size run the models of a bundle fastest on this machine')
    .argument('<bundle>', 'a folder with bundle.json, or bundle@version in the store')
    .option('-o, --out <file>', 'env file to write (default: stageN.env)')
    .option('--force', 'replace the env file if it exists')
    .option('--seconds <n>', 'time to measure, for all candidates together', seconds, SECONDS)
    .option('--store <url>', 'object store of bundle@version (default: SPINELINE_STORE_URL)')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
A worker of stage N runs the models of the bundle in inference threads, each with its own copy of the models. ONNX
Runtime computes each run with intra-op threads, on a CPU. A run takes a batch of samples. tune runs the models on random
values, in the shapes and numbers of real studies, with several such settings, each for the same time. It prints how many
studies per minute the models alone reach, and writes the best settings to a file. Speeds less than 3 % apart count as
equal; then fewer threads and less memory are better.

The environment says where the models run: SPINELINE_EXECUTION_PROVIDER, SPINELINE_GPU_DEVICES and the settings of the
provider. Settings of threads and batch size in the environment are not used.

Other work on the machine disturbs the measurement: run tune on an idle machine. Reading, decoding and writing are not
measured. If three workers share the machine, set SPINELINE_MACHINE_WORKERS=3: each may then use half of the cores, since
they take turns, and a third of the memory. A setting that needs more is left out.

Loading the models takes time besides. TensorRT builds its engines first, which takes minutes; SPINELINE_TENSORRT_CACHE
keeps them.

Example:
  spineline tune models/demo/stage3                                write stage3.env
  (set -a; . ./stage3.env; set +a; node apps/worker-stage3/src/main.ts)
  docker run --env-file stage3.env ...`,
    )
    .action(tuneBundle);
}

async function tuneBundle(name: string, options: TuneCommandOptions): Promise<void> {
  const { worker } = readSettings(untuned(process.env));
  const temporary = await mkdtemp(join(tmpdir(), 'spineline-tune-'));
  try {
    const { folder, bundle } = await bundleFolder(name, options.store, temporary);
    const file = options.out ?? `stage${bundle.stage}.env`;
    await assertWritable(file, options.force);
    const tensorrt = { ...worker.tensorrt, cache: worker.tensorrt.cache ?? join(temporary, 'engines') };
    const view = tuneProgress();
    const tuned = await tune(
      folder,
      { bundle, worker: { ...worker, tensorrt } },
      { seconds: options.seconds, onProgress: (progress) => view.update(progress) },
    ).finally(() => view.stop());
    await writeFile(file, envFile(bundle, worker, tuned.chosen), { flag: options.force ? 'w' : 'wx' });
    if (options.json) {
      const { name: bundleName, version, stage } = bundle;
      const { executionProvider: provider, devices, machine } = worker;
      console.log(
        JSON.stringify({ bundle: `${bundleName}@${version}`, stage, provider, devices, machine, ...tuned, file }),
      );
    } else {
      print(bundle, worker, tuned, file);
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The environment without the settings that are measured, so that they follow from the machine. */
function untuned(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const {
    SPINELINE_INFERENCE_THREADS,
    SPINELINE_INTRA_OP_THREADS,
    SPINELINE_BATCH_SIZE,
    SPINELINE_CONCURRENCY,
    ...rest
  } = environment;
  return rest;
}

/** A bundle in the store is copied to `temporary`, for the processes that run it. */
async function bundleFolder(
  name: string,
  storeUrl: string | undefined,
  temporary: string,
): Promise<{ folder: string; bundle: Bundle }> {
  const stored = storedName(name);
  if (!stored) return { folder: name, bundle: await readBundleManifest(name) };
  const [bundleName, version] = stored;
  return withStore(async ({ store }) => {
    const manifest = await readStoredManifest(store, bundleName, version);
    const pin = { name: bundleName, version, digest: bundleDigest(manifest) };
    const { bundle, files } = await readStoredBundle(store, pin);
    for (const [file, bytes] of files) await writeFile(join(temporary, file), bytes);
    await writeFile(join(temporary, 'bundle.json'), JSON.stringify(bundle));
    return { folder: temporary, bundle };
  }, storeUrl);
}

/** Checks the file before a minute of measuring. */
async function assertWritable(file: string, force = false): Promise<void> {
  await access(dirname(file), constants.W_OK).catch((cause: unknown) => {
    throw new ConfigError(`${file} cannot be written`, { hint: 'name a file in an existing folder' }, { cause });
  });
  if (force || !(await stat(file).catch(() => undefined))) return;
  throw new ConfigError(`${file} exists`, { hint: 'name another file with --out, or replace it with --force' });
}

/** The best settings, as `docker run --env-file` and a shell read them. */
function envFile(
  { name, version, stage }: Bundle,
  { executionProvider, devices, machine }: Settings['worker'],
  { inferenceThreads, intraOpThreads, batchSize, concurrency, studiesPerMinute }: Measured,
): string {
  const where = executionProvider === 'cpu' ? 'cpu' : `${executionProvider}, GPU ${devices.join(',')}`;
  return [
    `# Made by \`spineline tune\` for a worker of stage ${stage} with ${name}@${version}.`,
    `# ${where}, ${counted(machine.cores, 'core')}: ${figure(studiesPerMinute)} studies per minute of the models alone.`,
    `SPINELINE_EXECUTION_PROVIDER=${executionProvider}`,
    `SPINELINE_GPU_DEVICES=${devices.join(',')}`,
    `SPINELINE_INFERENCE_THREADS=${inferenceThreads}`,
    `SPINELINE_INTRA_OP_THREADS=${intraOpThreads}`,
    `SPINELINE_BATCH_SIZE=${batchSize}`,
    `SPINELINE_CONCURRENCY=${concurrency}`,
    '',
  ].join('\n');
}

function print(
  { name, version, stage }: Bundle,
  { executionProvider, devices, machine }: Settings['worker'],
  { trials, chosen, byDefault }: Tuned,
  file: string,
): void {
  const gpus = executionProvider === 'cpu' ? '' : `, GPU ${devices.join(',')}`;
  console.log(
    `${out.strong(`${name}@${version}`)}  stage ${stage}, ${executionProvider}${gpus}, ${counted(machine.cores, 'core')}, ` +
      `${(machine.memory / GIB).toFixed(1)} GiB for this worker\n`,
  );
  console.log(
    table(
      ['inference threads', 'intra-op', 'batch', 'studies per minute', 'ratio to default', 'memory MiB', ''],
      trials.map((trial) => [
        String(trial.inferenceThreads),
        String(trial.intraOpThreads),
        String(trial.batchSize),
        ...('failure' in trial
          ? ['-', '-', '-', `left out: ${trial.failure}`]
          : [
              figure(trial.studiesPerMinute),
              byDefault ? (trial.studiesPerMinute / byDefault.studiesPerMinute).toFixed(2) : '-',
              String(Math.round(trial.memory / 1024 ** 2)),
              noteOf(trial, chosen, byDefault),
            ]),
      ]),
    ),
  );
  const { inferenceThreads, intraOpThreads, batchSize, concurrency } = chosen;
  console.log(
    `\n${out.good('best')}  ${counted(inferenceThreads, 'inference thread')}, ` +
      `${counted(intraOpThreads, 'intra-op thread')}, batches of ${batchSize}`,
  );
  console.log(`${out.strong(file)} has these settings, the provider, and ${concurrency} studies at a time`);
  const path = file.includes('/') ? file : `./${file}`;
  console.log(`\nto use it in a shell:  set -a; . ${quoted(path)}; set +a; node apps/worker-stage${stage}/src/main.ts`);
  console.log(`with Docker:           docker run --env-file ${quoted(file)} ...`);
}

function noteOf(trial: Trial, chosen: Measured, byDefault: Measured | undefined): string {
  return [trial === chosen && 'best', trial === byDefault && 'default'].filter(Boolean).join(', ');
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= MOST_SECONDS) return value;
  throw new InvalidArgumentError(`Expected a number above 0, up to ${MOST_SECONDS}.`);
}

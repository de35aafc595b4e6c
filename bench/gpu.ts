/**
 * Measures a machine with a GPU: every model alone on each execution provider, then the three pools. See
 * bench/README.md.
 *
 *   npm run bench:gpu -- [--providers cuda,tensorrt] [--bundles DIR ...] [--studies 4,20] [--cores 8] [--no-cpu]
 */

import '../packages/shared/inference/no-telemetry.ts';
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings, type Settings } from '@spineline/shared/config';
import { STAGE_NAMES, type Stage } from '@spineline/shared/domain';
import type { Placement } from '@spineline/shared/inference';
import { membersOf, readBundleFolder } from '@spineline/shared/models';
import type { ProviderSettings } from '../packages/shared/inference/execution-provider.ts';
import { SAMPLES_PER_STUDY } from '../packages/shared/inference/tune-load.ts';
import { inputsOf } from '../packages/shared/models/bundle.ts';
import { addFigures, type MemberFigures, type MemberRequest, modelsMs } from './gpu-figures.ts';
import {
  beside,
  bundlesFolder,
  figure,
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
usage: npm run bench:gpu -- [OPTION ...]

Runs every model of the bundles alone on each execution provider, and then scores phantom studies with all three pools.
SPINELINE_GPU_DEVICES and the other settings of the providers count (docs/configuration.md).

  --providers LIST     such as cuda,tensorrt,webgpu,cpu (default: cuda, tensorrt and webgpu, if they start here)
  --bundles WHICH      demo (default), full or a folder with stage1, stage2, stage3; repeatable
  --studies FEW,MANY   two numbers of studies for the pools (default 4,20)
  --threads LIST       inference threads per GPU for the pools (default 1,2)
  --cores N            use only N cores, with taskset
  --no-cpu             do not compare the outputs with those of the CPU, which is slow for large models
  --no-pools           measure the models only
  --limit SECONDS      end the measurement of a model after this time (default 900)
`;

const PROVIDERS = ['cuda', 'tensorrt', 'webgpu'];
const BATCHES = [1, 2, 4, 8];

/** One model on one provider. */
interface MemberRow extends MemberFigures {
  readonly stage: Stage;
  readonly task: string;
  readonly file: string;
  readonly samples: number;
}

/** The three pools with a number of inference threads per GPU. */
interface PoolRow {
  readonly threadsPerGpu: number;
  readonly steady?: Steady;
  readonly studiesPerMinute?: number;
  /** Studies per minute, divided by what the models alone would reach. */
  readonly shareOfModels?: number | undefined;
  readonly failure?: string;
}

const options = readOptions('gpu', HELP, {
  providers: { type: 'string' },
  bundles: { type: 'string', multiple: true, default: ['demo'] },
  studies: { type: 'string', default: '4,20' },
  threads: { type: 'string', default: '1,2' },
  cores: { type: 'string' },
  'no-cpu': { type: 'boolean', default: false },
  'no-pools': { type: 'boolean', default: false },
  limit: { type: 'string', default: '900' },
});
const sizes = twoSizes(options.studies);
const threadCounts = options.threads.split(',').map((text) => wholeNumber('threads', text));
const limitMs = 1000 * wholeNumber('limit', options.limit);
if (options.cores) useCores(wholeNumber('cores', options.cores));

const folder = await mkdtemp(join(tmpdir(), 'spineline-bench-'));
try {
  console.log(machineLine());
  for (const gpu of gpus()) console.log(gpu);
  const providers = await startingProviders();
  if (providers.length > 0) await measureAll(providers);
  else console.log('\nno execution provider of a GPU starts here: nothing is measured');
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measureAll(providers: readonly string[]): Promise<void> {
  const datasets = options['no-pools']
    ? []
    : [await phantoms(join(folder, 'few'), sizes[0]), await phantoms(join(folder, 'many'), sizes[1])];
  const figures = [];
  for (const bundles of options.bundles) {
    const models = await bundlesFolder(bundles);
    for (const name of providers) {
      const members = await measureMembers(models, name);
      printMembers(`${name}, ${bundles}: each model alone, ms per run by batch size`, members);
      const alone = modelsMs(
        members.map(({ samples, batchMs = {} }) => ({ samples, batchMs })),
        settingsOf(name).batchSize,
      );
      const pools = datasets.length > 0 ? await measurePools(models, name, datasets, alone) : [];
      if (pools.length > 0) printPools(`${name}, ${bundles}: all three pools, per study`, pools, alone);
      figures.push({ bundles, provider: name, members, modelsMsPerStudy: alone, pools });
    }
  }
  const cores = availableParallelism();
  await writeJson(options.json, 'gpu', { gpus: gpus(), cores, studies: sizes, measurements: figures });
}

/** Keeps this process, and those that it starts, on the first cores that it may use. */
function useCores(count: number): void {
  const [, list] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  const allowed = list!.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
  const chosen = allowed.slice(0, count).join(',');
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', chosen, String(process.pid)], { stdio: 'ignore' });
}

/** Names and drivers of NVIDIA's GPUs. */
function gpus(): string[] {
  try {
    const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return execFileSync('nvidia-smi', query, { encoding: 'utf8', stdio }).trim().split('\n');
  } catch {
    return [];
  }
}

/** The providers to measure. A process for each finds out if it starts, since a driver may crash. */
async function startingProviders(): Promise<string[]> {
  const found: string[] = [];
  for (const name of options.providers?.split(',') ?? PROVIDERS) {
    const { failure } = await inProcess('gpu-check.ts', settingsOf(name), 60_000);
    if (failure === undefined) found.push(name);
    else console.log(`${name}: ${failure}`);
  }
  return found;
}

/** The settings of a worker on this provider. TensorRT keeps its engines for the runs that follow. */
function settingsOf(name: string): Settings['worker'] & ProviderSettings {
  const { worker } = readSettings(environmentOf(name));
  const cache = worker.tensorrt.cache ?? join(folder, 'engines');
  return { ...worker, tensorrt: { ...worker.tensorrt, cache } };
}

function environmentOf(name: string): NodeJS.ProcessEnv {
  return { ...process.env, SPINELINE_EXECUTION_PROVIDER: name };
}

async function measureMembers(models: string, name: string): Promise<MemberRow[]> {
  const { executionProvider, devices, tf32, tensorrt } = settingsOf(name);
  const provider = { executionProvider, devices, tf32, tensorrt };
  const rows: MemberRow[] = [];
  for (const stage of STAGE_NAMES) {
    const { bundle } = await readBundleFolder(join(models, stage));
    for (const { task, member } of membersOf(bundle)) {
      say(`${name}: ${stage}, ${member.file}`);
      const request: MemberRequest = {
        file: join(models, stage, member.file),
        precision: member.precision ?? 'float32',
        inputs: inputsOf(bundle, task),
        batches: BATCHES,
        provider,
        cores: availableParallelism(),
        compare: !options['no-cpu'],
      };
      const figures = await inProcess('gpu-member.ts', request, limitMs);
      rows.push({ stage, task, file: member.file, samples: SAMPLES_PER_STUDY[bundle.stage][task]!, ...figures });
    }
  }
  return rows;
}

/** Sends a request to a process, and collects what it answers until it ends. */
async function inProcess(file: string, request: object, withinMs: number): Promise<MemberFigures> {
  const child = fork(beside(file), { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let figures: MemberFigures = {};
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.on('message', (more: MemberFigures) => {
    figures = addFigures(figures, more);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
  const began = performance.now();
  child.send(request);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  if (figures.done || figures.failure !== undefined) return figures;
  const late = performance.now() - began >= withinMs;
  const how = late ? `not finished after ${withinMs / 1000} s` : `ended with ${signal ?? `code ${code}`}`;
  const [line = ''] = stderr.trim().split('\n').slice(-1);
  return { ...figures, failure: `${how} ${line}`.trim().slice(0, 300) };
}

function printMembers(title: string, rows: readonly MemberRow[]): void {
  const ms = (value: number | undefined) => (value === undefined ? '-' : figure(value));
  printTable(
    title,
    ['stage', 'model', 'load ms', 'first run', ...BATCHES.map(String), 'nodes elsewhere', 'difference', ''],
    rows.map(({ stage, task, file, loadMs, firstRunMs, batchMs = {}, placement, difference, failure = '' }) => [
      stage,
      `${task}/${file}`,
      ms(loadMs),
      ms(firstRunMs),
      ...BATCHES.map((batch) => ms(batchMs[batch])),
      placement ? elsewhereOf(placement) : '-',
      difference === undefined ? '-' : difference.toExponential(1),
      failure,
    ]),
  );
}

/** `3: Shape x 2, Gather x 1`; `0` if all nodes run on the provider. */
function elsewhereOf({ elsewhere }: Placement): string {
  const count = Object.values(elsewhere).reduce((sum, nodes) => sum + nodes, 0);
  const operators = Object.entries(elsewhere).map(([operator, nodes]) => `${operator} x ${nodes}`);
  return count === 0 ? '0' : `${count}: ${operators.join(', ')}`;
}

/** @param alone how long the models of a study take, in ms. */
async function measurePools(
  models: string,
  name: string,
  datasets: readonly string[],
  alone: number | undefined,
): Promise<PoolRow[]> {
  const { devices, tensorrt } = settingsOf(name);
  const rows: PoolRow[] = [];
  for (const threadsPerGpu of threadCounts) {
    const env = {
      SPINELINE_EXECUTION_PROVIDER: name,
      SPINELINE_INFERENCE_THREADS: String(threadsPerGpu * devices.length),
      SPINELINE_TENSORRT_CACHE: tensorrt.cache!,
    };
    try {
      const runs = [];
      for (const [i, dataset] of datasets.entries()) {
        say(`${name}: ${sizes[i]} studies, inference threads per GPU: ${threadsPerGpu}`);
        const out = await mkdtemp(join(folder, 'score-'));
        runs.push(await measuredScore(dataset, out, modelsParameters(models), { env }));
        await rm(out, { recursive: true, force: true });
      }
      const steady = steadyState(sizes, [runs[0]!, runs[1]!]);
      if (steady.secondsPerStudy <= 0) throw new Error('too few studies: start-up varied by more than they took');
      const studiesPerMinute = 60 / steady.secondsPerStudy;
      // All GPUs run models at the same time.
      const shareOfModels = alone && alone / devices.length / 1000 / steady.secondsPerStudy;
      rows.push({ threadsPerGpu, steady, studiesPerMinute, shareOfModels });
    } catch (error) {
      rows.push({ threadsPerGpu, failure: (error as Error).message });
    }
  }
  return rows;
}

function printPools(title: string, rows: readonly PoolRow[], alone: number | undefined): void {
  printTable(
    title,
    [
      'inference threads per GPU',
      'studies per minute',
      'models alone ms',
      'share of the models',
      'CPU s',
      'start-up s',
      '',
    ],
    rows.map(({ threadsPerGpu, steady, studiesPerMinute, shareOfModels, failure = '' }) => [
      String(threadsPerGpu),
      studiesPerMinute === undefined ? '-' : figure(studiesPerMinute),
      alone === undefined ? '-' : figure(alone),
      shareOfModels === undefined ? '-' : `${(100 * shareOfModels).toFixed(0)} %`,
      steady ? figure(steady.cpuPerStudy) : '-',
      steady ? figure(steady.startUp.seconds) : '-',
      failure.replaceAll(/\s+/g, ' ').slice(0, 500),
    ]),
  );
}

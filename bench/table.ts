/**
 * What the benchmarks share: the CPU time of a command with all its children, a description of the machine, the table
 * on the terminal, the JSON file beside it, and the common command-line options.
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { generatePhantom } from '@spineline/phantom';
import { DEMO_BUNDLES } from '@spineline/shared/control';
import { z } from 'zod';
import { EXIT } from '../apps/producer/src/exit-codes.ts';
import { table } from '../apps/producer/src/terminal/style.ts';

/** The root of the repository. */
const ROOT = resolve(import.meta.dirname, '..');

/** The `spineline` command, for `node`. */
const SPINELINE = join(ROOT, 'apps/producer/bin/spineline.js');

/** The seed of the phantom studies of all benchmarks. */
const SEED = 77;

/** Processes that wanted to run during the minute before this benchmark began. */
const [LOAD_BEFORE] = loadavg();

/** Says on standard error what a benchmark is doing. */
export function say(line: string): void {
  console.error(line);
}

/**
 * Reads the options of a benchmark. `--json FILE` and `--help` are added to its own.
 *
 * Prints `help` and ends the process for `--help`; ends it with exit code 2 for an option that does not exist.
 *
 * @param name the default of `--json` is `out/bench/NAME.json`.
 */
export function readOptions<Options extends NonNullable<ParseArgsConfig['options']>>(
  name: string,
  help: string,
  options: Options,
) {
  const common = { json: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
  const json = `--json FILE          where to write the figures (default out/bench/${name}.json)`;
  try {
    const { values } = parseArgs({ options: { ...options, ...common } });
    if ((values as { help?: boolean }).help) {
      console.log(`${help.trim()}\n  ${json}`);
      process.exit(0);
    }
    return { ...values, json: (values as { json?: string }).json ?? join(ROOT, `out/bench/${name}.json`) };
  } catch (error) {
    return refuse(`${(error as Error).message}\n\n${help.trim()}\n  ${json}`);
  }
}

/** The value of an option that is a whole number above 0. Ends the process with exit code 2 if it is not. */
export function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : refuse(`--${option} ${text}: expected a whole number`);
}

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

/** Prints a title and a table. */
export function printTable(title: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`\n${title}\n`);
  console.log(table(header, rows));
}

/** Writes the figures of a benchmark, with the machine that they were measured on. */
export async function writeJson(file: string, benchmark: string, figures: object): Promise<void> {
  await mkdir(dirname(resolve(file)), { recursive: true });
  const content = { schema: 'spineline.bench/1', benchmark, measured: new Date().toISOString(), machine: machine() };
  await writeFile(file, `${JSON.stringify({ ...content, ...figures }, null, 1)}\n`);
  console.log(`\n${file}`);
}

export interface Machine {
  readonly cpu: string;
  /** Cores that this process may use. */
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly onnxRuntime: string;
  /** Load average of the minute before the benchmark: above 0.3, other programs have used the cores. */
  readonly loadBefore: number;
  /** The commit of this repository; `+` at its end means that files were changed since. */
  readonly commit: string;
}

function machine(): Machine {
  const git = (...command: string[]) => {
    try {
      return execFileSync('git', command, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      return undefined;
    }
  };
  const commit = git('rev-parse', '--short=12', 'HEAD');
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    onnxRuntime: onnxRuntimeVersion(),
    loadBefore: LOAD_BEFORE!,
    commit: commit ? `${commit}${git('status', '--porcelain') ? '+' : ''}` : 'unknown',
  };
}

/** The machine in one line. */
export function machineLine(): string {
  const { cpu, cores, memoryGb, node, onnxRuntime, loadBefore, commit } = machine();
  const load = loadBefore > 0.3 ? `; OTHER WORK on the machine, load ${loadBefore.toFixed(1)}` : '';
  return `${cpu}, ${cores} cores, ${memoryGb} GB; Node ${node}, ONNX Runtime ${onnxRuntime}, commit ${commit}${load}`;
}

/** The version of onnxruntime-node, as a Python package has it. */
export function onnxRuntimeVersion(): string {
  return process.getBuiltinModule('module').createRequire(import.meta.url)('onnxruntime-node/package.json').version;
}

/** What a command used. */
export interface Usage {
  /** Wall time, s. */
  readonly seconds: number;
  /** User and system time of the command and of all its children that have ended, s. */
  readonly cpuSeconds: number;
}

export interface MeasuredOptions {
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are no error. Default: 0. */
  readonly allowed?: readonly number[];
  /** Called once the command runs. @param ended aborts when the command has ended. */
  readonly meanwhile?: (ended: AbortSignal) => Promise<void>;
}

/**
 * Runs a command and measures it. A shell waits for it and reads the times of its children from the kernel, so that the
 * workers and servers that the command started and waited for count too.
 *
 * @returns what it used, and what it printed on standard output.
 * @throws {Error} with the end of standard error, if the exit code is not allowed.
 */
export async function measured(
  command: readonly string[],
  { env = {}, allowed = [0], meanwhile }: MeasuredOptions = {},
): Promise<Usage & { stdout: string }> {
  const started = performance.now();
  const child = spawn('sh', ['-c', '"$@" 3>&-; code=$?; times >&3; exit $code', 'sh', ...command], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const texts = ['', '', ''];
  for (const [i, stream] of [child.stdout, child.stderr, child.stdio[3]].entries()) {
    stream!.on('data', (chunk: Buffer) => {
      texts[i] += chunk.toString();
    });
  }
  const ended = new AbortController();
  const watching = meanwhile?.(ended.signal);
  const [code] = (await once(child, 'close')) as [number | null];
  const seconds = (performance.now() - started) / 1000;
  ended.abort();
  await watching;
  const [stdout, stderr, times] = texts as [string, string, string];
  if (code === null || !allowed.includes(code)) {
    throw new Error(`${command.slice(0, 3).join(' ')} ... ended with exit code ${code}:\n${stderr.slice(-2000)}`);
  }
  return { seconds, cpuSeconds: childSeconds(times), stdout };
}

/** The second line of the shell's `times`, such as `0m1.230s 0m0.250s`: user and system time of its children. */
function childSeconds(times: string): number {
  const found = [...(times.trim().split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  if (found.length !== 2) throw new Error(`the shell printed no times: ${times}`);
  return found.reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);
}

/** Two runs of different size: what they used, and what one more study needs. */
export interface Steady {
  readonly sizes: readonly [number, number];
  readonly runs: readonly [Usage, Usage];
  /** CPU seconds per study. */
  readonly cpuPerStudy: number;
  /** Wall seconds per study. */
  readonly secondsPerStudy: number;
  /** What the start-up needed, as if the first study cost as much as the others. */
  readonly startUp: Usage;
}

/**
 * Separates the start-up from the steady state: the difference between the two runs is due to the studies that only the
 * larger one has.
 */
export function steadyState(sizes: readonly [number, number], runs: readonly [Usage, Usage]): Steady {
  const [few, many] = runs;
  const more = sizes[1] - sizes[0];
  const cpuPerStudy = (many.cpuSeconds - few.cpuSeconds) / more;
  const secondsPerStudy = (many.seconds - few.seconds) / more;
  const startUp = {
    seconds: few.seconds - sizes[0] * secondsPerStudy,
    cpuSeconds: few.cpuSeconds - sizes[0] * cpuPerStudy,
  };
  return { sizes, runs: [usageOf(few), usageOf(many)], cpuPerStudy, secondsPerStudy, startUp };
}

/** The least CPU time and the least wall time of several runs: other work on the machine only adds to both. */
export async function leastOf<Run extends Usage>(repeats: number, run: (repeat: number) => Promise<Run>): Promise<Run> {
  let least = await run(0);
  for (let repeat = 1; repeat < repeats; repeat++) {
    const next = await run(repeat);
    const seconds = Math.min(least.seconds, next.seconds);
    least = { ...next, seconds, cpuSeconds: Math.min(least.cpuSeconds, next.cpuSeconds) };
  }
  return least;
}

function usageOf({ seconds, cpuSeconds }: Usage): Usage {
  return { seconds, cpuSeconds };
}

/** `2,8` -> [2, 8]. Ends the process with exit code 2 if these are not two growing sizes. */
export function twoSizes(text: string): [number, number] {
  const sizes = text.split(',').map((size) => wholeNumber('studies', size));
  if (sizes.length !== 2 || sizes[0]! >= sizes[1]!) {
    refuse(`--studies ${text}: expected two sizes, the smaller one first, such as 2,8`);
  }
  return [sizes[0]!, sizes[1]!];
}

/** Phantom studies of {@link SEED} without awkward ones. A larger dataset begins with the studies of a smaller one. */
export async function phantoms(folder: string, studies: number): Promise<string> {
  say(`generating ${studies} phantom studies`);
  await generatePhantom(folder, { studies, seed: SEED, awkward: false });
  return folder;
}

/**
 * The folder of the bundles `stage1`, `stage2` and `stage3`: `demo`, `full`, or a folder.
 *
 * `full` are models of full width with random weights. They are made once, with Python, torch and onnx, and take minutes
 * and 5 GB in `out/bench/full`.
 */
export async function bundlesFolder(bundles: string): Promise<string> {
  if (bundles === 'demo') return DEMO_BUNDLES;
  if (bundles !== 'full') return resolve(bundles);
  const folder = join(ROOT, 'out/bench/full');
  const done = join(folder, 'complete');
  if (await readFile(done).catch(() => undefined)) return folder;
  const { pythonWith } = await import('../packages/shared/test/support/python-with.ts');
  const python = pythonWith('torch', 'torchvision', 'onnx', 'numpy');
  if (!python) throw new Error('--bundles full needs a python3 with torch, torchvision, onnx and numpy');
  say(`exporting models of full width to ${folder}: some minutes`);
  const training = join(ROOT, 'training');
  const options = ['--config', join(training, 'configs/full.json'), '--out', folder, '--no-comparison'];
  await measured([python, '-m', 'spineline_training.export', ...options], { env: { PYTHONPATH: training } });
  await writeFile(done, '');
  return folder;
}

/** The `--models` parameters of `spineline` for a folder of bundles. */
export function modelsParameters(folder: string): string[] {
  return ['stage1', 'stage2', 'stage3'].flatMap((stage) => ['--models', `${stage}=${join(folder, stage)}`]);
}

const ScoreSummary = z.object({ scored: z.number(), failed: z.number(), failures: z.array(z.unknown()) });

/** Runs `spineline score` and measures it. @throws {Error} if a study has no result. */
export async function measuredScore(
  dataset: string,
  out: string,
  parameters: readonly string[],
  options: MeasuredOptions = {},
): Promise<Usage & { readonly scored: number }> {
  const command = [process.execPath, SPINELINE, 'score', dataset, '--out', out, '--json', ...parameters];
  const { stdout, ...usage } = await measured(command, { ...options, allowed: [EXIT.ok, EXIT.someFailed] });
  const { scored, failed, failures } = ScoreSummary.parse(JSON.parse(stdout));
  if (failed > 0) throw new Error(`${failed} studies failed: ${JSON.stringify(failures)}`);
  return { ...usage, scored };
}

/** A number with three significant digits, for tables. */
export function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** The path of a file beside this one. */
export function beside(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

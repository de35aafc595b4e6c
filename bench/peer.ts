/**
 * Compares spineline with a plain Python script and with Ray Data: the same studies, ONNX files and steps. See
 * bench/README.md.
 *
 *   npm run bench:peer -- [--studies 2,10] [--bundles demo|full|DIR] [--no-ray]
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSubmission, type SubmissionRow } from '@spineline/shared/evaluation';
import { pythonOf } from './python.ts';
import {
  beside,
  bundlesFolder,
  figure,
  leastOf,
  machineLine,
  measured,
  measuredScore,
  modelsParameters,
  onnxRuntimeVersion,
  phantoms,
  printTable,
  readOptions,
  say,
  type Steady,
  steadyState,
  twoSizes,
  type Usage,
  wholeNumber,
  writeJson,
} from './table.ts';

const HELP = `
usage: npm run bench:peer -- [OPTION ...]

Scores the same phantom studies with spineline, with a Python script as in a good notebook of the challenge, and with
the same script under Ray Data. Checks that all give the same severities.

  --studies FEW,MANY   two numbers of studies; their difference is the steady state (default 2,10)
  --bundles WHICH      demo (default), full (full width, random weights) or a folder with stage1, stage2, stage3
  --repeat N           runs of each size; the least times count (default 1)
  --no-ray             without Ray Data
`;

/** The scripts fail this benchmark if fewer targets than this share get the same most likely severity. */
const LEAST_SAME = 0.98;

/** What the script says about its parts, in seconds of wall time. */
interface ScriptReport {
  readonly studies: number;
  readonly seconds: Readonly<Record<string, number>>;
  readonly cpuSeconds: Readonly<Record<string, number>>;
}

interface Scored extends Usage {
  /** The path of its CSV file. */
  readonly submission: string;
  readonly report?: ScriptReport;
}

interface Candidate {
  readonly name: string;
  /** Scores a dataset. What it writes has `out` as its folder or prefix. */
  readonly score: (dataset: string, out: string) => Promise<Scored>;
}

const options = readOptions('peer', HELP, {
  studies: { type: 'string', default: '2,10' },
  bundles: { type: 'string', default: 'demo' },
  repeat: { type: 'string', default: '1' },
  'no-ray': { type: 'boolean', default: false },
});
const sizes = twoSizes(options.studies);
const repeats = wholeNumber('repeat', options.repeat);
const cores = availableParallelism();
const models = await bundlesFolder(options.bundles);
const python = await pythonOf('requirements.txt');
await checkRuntime();
const folder = await mkdtemp(join(tmpdir(), 'spineline-bench-'));
try {
  console.log(machineLine());
  const datasets = [];
  for (const size of sizes) datasets.push(await phantoms(join(folder, `phantom-${size}`), size));
  const candidates: Candidate[] = [
    {
      name: 'spineline',
      score: async (dataset, out) => ({
        ...(await measuredScore(dataset, out, modelsParameters(models))),
        submission: join(out, 'submission.csv'),
      }),
    },
    // On all cores, all samples of a task in one run are the fastest; on one thread, single samples are.
    scriptOf('script, one process, all cores per run', cores, undefined),
    scriptOf('script, one process, one thread per run', 1, 1),
  ];
  if (!options['no-ray']) candidates.push(rayOf(await pythonOf('requirements.txt', 'requirements-ray.txt')));

  const outcomes: { name: string; steady: Steady; report: ScriptReport | undefined; rows: SubmissionRow[] }[] = [];
  for (const [c, { name, score }] of candidates.entries()) {
    const runs = [];
    for (const [i, dataset] of datasets.entries()) {
      runs.push(
        await leastOf(repeats, (repeat) => {
          say(`${name}: ${sizes[i]} studies`);
          return score(dataset, join(folder, `${c}-${sizes[i]}-${repeat}`));
        }),
      );
    }
    const { report, submission } = runs[1]!;
    const steady = steadyState(sizes, [runs[0]!, runs[1]!]);
    outcomes.push({ name, steady, report, rows: await readSubmission(submission) });
  }

  const [own] = outcomes;
  printTable(
    `${options.bundles} bundles, per study between ${sizes[0]} and ${sizes[1]} studies`,
    ['what', 'CPU s', 'ratio', 'wall s', 'studies per minute', 'ratio', 'start-up CPU s', 'start-up s'],
    outcomes.map(({ name, steady: { cpuPerStudy, secondsPerStudy, startUp } }) => [
      name,
      figure(cpuPerStudy),
      (cpuPerStudy / own!.steady.cpuPerStudy).toFixed(2),
      figure(secondsPerStudy),
      figure(60 / secondsPerStudy),
      (own!.steady.secondsPerStudy / secondsPerStudy).toFixed(2),
      figure(startUp.cpuSeconds),
      figure(startUp.seconds),
    ]),
  );
  for (const { name, report } of outcomes) if (report) printParts(name, report);

  const agreements = outcomes.slice(1).map(({ name, rows }) => ({ name, ...agreementOf(own!.rows, rows) }));
  printTable(
    "severities, compared with spineline's",
    ['what', 'targets', 'same most likely severity', 'largest difference', 'mean difference'],
    agreements.map(({ name, targets, same, largest, mean }) => [
      name,
      String(targets),
      `${((100 * same) / targets).toFixed(1)} %`,
      largest.toFixed(5),
      mean.toExponential(1),
    ]),
  );
  await writeJson(options.json, 'peer', {
    bundles: options.bundles,
    studies: sizes,
    candidates: outcomes.map(({ name, steady, report }) => ({ name, steady, report })),
    agreements,
  });
  const odd = agreements.filter(({ same, targets }) => same < LEAST_SAME * targets);
  for (const { name } of odd) console.error(`${name}: its severities differ from spineline's, so it does other work`);
  process.exitCode = odd.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

function scriptOf(name: string, threads: number, batch: number | undefined): Candidate {
  return {
    name,
    async score(dataset, out) {
      const [report, submission] = [`${out}.json`, `${out}.csv`];
      const command = [python, beside('peer/script.py'), ...parametersOf(dataset, submission, report, threads, batch)];
      const { seconds, cpuSeconds } = await measured(command);
      return { seconds, cpuSeconds, submission, report: JSON.parse(await readFile(report, 'utf8')) };
    },
  };
}

/** Ray ends its processes without waiting for them, so the script itself sums up their CPU time. */
function rayOf(rayPython: string): Candidate {
  return {
    name: `Ray Data, ${cores} actors, one thread per run`,
    async score(dataset, out) {
      const [report, submission] = [`${out}.json`, `${out}.csv`];
      const command = [rayPython, beside('peer/ray_script.py'), ...parametersOf(dataset, submission, report, cores, 1)];
      const { seconds } = await measured(command);
      const { totalCpuSeconds: cpuSeconds } = JSON.parse(await readFile(report, 'utf8'));
      return { seconds, cpuSeconds, submission };
    },
  };
}

function parametersOf(dataset: string, out: string, report: string, threads: number, batch?: number): string[] {
  const parameters = { dataset, models, out, report, threads, ...(batch && { batch }) };
  return Object.entries(parameters).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** Both sides must run the same ONNX Runtime. */
async function checkRuntime(): Promise<void> {
  const { stdout } = await measured([python, '-c', 'import onnxruntime; print(onnxruntime.__version__)']);
  if (stdout.trim() === onnxRuntimeVersion()) return;
  throw new Error(
    `bench/peer/requirements.txt installs ONNX Runtime ${stdout.trim()}, and spineline runs ${onnxRuntimeVersion()}`,
  );
}

/** Shares of the script's parts, per study; the first study, which warms up, counts too. */
function printParts(name: string, { studies, seconds, cpuSeconds }: ScriptReport): void {
  const perStudy = (part: string, of: Readonly<Record<string, number>>) =>
    part in of ? figure(of[part]! / studies) : '-';
  printTable(
    name,
    ['part', 'wall s', 'CPU s', 'wall s per study', 'CPU s per study'],
    Object.keys(seconds).map((part) => [
      part,
      figure(seconds[part]!),
      part in cpuSeconds ? figure(cpuSeconds[part]!) : '-',
      perStudy(part, seconds),
      perStudy(part, cpuSeconds),
    ]),
  );
}

/** How closely two submissions agree: targets with the same most likely severity, and differences of probabilities. */
function agreementOf(own: readonly SubmissionRow[], other: readonly SubmissionRow[]) {
  const key = ({ study, target }: SubmissionRow) => `${study}_${target.name}`;
  const others = new Map(other.map((row) => [key(row), row.probabilities]));
  if (others.size !== own.length) throw new Error(`${others.size} rows, and spineline has ${own.length}`);
  const mostLikely = (shares: readonly number[]) => shares.indexOf(Math.max(...shares));
  let [same, largest, sum] = [0, 0, 0];
  for (const row of own) {
    const found = others.get(key(row));
    if (!found) throw new Error(`no row ${key(row)}`);
    if (mostLikely(found) === mostLikely(row.probabilities)) same += 1;
    for (const [i, value] of row.probabilities.entries()) {
      const difference = Math.abs(value - found[i]!);
      largest = Math.max(largest, difference);
      sum += difference;
    }
  }
  return { targets: own.length, same, largest, mean: sum / (3 * own.length) };
}

/**
 * Measures `runs`, `plan` and `resume` on a store with very many studies: seconds and peak memory at growing sizes, and
 * their ratios, which should be those of the sizes. The store is generated: real keys, provenance and results, with
 * data objects of a few bytes, written without fsync.
 *
 *   npm run bench:store -- [--sizes 10000,30000,100000]
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { DEMO_BUNDLES } from '@spineline/shared/control';
import type { StudyEntry } from '@spineline/shared/dataset';
import { TARGETS, type OutputName, STAGE_NAMES, perStage } from '@spineline/shared/domain';
import { pushBundle, readBundleFolder } from '@spineline/shared/models';
import { type RunRecord, RunStore, type StepRecord, type StudyResult } from '@spineline/shared/runs';
import { madeOfCrops, madeOfStage1, madeOfStage3, madeOfXy } from '@spineline/shared/stages';
import {
  digestBytes,
  digestOf,
  keyOfMade,
  type Made,
  openStore,
  resultKey,
  stageOutputKey,
} from '@spineline/shared/store';
import pLimit from 'p-limit';
import { startPrivateRedis } from '../apps/producer/src/embedded/redis-server.ts';

const PAGE_STUDIES = 200;
const WRITES_AT_ONCE = 64;
/** Limits for 100,000 studies. */
const LIMITS = { studies: 100_000, seconds: 60, megabytes: 300 };
const FINISHED = '2026-11-01T00:00:00.000Z';

interface Usage {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly megabytes: number;
}

const { values } = parseArgs({ options: { sizes: { type: 'string', default: '10000,30000,100000' } } });
const sizes = values.sizes.split(',').map(Number);
if (sizes.some((size) => !Number.isInteger(size) || size < 1)) throw new Error(`--sizes ${values.sizes}`);

console.log(`${cpus()[0]?.model ?? 'CPU'}, ${availableParallelism()} cores, file:// store`);
const measured = new Map<string, Usage[]>();
for (const size of sizes) {
  const folder = await mkdtemp(join(tmpdir(), 'spineline-bench-'));
  try {
    for (const [command, usage] of await measure(size, folder)) {
      measured.set(command, [...(measured.get(command) ?? []), usage]);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
process.exitCode = report() ? 0 : 1;

/** Makes a store of `size` studies and runs each command on it in a separate process. */
async function measure(size: number, folder: string): Promise<[string, Usage][]> {
  const storeFolder = join(folder, 'store');
  const started = performance.now();
  await makeStore(storeFolder, size);
  console.log(`store of ${size} studies made in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  const newer = join(folder, 'newer');
  for (const stage of [1, 3] as const) {
    await cp(join(DEMO_BUNDLES, `stage${stage}`), join(newer, `stage${stage}`), { recursive: true });
    const manifest = join(newer, `stage${stage}`, 'bundle.json');
    const bundle = JSON.parse(await readFile(manifest, 'utf8'));
    await writeFile(manifest, JSON.stringify({ ...bundle, version: `${bundle.version}-newer` }));
  }
  const redis = await startPrivateRedis();
  try {
    const settings = { SPINELINE_STORE_URL: pathToFileURL(storeFolder).href, SPINELINE_REDIS_URL: redis.url };
    const usages: [string, Usage][] = [];
    for (const parameters of [
      ['runs'],
      ['plan', 'scored', '--stage', '3', '--models', `stage3=${join(newer, 'stage3')}`],
      ['plan', 'scored', '--stage', '1', '--models', `stage1=${join(newer, 'stage1')}`],
      ['plan', 'scored', '--stage', '1'],
      ['resume', 'third', '--dry-run'],
      ['resume', 'third'],
    ]) {
      const name = parameters.map((one) => (one.startsWith('stage') ? one.replace(/=.*/, '=newer') : one)).join(' ');
      usages.push([name, await run(parameters, settings, folder)]);
    }
    return usages;
  } finally {
    await redis.stop();
  }
}

async function run(parameters: readonly string[], settings: NodeJS.ProcessEnv, folder: string): Promise<Usage> {
  const usageFile = join(folder, 'usage.json');
  const program = fileURLToPath(new URL('../apps/producer/bin/spineline.js', import.meta.url));
  const hook = fileURLToPath(new URL('report-usage.mjs', import.meta.url));
  const started = performance.now();
  const child = spawn(process.execPath, ['--import', hook, program, ...parameters], {
    env: { ...process.env, ...settings, SPINELINE_TEST_USAGE_FILE: usageFile },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`spineline ${parameters.join(' ')} ended with ${code}`);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, ...JSON.parse(await readFile(usageFile, 'utf8')) };
}

/** One run with all studies scored, and one with a third of the same studies scored. */
async function makeStore(folder: string, size: number): Promise<void> {
  const store = await openStore(pathToFileURL(folder).href);
  const runs = new RunStore(store);
  const pins = await Promise.all(
    STAGE_NAMES.map(async (stage) => pushBundle(store, await readBundleFolder(join(DEMO_BUNDLES, stage)))),
  );
  const bundles = perStage((_, place) => pins[place]!);
  const severity = (await readBundleFolder(join(DEMO_BUNDLES, 'stage3'))).bundle;
  if (severity.stage !== 3) throw new Error('no severity bundle');
  const dataset = await runs.recordDataset({ studies: () => entries(size) }, PAGE_STUDIES);
  const record = (run: string): RunRecord => ({
    schema: 'spineline.run/1',
    run,
    dataset: dataset.digest,
    studies: size,
    bundles,
    priority: 5,
    created: FINISHED,
    notice: '',
  });
  await runs.recordRun(record('scored'));
  await runs.recordRun(record('third'));
  await store.close();

  const write = async (key: string, content: string | Uint8Array) => {
    const path = join(folder, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  };
  const output = async (stage: OutputName, made: Made, names: readonly string[], gives = {}) => {
    const key = keyOfMade(stage, made);
    const bytes = Buffer.from(key.slice(0, 16));
    const objects = Object.fromEntries(
      names.map((name) => [name, { sha256: digestBytes(bytes), bytes: bytes.byteLength }]),
    );
    for (const name of names) await write(stageOutputKey(stage, key, name), bytes);
    const provenance = {
      schema: 'spineline.provenance/2',
      stage,
      key,
      made,
      objects,
      gives,
      created: FINISHED,
      software: 'spineline 0',
      worker: 'bench',
    };
    await write(stageOutputKey(stage, key, 'provenance.json'), JSON.stringify(provenance));
    const step: StepRecord = { key, reused: false, seconds: 1, finished: FINISHED };
    return { step, digests: Object.fromEntries(names.map((name) => [name, digestBytes(bytes)])) };
  };
  const study = async (entry: StudyEntry, i: number) => {
    const given = { pixels: digestOf(['pixels', i]), z: digestOf(['z', i]) };
    const xyGiven = { xy: digestOf(['xy', i]) };
    const stage1 = await output('stage1', madeOfStage1(entry, bundles.stage1), ['series-index.json', 'z.json'], given);
    const xy = await output('stage2-xy', madeOfXy(given, bundles.stage2), ['xy.json'], xyGiven);
    const crops = await output('stage2-crops', madeOfCrops(given, xyGiven, severity.crops), ['crops.json']);
    const stage3 = await output('stage3', madeOfStage3(crops.digests, bundles.stage3), ['severity.json']);
    const steps = { stage1: stage1.step, xy: xy.step, crops: crops.step, stage3: stage3.step };
    for (const run of i % 3 === 0 ? ['scored', 'third'] : ['scored']) {
      await write(resultKey(run, entry.study), JSON.stringify(resultOf(run, entry.study, steps)));
    }
  };
  const limit = pLimit(WRITES_AT_ONCE);
  let i = 0;
  let writing: Promise<void>[] = [];
  for await (const entry of entries(size)) {
    const place = i++;
    writing.push(limit(() => study(entry, place)));
    if (writing.length >= 1000) {
      await Promise.all(writing);
      writing = [];
    }
  }
  await Promise.all(writing);
}

async function* entries(size: number): AsyncGenerator<StudyEntry> {
  for (let i = 0; i < size; i++) {
    const study = String(1_000_000 + i);
    const instances = Array.from({ length: 3 }, (_, n) => ({
      location: `file:///images/${study}/1/${n}.dcm`,
      fingerprint: `${i}-${n}`,
    }));
    yield { study, series: [{ series: '1', kind: 'sagittal_t2', instances }] };
  }
}

function resultOf(run: string, study: string, steps: StudyResult['steps']): StudyResult {
  const place = { series: '1', instance: 2, x: 100.25, y: 200.75 };
  return {
    schema: 'spineline.result/1',
    run,
    study,
    notice: '',
    targets: TARGETS.map(({ name, condition, level, side }) => ({
      name,
      condition,
      level,
      ...(side && { side }),
      severities: [0.7, 0.2, 0.1],
      slice: place,
      axial: null,
      confidence: 1,
      classShares: false,
    })),
    series: [],
    flags: [],
    steps,
    finished: FINISHED,
  };
}

/** @returns whether the largest size is within the limits, scaled to it. */
function report(): boolean {
  let within = true;
  const last = sizes.length - 1;
  for (const [command, usages] of measured) {
    console.log(`\nspineline ${command}`);
    for (const [i, { seconds, cpuSeconds, megabytes }] of usages.entries()) {
      const ratio = i === 0 ? '' : `  x${(seconds / usages[0]!.seconds).toFixed(1)} for x${sizes[i]! / sizes[0]!}`;
      console.log(
        `  ${String(sizes[i]).padStart(8)} studies  ${seconds.toFixed(1).padStart(6)} s  CPU ${cpuSeconds.toFixed(1).padStart(5)} s  ${megabytes.toFixed(0).padStart(4)} MB${ratio}`,
      );
    }
    const { seconds, megabytes } = usages[last]!;
    const isWithin = seconds <= LIMITS.seconds && megabytes <= LIMITS.megabytes;
    if (sizes[last]! <= LIMITS.studies && !isWithin) within = false;
  }
  const { studies, seconds, megabytes } = LIMITS;
  console.log(
    `\npromised for ${studies} studies: ${seconds} s and ${megabytes} MB; at ${sizes[last]}: ${within ? 'within' : 'MISSED'}`,
  );
  return within;
}

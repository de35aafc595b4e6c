/**
 * Mark and sweep of stage outputs: outputs that no kept run needs are removed, outputs that an unfinished run needs
 * stay, at any time.
 */

import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { StudyEntry } from '../dataset/index.ts';
import { STEP_NAMES, type Step, type OutputName, perStep, STEPS } from '../domain/index.ts';
import type { GarbageOptions } from '../lineage/garbage.ts';
import { collectGarbage, Pipeline } from '../lineage/index.ts';
import { type BundlePin, pushBundle, readBundleFolder } from '../models/index.ts';
import { type RunRecord, RunStore, type Steps } from '../runs/index.ts';
import { madeOfCrops, madeOfStage1, madeOfStage3, madeOfXy } from '../stages/index.ts';
import {
  digestOf,
  keyOfMade,
  type Made,
  type ObjectStore,
  openStore,
  StageOutputs,
  stageFolder,
  stageOutputKey,
} from '../store/index.ts';
import { resultOf } from './support/stage-payloads.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyBundles } from './support/tiny-bundles.ts';

const OUTPUT_OF = perStep((step) => STEPS[step].output);

/** A store with runs over the same four studies, and a worker that takes them through their steps. */
async function rig() {
  const store = await openStore(pathToFileURL(await temporaryFolder()).href);
  const runs = new RunStore(store);
  const outputs = new StageOutputs(store);
  const severity = await readBundleFolder((await tinyBundles()).stage3);
  if (severity.bundle.stage !== 3) throw new Error('no severity bundle');
  const { crops } = severity.bundle;
  const stage3 = await pushBundle(store, severity);
  const entries: StudyEntry[] = ['a', 'b', 'c', 'd'].map((study) => ({
    study,
    series: [{ series: '1', instances: [{ location: `file:///images/${study}.dcm`, fingerprint: study }] }],
  }));
  const dataset = await runs.recordDataset({ studies: () => stream(entries) }, 3);

  const record = async (run: string, version: string, more: Partial<RunRecord> = {}): Promise<RunRecord> => {
    const pin = (stage: number): BundlePin => ({
      name: `stage${stage}`,
      version,
      digest: digestOf({ stage, version }),
    });
    const made: RunRecord = {
      schema: 'spineline.run/1',
      run,
      dataset: dataset.digest,
      studies: entries.length,
      bundles: { stage1: pin(1), stage2: pin(2), stage3 },
      priority: 5,
      created: new Date().toISOString(),
      notice: '',
      ...more,
    };
    await runs.recordRun(made);
    return made;
  };

  /** Does a study's steps, as workers do: finds or writes each output. @returns the steps done. */
  const work = async (run: RunRecord, study: string, until: Step): Promise<Partial<Steps>> => {
    const { bundles } = run;
    const gives = { pixels: digestOf(['pixels', study]), z: digestOf([bundles.stage1.version, study]) };
    const xy = { xy: digestOf(['xy', bundles.stage2.version, study]) };
    const steps: Partial<Steps> = {};
    const entry = entries.find((one) => one.study === study)!;
    for (const step of STEP_NAMES) {
      const before = step === 'stage3' ? await outputs.digests('stage2-crops', steps.crops!.key) : {};
      const made = (): Made => {
        if (step === 'stage1') return madeOfStage1(entry, bundles.stage1);
        if (step === 'xy') return madeOfXy(gives, bundles.stage2);
        return step === 'crops' ? madeOfCrops(gives, xy, crops) : madeOfStage3(before, bundles.stage3);
      };
      const key = keyOfMade(OUTPUT_OF[step], made());
      const reused = (await outputs.find(OUTPUT_OF[step], key)) !== undefined;
      const given = step === 'stage1' ? gives : step === 'xy' ? xy : {};
      await outputs.write(OUTPUT_OF[step], key, { [`${step}.json`]: Buffer.from(key) }, made(), given);
      steps[step] = { key, reused, seconds: 1, finished: new Date(0).toISOString() };
      if (step === until) break;
    }
    return steps;
  };
  const score = async (run: RunRecord, study: string): Promise<Steps> => {
    const steps = (await work(run, study, 'stage3')) as Steps;
    await runs.writeResult({ ...resultOf(run.run, study), steps });
    return steps;
  };
  const gc = (options: Partial<GarbageOptions> = {}) =>
    collectGarbage(store, runs, { keep: () => false, graceMs: -1000, dryRun: false, ...options });
  const there = async (steps: Partial<Steps>) => {
    const found = STEP_NAMES.map(async (step) => {
      const { key } = steps[step] ?? {};
      return key !== undefined && (await outputs.find(OUTPUT_OF[step], key)) !== undefined;
    });
    return Promise.all(found);
  };
  return { store, runs, outputs, record, work, score, gc, there, entries, crops };
}

async function* stream(entries: readonly StudyEntry[]) {
  yield* entries;
}

async function count(store: ObjectStore, stage: OutputName): Promise<number> {
  let objects = 0;
  for await (const _ of store.list(stageFolder(stage))) objects += 1;
  return objects;
}

describe('garbage', () => {
  it('is what finished runs reached that nobody keeps, and nothing that a kept run shares with them', async () => {
    const { record, score, gc, there, store } = await rig();
    const [old, kept] = [await record('old', '1'), await record('kept', '2')];
    // `shared` differs from `kept` in stage 1's pin alone, and finds other slices.
    const shared = await record('shared', '2', { bundles: { ...kept.bundles, stage1: old.bundles.stage1 } });
    const steps = { old: [] as Steps[], kept: [] as Steps[], shared: [] as Steps[] };
    for (const study of ['a', 'b', 'c', 'd']) {
      steps.old.push(await score(old, study));
      steps.kept.push(await score(kept, study));
      steps.shared.push(await score(shared, study));
    }
    const objects = await count(store, 'stage1');
    const keep = ({ run }: RunRecord) => run === 'shared';
    const dry = await gc({ keep, dryRun: true });
    expect(await count(store, 'stage1')).toBe(objects);
    const report = await gc({ keep });
    expect(report).toEqual(dry);
    expect(report.kept).toEqual([{ run: 'shared', why: 'asked', studies: 4, unscored: 0 }]);
    expect([...report.notKept].sort()).toEqual(['kept', 'old']);
    expect(report.reached).toBe(16);
    // `old` and `shared` have stage 1 in common, `kept` and `shared` points and so crops and severities.
    expect(report.swept).toMatchObject({
      stage1: { outputs: 4 },
      'stage2-xy': { outputs: 8 },
      'stage2-crops': { outputs: 4 },
      stage3: { outputs: 4 },
    });
    for (const one of steps.shared) expect(await there(one)).toEqual([true, true, true, true]);
    for (const one of steps.old) expect(await there(one)).toEqual([true, false, false, false]);
    for (const one of steps.kept) expect(await there(one)).toEqual([false, false, true, true]);
    expect(await gc({ keep })).toMatchObject({ reached: 16, swept: { stage1: { outputs: 0, bytes: 0 } } });
  });

  it('is nothing of a run under way: what its studies would find at each step stays', async () => {
    const { record, score, work, gc, there } = await rig();
    const run = await record('tonight', '1');
    const steps = [await score(run, 'a'), await work(run, 'b', 'stage1'), await work(run, 'c', 'crops')];
    expect(await gc()).toMatchObject({
      kept: [{ run: 'tonight', why: 'under way', unscored: 3 }],
      swept: {
        stage1: { outputs: 0 },
        'stage2-xy': { outputs: 0 },
        'stage2-crops': { outputs: 0 },
        stage3: { outputs: 0 },
      },
    });
    expect(await there(steps[0]!)).toEqual([true, true, true, true]);
    expect(await there(steps[1]!)).toEqual([true, false, false, false]);
    expect(await there(steps[2]!)).toEqual([true, true, true, false]);
  });

  it('is nothing that a study of a run under way may come to, should it come out as in another run', async () => {
    const { record, score, gc, there } = await rig();
    const old = await record('old', '1');
    const before = [await score(old, 'a'), await score(old, 'b')];
    // Another stage 2, so that the points are still to be found; they may be the same, and the crops then are hits.
    const stage2 = { ...old.bundles.stage2, version: '1', digest: digestOf('another') };
    const run = await record('tonight', '1', { bundles: { ...old.bundles, stage2 } });
    for (const study of ['c', 'd']) await score(old, study);
    await gc();
    const after = await score(run, 'a');
    expect([after.xy.reused, after.crops.reused, after.stage3.reused]).toEqual([false, true, true]);
    for (const one of before) expect(await there(one)).toEqual([true, true, true, true]);
    await gc();
    expect(await there(after)).toEqual([true, true, true, true]);
  });

  it('is nothing that a run under way starts from, though the run before is not kept', async () => {
    const { record, score, gc, there } = await rig();
    const old = await record('old', '1');
    const steps: Steps[] = [];
    for (const study of ['a', 'b', 'c', 'd']) steps.push(await score(old, study));
    await record('again', '1', { from: { run: 'old', stage: 'stage3' } });
    const report = await gc();
    expect(report.notKept).toEqual(['old']);
    for (const one of steps) expect(await there(one)).toEqual([true, true, true, true]);
  });

  it('may be all of a cancelled run, and is what half an output left behind', async () => {
    const { record, work, gc, runs, store } = await rig();
    const run = await record('cancelled', '1');
    await work(run, 'a', 'crops');
    await runs.cancel('cancelled');
    await store.put(stageOutputKey('stage3', 'f'.repeat(64), 'severity.json'), 'a worker died here');
    expect(await gc({ graceMs: 3_600_000 })).toMatchObject({ young: 4, swept: { stage1: { outputs: 0 } } });
    expect(await gc()).toMatchObject({
      young: 0,
      swept: { stage1: { outputs: 1 }, stage3: { outputs: 1, bytes: 18 } },
    });
    expect(await count(store, 'stage3')).toBe(0);
  });

  it('is nothing of a cancelled run that is resumed while garbage is looked for', async () => {
    const { record, work, gc, there, runs } = await rig();
    const run = await record('resumed', '1');
    const steps = await work(run, 'a', 'crops');
    await runs.cancel('resumed');
    let resuming: Promise<void> | undefined;
    const onProgress = () => {
      resuming ??= runs.uncancel('resumed');
    };
    const report = await gc({ onProgress });
    await resuming;
    expect(report).toMatchObject({ kept: [{ run: 'resumed', why: 'under way' }], notKept: [] });
    expect(await there(steps)).toEqual([true, true, true, false]);
  });

  it('is collected while workers work, at every moment, without costing them an output', async () => {
    const { record, score, work, gc, there } = await rig();
    const old = await record('old', '0');
    for (const study of ['a', 'b', 'c', 'd']) await score(old, study);
    const run = await record('tonight', '1');
    const done = new Map<string, Partial<Steps>>();
    // Between any two steps of the mark and of the sweep a worker takes one study one step on.
    const moves = STEP_NAMES.flatMap((step) => ['a', 'b', 'c', 'd'].map((study) => [study, step] as const));
    const started = Promise.resolve();
    let working = started;
    const move = () => {
      const next = moves.shift();
      if (!next) return;
      const [study, step] = next;
      working = working.then(async () => {
        done.set(study, step === 'stage3' ? await score(run, study) : await work(run, study, step));
      });
    };
    let swept = 0;
    while (moves.length > 0) {
      const report = await gc({ graceMs: 0, onProgress: move });
      swept += report.swept.stage1.outputs;
      move();
      await working;
    }
    expect(swept).toBe(0); // while a study is open, what the old run made of it stays
    const report = await gc({ graceMs: 0, keep: ({ run: name }) => name === 'tonight' });
    expect(report.swept).toMatchObject({
      stage1: { outputs: 4 },
      'stage2-xy': { outputs: 4 },
      'stage2-crops': { outputs: 4 },
    });
    for (const steps of done.values()) {
      expect(await there(steps)).toEqual([true, true, true, true]);
      // Each was there when its study came to it again: nothing was computed twice.
      for (const step of STEP_NAMES.slice(0, 3)) expect(steps[step]!.reused).toBe(true);
    }
  });

  it('is not collected at all when a run’s record is damaged', async () => {
    const { record, score, gc, store } = await rig();
    const run = await record('old', '1');
    await score(run, 'a');
    await store.put('runs/broken/run.json', '{"schema":');
    await expect(gc()).rejects.toThrow('runs/broken/run.json is damaged');
    expect(await count(store, 'stage1')).toBe(2);
  });
});

describe('a forecast', () => {
  it('knows every key that the workers make, as far as the store has what it follows from', async () => {
    const { record, work, score, outputs, entries, crops } = await rig();
    const run = await record('run', '1');
    const pipeline = new Pipeline(outputs, run.bundles, crops);
    const [a, b, c, d] = entries as [StudyEntry, StudyEntry, StudyEntry, StudyEntry];
    const states = async (study: StudyEntry) => {
      const forecast = await pipeline.ofStudy(study);
      return STEP_NAMES.map((step) => forecast[step].state);
    };
    const steps = await score(run, 'a');
    await work(run, 'b', 'stage1');
    await work(run, 'c', 'crops');
    expect(await states(a)).toEqual(['hit', 'hit', 'hit', 'hit']);
    expect(await states(b)).toEqual(['hit', 'compute', 'unknown', 'unknown']);
    expect(await states(c)).toEqual(['hit', 'hit', 'hit', 'compute']);
    expect(await states(d)).toEqual(['compute', 'unknown', 'unknown', 'unknown']);
    const forecast = await pipeline.ofStudy(a);
    for (const step of STEP_NAMES) expect(forecast[step].key).toBe(steps[step].key);
    // Runs that enter at a later stage give the same result.
    for (const stage of ['stage2', 'stage3'] as const) {
      expect(await pipeline.ofRunStudy(a, { from: { run: 'run', stage } }, steps)).toEqual(forecast);
    }
  });
});

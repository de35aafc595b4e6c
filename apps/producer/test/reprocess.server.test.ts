/**
 * A stage run again after a model update: what is computed, what is found, and that nothing upstream is touched.
 * `SPINELINE_TEST_REPROCESS_STUDIES` makes it as large as wanted; its time grows with that.
 */

import { readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STEP_NAMES, type Step } from '@spineline/shared/domain';
import type { StudyResult } from '@spineline/shared/runs';
import { stageOutputKey } from '@spineline/shared/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyTo, phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { tinyBundles } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { MEAN_DEPTH_BASE, meanDepthModel } from '../../../packages/shared/test/support/tiny-onnx.ts';
import { copyBundle, withRemark } from './support/bundle-copy.ts';
import { type Deployment, resultsOf, type Status, scoreRun, startDeployment, watchRun } from './support/deployment.ts';
import { spineline, spinelineOk } from './support/in-process.ts';
import type { ResultsFile } from './support/results-file.ts';
import { newCommits, outputTimes } from './support/store-outputs.ts';
import { type Pools, startPools } from './support/worker.ts';

const STUDIES = Number(process.env.SPINELINE_TEST_REPROCESS_STUDIES || 4);
/** Studies in which the other stage-1 bundle finds other slices. */
const MOVED = Math.round(STUDIES / 3);
const SIZE = [64, 64] as const;
const SLICES = 32;
/** Two slices, of the volume's depth. */
const SHIFT = 2 / SLICES;
const missing = redisMissing();

describe.skipIf(missing)(`a stage run again${missing ? ` (${missing})` : ''}`, () => {
  let deployment: Deployment;
  let pools: Pools;
  let dataset = '';
  let away = '';
  /** Mean of each study's volume, times the depth of the volume: what the probing bundle answers in place of a slice. */
  let means: ReadonlyMap<string, number>;

  beforeAll(
    async () => {
      deployment = await startDeployment(async (folder) => {
        dataset = join(folder, 'phantom');
        away = join(folder, 'renamed-away');
        await copyTo(await phantomDataset({ studies: STUDIES }), dataset);
      });
      pools = await startPools(1, deployment.settings);
      const probe = await stage1Bundle('probe', { gain: 1 });
      await enqueue('probe', [`stage1=${probe}`]);
      means = await meansOfProbe();
      const plain = await stage1Bundle('plain', { gain: SHIFT, threshold: 1000 });
      const status = await enqueue('first', [`stage1=${plain}`]);
      expect(status).toMatchObject({ code: 0, scored: STUDIES, failures: [] });
    },
    120_000 + STUDIES * 30_000,
  );
  afterAll(async () => {
    await pools?.stop();
    await deployment?.stop();
  });

  const enqueue = (run: string, models: readonly string[]): Promise<Status> =>
    scoreRun(dataset, run, deployment.settings, models);

  async function reprocess(parameters: readonly string[], as: string): Promise<Status> {
    await spinelineOk(['reprocess', ...parameters, '--as', as], deployment.settings);
    return watchRun(as, deployment.settings);
  }

  async function plan(...parameters: string[]): Promise<{ readonly studies: number; readonly steps: PlanSteps }> {
    const { stdout } = await spinelineOk(['plan', ...parameters, '--json'], deployment.settings);
    return JSON.parse(stdout);
  }
  type PlanSteps = Record<Step, { hit: number; compute: number; unknown: number }>;

  /** A stage-1 bundle whose SCS members look at the mean of the volume; NFN's answer is always the same. */
  async function stage1Bundle(name: string, scs: { gain: number; threshold?: number }): Promise<string> {
    const { stage1 } = await tinyBundles();
    return copyBundle(stage1, join(deployment.folder, name), `1.0.0-${name}`, (task, { kind }) =>
      kind === 'reg'
        ? meanDepthModel(task === 'scs' ? 5 : 10, SIZE, SLICES, task === 'scs' ? scs : { gain: 0 })
        : undefined,
    ).then(onlyReg);
  }

  /** Takes the `cls` members out of a bundle's manifest. */
  async function onlyReg(folder: string): Promise<string> {
    return changeManifest(folder, (bundle) => {
      for (const task of Object.values(bundle.tasks)) task.members = task.members.filter(({ kind }) => kind === 'reg');
    });
  }

  async function stage3Bundle(name: string): Promise<string> {
    const { stage3 } = await tinyBundles();
    const folder = join(deployment.folder, name);
    return copyBundle(stage3, folder, `1.0.0-${name}`, (_task, _member, bytes) => withRemark(bytes));
  }

  async function meansOfProbe(): Promise<Map<string, number>> {
    const { studies } = await resultsOf('probe', deployment.folder, deployment.settings);
    const read = studies.map(async ({ study, steps }) => {
      const path = join(
        fileURLToPath(deployment.settings.SPINELINE_STORE_URL!),
        stageOutputKey('stage1', steps.stage1.key, 'z.json'),
      );
      const z = JSON.parse(await readFile(path, 'utf8'));
      return [study, z.scs.levels[0].members[0].z as number] as const;
    });
    return new Map(await Promise.all(read));
  }

  const computed = ({ steps }: Status) => Object.fromEntries(STEP_NAMES.map((step) => [step, steps[step].computed]));
  const reused = ({ steps }: Status) => Object.fromEntries(STEP_NAMES.map((step) => [step, steps[step].reused]));
  const all = { stage1: STUDIES, xy: STUDIES, crops: STUDIES, stage3: STUDIES };
  const none = { stage1: 0, xy: 0, crops: 0, stage3: 0 };

  /** Outputs that the workers computed so far, by their metrics. */
  async function computedByMetrics(): Promise<Record<Step, number>> {
    const counts = STEP_NAMES.map(async (step, i) => {
      const worker = pools.workers[[0, 1, 1, 2][i]!]!;
      return [step, await worker.metric('spineline_steps_total', { step, reused: 'false' })] as const;
    });
    return Object.fromEntries(await Promise.all(counts)) as Record<Step, number>;
  }

  const samples = (stage: 1 | 2 | 3) =>
    pools.workers[stage - 1]!.metric('spineline_samples_total', { stage: `stage${stage}` });
  const times = () => outputTimes(deployment.settings.SPINELINE_STORE_URL!);
  const results = (run: string) => resultsOf(run, deployment.folder, deployment.settings);

  /** What a result says of the study, without what says when and by which run. */
  const sayings = ({ studies }: ResultsFile) => new Map(studies.map((result) => [result.study, sayingOf(result)]));
  const sayingOf = ({ targets, series, flags }: StudyResult) => JSON.stringify({ targets, series, flags });

  it('computes stage 3 alone for a new severity bundle, with the images out of reach', async () => {
    const bundle = await stage3Bundle('severity');
    const expected: PlanSteps = {
      stage1: { hit: STUDIES, compute: 0, unknown: 0 },
      xy: { hit: STUDIES, compute: 0, unknown: 0 },
      crops: { hit: STUDIES, compute: 0, unknown: 0 },
      stage3: { hit: 0, compute: STUDIES, unknown: 0 },
    };
    const [before, counted] = [await times(), await computedByMetrics()];
    await rename(dataset, away);
    try {
      const models = ['--stage', '3', '--models', `stage3=${bundle}`];
      expect(await plan('first', ...models)).toMatchObject({ studies: STUDIES, steps: expected });
      expect(await times()).toEqual(before); // a plan writes nothing
      const status = await reprocess(['first', ...models], 'new-severity');
      expect(status).toMatchObject({ code: 0, scored: STUDIES });
      expect(computed(status)).toEqual({ ...none, stage3: STUDIES });
      expect(reused(status)).toEqual({ ...all, stage3: 0 });
    } finally {
      await rename(away, dataset);
    }
    expect(newCommits(before, await times())).toEqual({
      stage1: 0,
      'stage2-xy': 0,
      'stage2-crops': 0,
      stage3: STUDIES,
    });
    expect(await computedByMetrics()).toEqual({ ...counted, stage3: counted.stage3 + STUDIES });
    // Same models in other bytes: the same results, of outputs with other keys.
    expect(sayings(await results('new-severity'))).toEqual(sayings(await results('first')));
    expect((await results('first')).run).not.toHaveProperty('from');
    expect((await results('new-severity')).run.from).toEqual({ run: 'first', stage: 'stage3' });
  });

  it('stops where a new stage-1 bundle finds the same slices, and goes on where it finds others', async () => {
    const sorted = [...means].sort(([, a], [, b]) => b - a);
    const [least, next] = [sorted[MOVED - 1]![1], sorted[MOVED]![1]];
    expect(least - next).toBeGreaterThan(0.01);
    const moved = new Set(sorted.slice(0, MOVED).map(([study]) => study));
    const bundle = await stage1Bundle('shifted', {
      gain: SHIFT,
      threshold: (least + next) / 2 / SLICES - MEAN_DEPTH_BASE,
    });
    const models = ['--stage', '1', '--models', `stage1=${bundle}`];

    expect((await plan('first', ...models)).steps).toEqual({
      stage1: { hit: 0, compute: STUDIES, unknown: 0 },
      xy: { hit: 0, compute: 0, unknown: STUDIES },
      crops: { hit: 0, compute: 0, unknown: STUDIES },
      stage3: { hit: 0, compute: 0, unknown: STUDIES },
    });
    const [before, counted] = [await times(), await computedByMetrics()];
    const status = await reprocess(['first', ...models], 'new-slices');
    expect(computed(status)).toEqual({ stage1: STUDIES, xy: MOVED, crops: MOVED, stage3: MOVED });
    expect(newCommits(before, await times())).toEqual({
      stage1: STUDIES,
      'stage2-xy': MOVED,
      'stage2-crops': MOVED,
      stage3: MOVED,
    });
    const after = await computedByMetrics();
    expect(STEP_NAMES.map((step) => after[step] - counted[step])).toEqual([STUDIES, MOVED, MOVED, MOVED]);

    const [old, now] = [await results('first'), await results('new-slices')];
    const [said, says] = [sayings(old), sayings(now)];
    for (const { study, steps } of now.studies) {
      const isHit = !moved.has(study);
      expect([steps.xy.reused, steps.crops.reused, steps.stage3.reused]).toEqual([isHit, isHit, isHit]);
      if (isHit) expect(says.get(study)).toBe(said.get(study));
      else expect(says.get(study)).not.toBe(said.get(study));
    }
    // Once it is there, the plan knows every key.
    const { steps } = await plan('first', ...models);
    expect(STEP_NAMES.map((step) => steps[step].hit)).toEqual([STUDIES, STUDIES, STUDIES, STUDIES]);
  });

  it('cuts crops again, and runs no point model, when only the crop windows of a severity bundle change', async () => {
    const bundle = await changeManifest(await stage3Bundle('windows'), ({ crops }) => {
      for (const window of crops?.windows ?? []) window.left += 2;
    });
    const models = ['--stage', '3', '--models', `stage3=${bundle}`];
    const planned = await plan('first', ...models);
    expect(planned.steps.xy).toEqual({ hit: STUDIES, compute: 0, unknown: 0 });
    expect(planned.steps.crops).toEqual({ hit: 0, compute: STUDIES, unknown: 0 });
    expect(planned.steps.stage3).toEqual({ hit: 0, compute: 0, unknown: STUDIES });
    const [before, points, slices] = [await times(), await samples(2), await samples(1)];
    const { stderr } = await spinelineOk(['reprocess', 'first', ...models, '--as', 'new-windows'], deployment.settings);
    expect(stderr).toContain('studies enter at stage 2');
    const status = await watchRun('new-windows', deployment.settings);
    expect(computed(status)).toEqual({ ...none, crops: STUDIES, stage3: STUDIES });
    expect([await samples(2), await samples(1)]).toEqual([points, slices]);
    expect(newCommits(before, await times())).toMatchObject({ stage1: 0, 'stage2-xy': 0 });
  });

  it('notices outputs that are gone, cut or changed by a byte, and computes them and nothing else again', async () => {
    const { studies } = await results('first');
    const path = (study: StudyResult, step: Step, stage: 'stage1' | 'stage2-xy' | 'stage2-crops', name: string) =>
      join(fileURLToPath(deployment.settings.SPINELINE_STORE_URL!), stageOutputKey(stage, study.steps[step].key, name));
    const [one, two, three] = studies;
    await rm(path(one!, 'crops', 'stage2-crops', 'crops.u12'));
    const cut = path(two!, 'stage1', 'stage1', 'z.json');
    await truncate(cut, (await stat(cut)).size - 7);
    const flipped = path(three!, 'xy', 'stage2-xy', 'xy.json');
    const bytes = await readFile(flipped);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(flipped, bytes);

    const before = await times();
    const bundle = await stage3Bundle('after-damage');
    const status = await reprocess(['first', '--stage', '3', '--models', `stage3=${bundle}`], 'healed');
    expect(status).toMatchObject({ code: 0, scored: STUDIES });
    expect(newCommits(before, await times())).toEqual({
      stage1: 1,
      'stage2-xy': 1,
      'stage2-crops': 1,
      stage3: STUDIES,
    });
    expect(sayings(await results('healed'))).toEqual(sayings(await results('first')));
  });

  it('is foreseen for a dataset that is enqueued again, and nothing is written for that', async () => {
    const { settings } = deployment;
    const models = ['--models', `stage1=${join(deployment.folder, 'plain')}`];
    const before = await times();
    for (const command of [
      ['enqueue', dataset, '--run', 'dry', '--dry-run', '--json'],
      ['plan', dataset, '--json'],
    ]) {
      const known = JSON.parse((await spinelineOk([...command, ...models], settings)).stdout);
      expect(known).toMatchObject({ studies: STUDIES, entering: { stage1: STUDIES }, seconds: { least: 0, most: 0 } });
      expect(STEP_NAMES.map((step) => known.steps[step].hit)).toEqual(Array(4).fill(STUDIES));
    }
    const other = await stage1Bundle('never-run', { gain: 0.5 });
    const changed = ['plan', dataset, '--models', `stage1=${other}`];
    const text = await spinelineOk(changed, settings);
    expect(text.stdout).toMatch(new RegExp(`1 slices +0 +${STUDIES} +0 +[0-9.]+  \\S+, ${STUDIES} studies`));
    expect(text.stdout).toMatch(new RegExp(`3 severities +0 +0 +${STUDIES} `));
    const { seconds } = JSON.parse((await spinelineOk([...changed, '--json'], settings)).stdout);
    expect(seconds.least).toBeGreaterThan(0);
    // Where the pool of stage 1 was the slowest, it does not matter what the others have to do.
    const open = seconds.most > seconds.least;
    expect(text.stdout).toContain(open ? 'depending on what the upstream steps produce' : `${STUDIES} studies, about `);
    expect(await times()).toEqual(before);
    expect((await spineline(['status', 'dry'], settings)).stderr).toContain('there is no run called dry');
    expect((await spinelineOk(['models', 'list'], settings)).stdout).not.toContain('never-run');
  });

  it('takes a part of the studies, and says which of a list the run does not have', async () => {
    const list = join(deployment.folder, 'some.txt');
    const some = [...means.keys()].slice(0, 2);
    await writeFile(list, `# two of them\n${some.join('\n')}\n\n`);
    const bundle = await stage3Bundle('part');
    const models = ['--stage', '3', '--models', `stage3=${bundle}`];
    const status = await reprocess(['first', ...models, '--studies', list], 'part');
    expect(status).toMatchObject({ studies: 2, scored: 2 });
    expect((await results('part')).studies.map(({ study }) => study).sort()).toEqual([...some].sort());

    await writeFile(list, `${some[0]}\nnobody\n`);
    const refused = await spineline(
      ['reprocess', 'first', ...models, '--studies', list, '--as', 'x'],
      deployment.settings,
    );
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/1 studies in .* are not in the run first/);
    expect(refused.stderr).toContain('nobody');
  });

  it('refuses a bundle of a stage before the one where studies enter, a taken name, and a run that is not there', async () => {
    const bundle = await stage1Bundle('early', { gain: 0 });
    const run = (...parameters: string[]) => spineline(['reprocess', ...parameters], deployment.settings);
    const early = await run('first', '--stage', '3', '--models', `stage1=${bundle}`, '--as', 'early');
    expect(early).toMatchObject({ code: 2 });
    expect(early.stderr).toContain('use --stage 1');
    expect((await run('first', '--stage', '3', '--as', 'first')).stderr).toContain(
      'there is already a run called first',
    );
    expect((await run('nowhere', '--stage', '3', '--as', 'x')).stderr).toContain('there is no run called nowhere');
    expect((await run('first', '--stage', '3')).stderr).toContain('--as NAME');
    expect((await run('first', '--stage', '4', '--as', 'x')).code).toBe(2);
    expect((await run('first', '--stage', '3', '--only-failed', '--as', 'x')).stderr).toContain(
      'no failed study of first is selected',
    );
  });
});

/** The part of a manifest that tests change. */
interface ManifestPart {
  tasks: Record<string, { members: { kind: string }[] }>;
  crops?: { windows: { left: number }[] };
}

async function changeManifest(folder: string, change: (bundle: ManifestPart) => void): Promise<string> {
  const file = join(folder, 'bundle.json');
  const bundle = JSON.parse(await readFile(file, 'utf8'));
  change(bundle);
  await writeFile(file, JSON.stringify(bundle, null, 2));
  return folder;
}

/** Same key, same work, never done twice: what a second run finds in the store, and what it does not. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STEP_NAMES } from '@spineline/shared/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyTo, phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { TINY_VERSION, tinyBundles } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { filesBelow } from './support/bad-files.ts';
import { copyBundle, withRemark } from './support/bundle-copy.ts';
import { type Deployment, enqueue, resultsOf, scoreRun, startDeployment, watchRun } from './support/deployment.ts';
import { spineline, spinelineOk } from './support/in-process.ts';
import { largestDifference } from './support/results-file.ts';
import { type Pools, startPools } from './support/worker.ts';

const STUDIES = 2;
const missing = redisMissing();

describe.skipIf(missing)(`what was computed before${missing ? ` (${missing})` : ''}`, () => {
  let deployment: Deployment;
  let pools: Pools;
  let dataset = '';

  beforeAll(async () => {
    dataset = await phantomDataset({ studies: STUDIES });
    deployment = await startDeployment();
    pools = await startPools(1, deployment.settings);
    const status = await scoreRun(dataset, 'first', deployment.settings);
    expect(status).toMatchObject({ failures: [], code: 0, scored: STUDIES });
    expect(reuse(status.steps)).toEqual({ stage1: [2, 0], xy: [2, 0], crops: [2, 0], stage3: [2, 0] });
  }, 240_000);
  afterAll(async () => {
    await pools?.stop();
    await deployment?.stop();
  });

  /** [computed, reused] by step. */
  const reuse = (steps: Awaited<ReturnType<typeof scoreRun>>['steps']) =>
    Object.fromEntries(STEP_NAMES.map((step) => [step, [steps[step].computed, steps[step].reused]]));

  /** The bundle of stage 3 with other bytes in every member that mean the same. */
  async function stage3Bundle(name: string, version: string): Promise<string> {
    const { stage3 } = await tinyBundles();
    return copyBundle(stage3, join(deployment.folder, name), version, (_task, _member, bytes) => withRemark(bytes));
  }

  /** Modification times of the stage outputs, in ns. */
  async function outputs(): Promise<Record<string, bigint>> {
    const files = await filesBelow(join(fileURLToPath(deployment.settings.SPINELINE_STORE_URL!), 'stages'));
    const times = files.map(async (file) => [file, (await stat(file, { bigint: true })).mtimeNs] as const);
    return Object.fromEntries(await Promise.all(times));
  }

  const stepsCounted = async (reused: boolean) => {
    const counts = await Promise.all(
      STEP_NAMES.map((step, i) =>
        pools.workers[[0, 1, 1, 2][i]!]!.metric('spineline_steps_total', { step, reused: `${reused}` }),
      ),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };

  it('is not computed again by a second run of another name, which says so', async () => {
    const { settings, folder } = deployment;
    const before = await outputs();
    expect(Object.keys(before).length).toBeGreaterThan(10);
    const [computed, reused] = [await stepsCounted(false), await stepsCounted(true)];

    const status = await scoreRun(dataset, 'second', settings);
    expect(reuse(status.steps)).toEqual({ stage1: [0, 2], xy: [0, 2], crops: [0, 2], stage3: [0, 2] });
    expect(await outputs()).toEqual(before);
    expect(await stepsCounted(false)).toBe(computed);
    expect(await stepsCounted(true)).toBe(reused + STEP_NAMES.length * STUDIES);
    const { stdout } = await spinelineOk(['status', 'second'], settings);
    expect(stdout).toContain('nothing had to be computed: all stage outputs were already in the store');
    const [first, second] = [await resultsOf('first', folder, settings), await resultsOf('second', folder, settings)];
    expect(largestDifference(first, second)).toBe(0);
  });

  it('is computed again at stage 1, and no further, when the dataset was moved', async () => {
    const moved = join(deployment.folder, 'moved');
    await copyTo(dataset, moved);
    const status = await scoreRun(moved, 'moved', deployment.settings);
    expect(reuse(status.steps)).toEqual({ stage1: [2, 0], xy: [0, 2], crops: [0, 2], stage3: [0, 2] });
  });

  it('is computed again at stage 3 alone when only the bundle of stage 3 is new', async () => {
    const { settings } = deployment;
    const bundle = await stage3Bundle('newer', '1.1.0');
    const status = await scoreRun(dataset, 'newer', settings, [`stage3=${bundle}`]);
    expect(status.code).toBe(0);
    expect(reuse(status.steps)).toEqual({ stage1: [0, 2], xy: [0, 2], crops: [0, 2], stage3: [2, 0] });
  });

  it('is what a run takes that was made before another bundle was pushed and promoted', async () => {
    const { settings } = deployment;
    const bundle = await stage3Bundle('midnight', '1.2.0');
    // Nothing of the run is done yet when the other bundle comes.
    await spinelineOk(['pause'], settings);
    await enqueue(dataset, 'before-midnight', settings);
    await spinelineOk(['models', 'push', bundle], settings);
    await spinelineOk(['models', 'promote', 'tiny-stage3@1.2.0'], settings);
    await spinelineOk(['unpause'], settings);
    const before = await watchRun('before-midnight', settings);
    expect(before).toMatchObject({ code: 0, scored: STUDIES });
    expect(reuse(before.steps)).toMatchObject({ stage3: [0, 2] });

    const after = await scoreRun(dataset, 'after-midnight', settings);
    expect(reuse(after.steps)).toEqual({ stage1: [0, 2], xy: [0, 2], crops: [0, 2], stage3: [2, 0] });
    const { studies } = await resultsOf('after-midnight', deployment.folder, settings);
    const { stdout } = await spinelineOk(
      ['show', 'after-midnight', studies[0]!.study, '--artefact', 'provenance:stage3'],
      settings,
    );
    expect(JSON.parse(stdout).made.bundle).toMatchObject({ name: 'tiny-stage3', version: '1.2.0' });
    await spinelineOk(['models', 'promote', `tiny-stage3@${TINY_VERSION}`], settings);
  });

  it('never stands for another bundle: other bytes under a name and version that are taken are refused', async () => {
    const { settings } = deployment;
    const bundle = await stage3Bundle('impostor', TINY_VERSION);
    const { code, stderr } = await spineline(
      ['enqueue', dataset, '--run', 'impostor', '--models', `stage3=${bundle}`],
      settings,
    );
    expect(code).toBe(2);
    expect(stderr).toContain('BUNDLE_VERSION_TAKEN');
    expect(stderr).toContain('give the new bundle a new version');
    expect((await spineline(['status', 'impostor'], settings)).stderr).toContain('there is no run called impostor');
  });

  it('is refused to be overwritten: a run keeps its name', async () => {
    const { code, stderr } = await spineline(['enqueue', dataset, '--run', 'first'], deployment.settings);
    expect(code).toBe(2);
    expect(stderr).toContain('there is already a run called first');
  });
});

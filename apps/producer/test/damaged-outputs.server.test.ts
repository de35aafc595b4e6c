/** Stored outputs that are gone, cut or changed by a bit: found out, made again, and the result is the same as before. */

import { open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STEP_NAMES, STEPS, type Step } from '@spineline/shared/domain';
import { pushBundle, readBundleFolder } from '@spineline/shared/models';
import type { StudyResult } from '@spineline/shared/runs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stageOutputFolder } from '../../../packages/shared/store/layout.ts';
import { phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { tinyBundles } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { filesBelow } from './support/bad-files.ts';
import { copyBundle, withRemark } from './support/bundle-copy.ts';
import { type Deployment, resultsOf, scoreRun, startDeployment, withSide } from './support/deployment.ts';
import { type Pools, startPools } from './support/worker.ts';

const missing = redisMissing();

async function flipBit(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  const place = Math.floor((await handle.stat()).size / 2);
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, place);
  buffer[0]! ^= 1;
  await handle.write(buffer, 0, 1, place);
  await handle.close();
}

const cut = async (file: string) => truncate(file, Math.floor((await stat(file)).size / 2));
const remove = (file: string) => rm(file);

interface Damage {
  readonly what: string;
  /** Files of a study's outputs, by step and name, and what is done to them. */
  readonly damage: readonly (readonly [Step, string, (file: string) => Promise<void>])[];
  /** Steps that are computed again; the others are found in the store. */
  readonly computed: readonly Step[];
}

/** Done to one study each. */
const DAMAGES: readonly Damage[] = [
  { what: 'a cut z.json', damage: [['stage1', 'z.json', cut]], computed: ['stage1'] },
  { what: 'a series index that is gone', damage: [['stage1', 'series-index.json', remove]], computed: ['stage1'] },
  { what: 'a commit of stage 1 that is cut', damage: [['stage1', 'provenance.json', cut]], computed: ['stage1'] },
  { what: 'an xy.json with one bit changed', damage: [['xy', 'xy.json', flipBit]], computed: ['xy'] },
  { what: 'crops that are gone', damage: [['crops', 'crops.u12', remove]], computed: ['crops'] },
  { what: 'crops that are cut short', damage: [['crops', 'crops.u12', cut]], computed: ['crops'] },
  {
    what: 'a severity.json with one bit changed',
    damage: [['stage3', 'severity.json', flipBit]],
    computed: ['stage3'],
  },
  {
    what: 'crops with one bit changed, met by stage 3, which sends the study back',
    damage: [
      ['crops', 'crops.u12', flipBit],
      ['stage3', 'severity.json', remove],
    ],
    computed: ['crops', 'stage3'],
  },
  {
    what: 'damage in every step at once',
    damage: [
      ['stage1', 'z.json', flipBit],
      ['xy', 'xy.json', cut],
      ['crops', 'crops.json', flipBit],
      ['stage3', 'severity.json', cut],
    ],
    computed: ['stage1', 'xy', 'crops', 'stage3'],
  },
];

describe.skipIf(missing)(`a store with damaged outputs${missing ? ` (${missing})` : ''}`, () => {
  let deployment: Deployment;
  let pools: Pools;
  let dataset = '';
  /** Of the same studies, in the same order; study i has suffered damage i in between. */
  let first: StudyResult[];
  let again: StudyResult[];

  beforeAll(async () => {
    dataset = await phantomDataset({ studies: DAMAGES.length });
    deployment = await startDeployment();
    pools = await startPools(1, deployment.settings);
    first = await score('first');
    for (const [i, { damage }] of DAMAGES.entries()) {
      for (const [step, name, harm] of damage) await harm(join(folderOf(first[i]!, step), name));
    }
    again = await score('again');
  }, 240_000);
  afterAll(async () => {
    await pools?.stop();
    await deployment?.stop();
  });

  async function score(run: string): Promise<StudyResult[]> {
    const status = await scoreRun(dataset, run, deployment.settings);
    expect(status).toMatchObject({ failures: [], code: 0, scored: DAMAGES.length });
    return (await resultsOf(run, deployment.folder, deployment.settings)).studies;
  }

  const store = () => fileURLToPath(deployment.settings.SPINELINE_STORE_URL!);
  const folderOf = ({ steps }: StudyResult, step: Step) =>
    join(store(), stageOutputFolder(STEPS[step].output, steps[step].key));

  it.each(DAMAGES.map((damage, study) => ({ ...damage, study })))(
    'makes up for $what',
    async ({ damage, computed, study }) => {
      const { targets, series, flags, steps } = again[study]!;
      const before = first[study]!;
      expect(STEP_NAMES.filter((step) => !steps[step].reused)).toEqual(computed);
      expect({ targets, series, flags }).toEqual({
        targets: before.targets,
        series: before.series,
        flags: before.flags,
      });
      for (const step of STEP_NAMES) expect(steps[step].key).toBe(before.steps[step].key);
      for (const [step] of damage) expect(await readdir(folderOf(before, step))).toContain('provenance.json');
    },
  );

  it('tells of it in the log, and counts the study that went back as one', async () => {
    const back = pools.lines(({ msg }) => msg.includes('the study goes back'));
    expect(back.length).toBeGreaterThan(0);
    for (const { level } of back) expect(level).toBe('warn');
    const sentBack = DAMAGES.findIndex(({ what }) => what.includes('sends the study back'));
    expect(new Set(back.map(({ study }) => study))).toEqual(new Set([first[sentBack]!.study]));
    expect(pools.lines(({ level }) => level === 'error')).toEqual([]);
  });

  it('never runs a bundle whose member is not what its digest says: the study fails with that reason', async () => {
    const { settings, folder } = deployment;
    const { stage3 } = await tinyBundles();
    const tampered = join(folder, 'tampered');
    const bundle = await copyBundle(stage3, tampered, '2.0.0', (_task, _member, bytes) => withRemark(bytes));
    await withSide(settings, async (side) => pushBundle(side.store, await readBundleFolder(bundle)));
    const member = (await filesBelow(join(store(), 'models/tiny-stage3/2.0.0'))).find((file) => file.endsWith('.onnx'));
    await flipBit(member!);
    const samples = await pools.workers[2]!.metric('spineline_samples_total', { stage: 'stage3' });
    const status = await scoreRun(dataset, 'tampered', settings, ['stage3=tiny-stage3@2.0.0']);
    expect(status).toMatchObject({ code: 3, scored: 0, failed: DAMAGES.length });
    for (const failure of status.failures) {
      expect(failure).toMatchObject({
        stage: 'stage3',
        code: 'BUNDLE_MEMBER_DAMAGED',
        kind: 'permanent',
        attempts: 1,
      });
    }
    expect(await pools.workers[2]!.metric('spineline_samples_total', { stage: 'stage3' })).toBe(samples);
  });
});

/** Stored outputs that are gone, cut or changed by a bit: found out, made again, and the result is the same as before. */

import { open, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StudyResult } from '@spineline/shared/runs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { filesBelow } from './support/bad-files.ts';
import { copyBundle, withRemark } from './support/bundle-copy.ts';
import { type Deployment, type Status, scoreRun, startDeployment, watchRun } from './support/deployment.ts';
import { makePhantom, spinelineOk } from './support/spineline-command.ts';
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
  /** Files of the run's outputs, by a part of the path, and what is done to them. */
  readonly damage: readonly (readonly [string, (file: string) => Promise<void>])[];
  /** Steps that are computed again; the others are found in the store. */
  readonly computed: readonly (keyof Status['steps'])[];
}

const DAMAGES: readonly Damage[] = [
  { what: 'a cut z.json', damage: [['stage1/*/z.json', cut]], computed: ['stage1'] },
  { what: 'a series index that is gone', damage: [['stage1/*/series-index.json', remove]], computed: ['stage1'] },
  { what: 'a commit of stage 1 that is cut', damage: [['stage1/*/provenance.json', cut]], computed: ['stage1'] },
  { what: 'an xy.json with one bit changed', damage: [['stage2-xy/*/xy.json', flipBit]], computed: ['xy'] },
  { what: 'a crop array that is gone', damage: [['stage2-crops/*/axial_sides.npy', remove]], computed: ['crops'] },
  { what: 'a cut crop array', damage: [['stage2-crops/*/sagittal_t2.npy', cut]], computed: ['crops'] },
  { what: 'a severity.json with one bit changed', damage: [['stage3/*/severity.json', flipBit]], computed: ['stage3'] },
  {
    what: 'a crop array with one bit changed, met by stage 3, which sends the study back',
    damage: [
      ['stage2-crops/*/sagittal_t1.npy', flipBit],
      ['stage3/*/severity.json', remove],
    ],
    computed: ['crops', 'stage3'],
  },
  {
    what: 'damage in every step at once',
    damage: [
      ['stage1/*/z.json', flipBit],
      ['stage2-xy/*/xy.json', cut],
      ['stage2-crops/*/crops.json', flipBit],
      ['stage3/*/severity.json', cut],
    ],
    computed: ['stage1', 'xy', 'crops', 'stage3'],
  },
];

describe.skipIf(missing)(`a store with damaged outputs${missing ? ` (${missing})` : ''}`, () => {
  let deployment: Deployment;
  let pools: Pools;
  let dataset = '';
  let first: StudyResult;

  beforeAll(async () => {
    deployment = await startDeployment(async (folder) => {
      dataset = join(folder, 'phantom');
      await makePhantom(dataset, 1, 10);
    });
    pools = await startPools(1, deployment.settings);
    expect(await scoreRun(dataset, 'first', deployment.settings)).toMatchObject({ failures: [], code: 0, scored: 1 });
    first = await resultOf('first');
  }, 240_000);
  afterAll(async () => {
    await pools?.stop();
    await deployment?.stop();
  });

  const store = () => fileURLToPath(deployment.settings.SPINELINE_STORE_URL!);

  async function resultOf(run: string): Promise<StudyResult> {
    const folder = join(store(), 'runs', run, 'studies');
    const [file] = await readdir(folder);
    return StudyResult.parse(JSON.parse(await readFile(join(folder, file!), 'utf8')));
  }

  async function fileOf(path: string): Promise<string> {
    const [stage, name] = path.split('/*/');
    const found = (await filesBelow(join(store(), 'stages', stage!))).filter((file) => file.endsWith(`/${name}`));
    expect(found).toHaveLength(1);
    return found[0]!;
  }

  it.each(DAMAGES.map((damage, index) => ({ ...damage, run: `again-${index}` })))(
    'makes up for $what',
    async ({ damage, computed, run }) => {
      const folders: string[] = [];
      for (const [path, harm] of damage) {
        const file = await fileOf(path);
        await harm(file);
        folders.push(dirname(file));
      }
      const status = await scoreRun(dataset, run, deployment.settings);
      expect(status).toMatchObject({ failures: [], code: 0, scored: 1, failed: 0 });
      const again = Object.entries(status.steps).filter(([, step]) => step.computed === 1);
      expect(again.map(([step]) => step)).toEqual(computed);

      const { targets, series, flags, steps } = await resultOf(run);
      expect({ targets, series, flags }).toEqual({ targets: first.targets, series: first.series, flags: first.flags });
      for (const step of ['stage1', 'xy', 'crops', 'stage3'] as const)
        expect(steps[step].key).toBe(first.steps[step].key);
      for (const folder of folders) expect(await readdir(folder)).toContain('provenance.json');
    },
  );

  it('tells of it in the log, and counts the study that went back as one', async () => {
    const back = pools.lines(({ msg }) => msg.includes('the study goes back'));
    expect(back.length).toBeGreaterThan(0);
    for (const line of back) expect(line).toMatchObject({ level: 'warn', study: first.study });
    expect(pools.lines(({ level }) => level === 'error')).toEqual([]);
  });

  it('never runs a bundle whose member is not what its digest says: the study fails with that reason', async () => {
    const { settings, folder } = deployment;
    const bundle = await copyBundle(3, join(folder, 'tampered'), '1.0.0', (_task, _member, bytes) => withRemark(bytes));
    await spinelineOk(['models', 'push', bundle], settings);
    const member = (await filesBelow(join(store(), 'models/demo-stage3/1.0.0'))).find((file) => file.endsWith('.onnx'));
    await flipBit(member!);
    const samples = await pools.workers[2]!.metric('spineline_samples_total', { stage: 'stage3' });
    await spinelineOk(['enqueue', dataset, '--run', 'tampered', '--models', 'stage3=demo-stage3@1.0.0'], settings);
    const status = await watchRun('tampered', settings);
    expect(status).toMatchObject({ code: 3, scored: 0, failed: 1 });
    expect(status.failures).toMatchObject([
      { stage: 'stage3', code: 'BUNDLE_MEMBER_DAMAGED', kind: 'permanent', attempts: 1 },
    ]);
    expect(await pools.workers[2]!.metric('spineline_samples_total', { stage: 'stage3' })).toBe(samples);
  });
});

/** `spineline models` as a user runs it, and which bundles a new run is then pinned to. */

import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { pinBundles } from '@spineline/shared/control';
import {
  bundleDigest,
  promoteBundle,
  pushBundle,
  readBundleFolder,
  readBundleManifest,
} from '@spineline/shared/models';
import { type RunRecord, RunStore } from '@spineline/shared/runs';
import { type ObjectStore, openStore } from '@spineline/shared/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { filesBelow } from './support/bad-files.ts';
import { copyBundle, demoBundle } from './support/bundle-copy.ts';
import { spineline, spinelineOk } from './support/in-process.ts';

let folder = '';
let storeUrl = '';
let store: ObjectStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spineline-test-'));
  storeUrl = pathToFileURL(join(folder, 'store')).href;
  store = await openStore(storeUrl);
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const models = (...parameters: string[]) => spineline(['models', ...parameters], { SPINELINE_STORE_URL: storeUrl });
const modelsOk = async (...parameters: string[]) =>
  (await spinelineOk(['models', ...parameters], { SPINELINE_STORE_URL: storeUrl })).stdout;
/** A copy of the demo bundle of stage 3 as another version. @returns its folder. */
const version = (text: string) => copyBundle(demoBundle(3), join(folder, `v${text}`), text, () => undefined);
/** Puts versions into the store, without a process each. */
const pushed = async (...texts: string[]) => {
  for (const text of texts) await pushBundle(store, await readBundleFolder(await version(text)));
};
const memberOf = async (bundle: string) => (await readdir(bundle)).find((name) => name.endsWith('.onnx'))!;
const stored = (file: string) => join(fileURLToPath(storeUrl), 'models/demo-stage3', file);

it('pushes folders, says what they are and what to type next', async () => {
  const stage2 = demoBundle(2);
  const { stdout, stderr } = await models('push', await version('9.0.0'), stage2);
  const { version: demo } = await readBundleManifest(stage2);
  expect(stdout).toMatch(/^pushed {2}demo-stage3@9\.0\.0 {2}stage 3 {2}[0-9a-f]{64}$/m);
  expect(stdout).toContain(`--models stage3=demo-stage3@9.0.0 --models stage2=demo-stage2@${demo}`);
  expect(stdout).toContain(`spineline models promote demo-stage3@9.0.0 demo-stage2@${demo}`);
  expect(stderr).toContain('NOT FOR CLINICAL USE');
  expect(await modelsOk('push', stage2)).toContain(`already in the store  demo-stage2@${demo}`);
});

it('puts nothing into the store when one byte of one folder is wrong', async () => {
  const bad = await version('9.0.0');
  await truncate(join(bad, await memberOf(bad)), 1000);
  const { code, stderr } = await models('push', demoBundle(2), bad);
  expect(code).toBe(2);
  expect(stderr).toMatch(/BUNDLE_MEMBER_DAMAGED.*v9\.0\.0.*expected \d+ bytes, SHA-256 .*found 1000 bytes/);
  expect(await filesBelow(fileURLToPath(storeUrl)).catch(() => [])).toEqual([]);
});

it('refuses another bundle under a version that is taken, and mends what was damaged in the store', async () => {
  await pushed('9.0.0');
  const first = join(folder, 'v9.0.0');
  const other = join(folder, 'other');
  await cp(first, other, { recursive: true });
  const manifest = JSON.parse(await readFile(join(other, 'bundle.json'), 'utf8'));
  await writeFile(join(other, 'bundle.json'), JSON.stringify({ ...manifest, notice: 'another' }));
  expect(await models('push', other)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/BUNDLE_VERSION_TAKEN.*demo-stage3@9\.0\.0.*give the new bundle a new version/),
  });

  const member = await memberOf(first);
  await truncate(stored(`9.0.0/${member}`), 10);
  expect(await modelsOk('push', first)).toMatch(new RegExp(`repaired +demo-stage3@9.0.0[^]*written again: ${member}`));
  expect(await modelsOk('verify', 'demo-stage3@9.0.0')).toMatch(/^intact/);
});

it('checks all bundles and ends with 2 when one is damaged', async () => {
  await pushed('9.0.0', '9.1.0', '9.2.0');
  expect(await modelsOk('verify', '--all')).toMatch(/^(intact .*\n){3}$/);
  const member = await memberOf(join(folder, 'v9.0.0'));
  await truncate(stored(`9.0.0/${member}`), 10);
  await writeFile(stored('9.1.0/bundle.json'), '{');
  const { code, stdout } = await models('verify', '--all');
  expect(code).toBe(2);
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringMatching(new RegExp(`^damaged +demo-stage3@9.0.0 +BUNDLE_MEMBER_DAMAGED.*${member}`)),
    expect.stringMatching(/^damaged +demo-stage3@9.1.0 +BUNDLE_INVALID.*is not JSON/),
    expect.stringMatching(/^intact +demo-stage3@9.2.0/),
  ]);
  expect(await models('verify')).toMatchObject({ code: 2, stderr: expect.stringContaining('--all') });
});

it('promotes, goes back, demotes, and lists what new runs use', async () => {
  await pushed('9.0.0', '9.1.0');
  const used = async () => {
    const rows = JSON.parse(await modelsOk('list', '--json')) as Record<string, unknown>[];
    return rows.filter(({ stage, usedByNewRuns }) => stage === 3 && usedByNewRuns);
  };
  const demo = await readBundleManifest(demoBundle(3));
  expect(await used()).toMatchObject([{ where: 'shipped', version: demo.version, promoted: null }]);

  await modelsOk('promote', 'demo-stage3@9.0.0');
  const second = await modelsOk('promote', 'demo-stage3@9.1.0');
  expect(second).toMatch(/^promoted {2}demo-stage3@9\.1\.0 {2}stage 3/);
  expect(second).toContain('back: spineline models promote demo-stage3@9.0.0');
  expect(await used()).toMatchObject([{ where: 'store', version: '9.1.0', promoted: expect.stringMatching(/^20/) }]);
  expect(await modelsOk('list')).toMatch(/^demo-stage3@9\.1\.0 .* store +promoted 20/m);

  await modelsOk('promote', 'demo-stage3@9.0.0');
  expect(await used()).toMatchObject([{ version: '9.0.0' }]);
  expect(await modelsOk('demote', 'stage3')).toContain('before: demo-stage3@9.0.0');
  expect(await used()).toMatchObject([{ where: 'shipped' }]);
});

it('says of what cannot be promoted or demoted what would have been right', async () => {
  expect(await models('promote', './folder')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('models push'),
  });
  expect(await models('promote', 'demo-stage3@8.0.0')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('BUNDLE_MISSING'),
  });
  expect(await models('demote', 'stage4')).toMatchObject({ code: 2, stderr: expect.stringContaining('stage4') });
});

it('pins a new run to what is promoted, and changes nothing in a run that was made before', async () => {
  await pushed('9.0.0', '9.1.0');
  await promoteBundle(store, 'demo-stage3', '9.0.0');
  const runs = new RunStore(store);
  const record = async (run: string): Promise<RunRecord> => {
    const { bundles, notice } = await pinBundles(store, []);
    const made: RunRecord = {
      schema: 'spineline.run/1',
      run,
      dataset: '0'.repeat(64),
      studies: 1,
      bundles,
      priority: 5,
      created: new Date(0).toISOString(),
      notice,
    };
    await runs.recordRun(made);
    return made;
  };
  const tonight = await record('tonight');
  const demo = await readBundleManifest(demoBundle(1));
  expect(tonight.bundles).toMatchObject({
    stage1: { name: 'demo-stage1', version: demo.version, digest: bundleDigest(demo) },
    stage3: { name: 'demo-stage3', version: '9.0.0' },
  });

  await modelsOk('push', await version('9.2.0'));
  await modelsOk('promote', 'demo-stage3@9.2.0');
  expect(await new RunStore(store).readRun('tonight')).toEqual(tonight);
  expect((await record('tomorrow')).bundles.stage3).toMatchObject({ version: '9.2.0' });
  // Somebody who names a bundle gets that one.
  const { bundles } = await pinBundles(store, ['stage3=demo-stage3@9.1.0']);
  expect(bundles.stage3.version).toBe('9.1.0');
});

it('makes no run with a bundle that is no longer what was promoted', async () => {
  await pushed('9.0.0');
  await promoteBundle(store, 'demo-stage3', '9.0.0');
  const manifest = JSON.parse(await readFile(stored('9.0.0/bundle.json'), 'utf8'));
  await writeFile(stored('9.0.0/bundle.json'), JSON.stringify({ ...manifest, notice: 'another' }));
  await expect(pinBundles(store, [])).rejects.toMatchObject({
    code: 'BUNDLE_DIGEST_MISMATCH',
    message: expect.stringContaining('spineline models demote stage3'),
  });
  await rm(stored('9.0.0'), { recursive: true });
  await expect(pinBundles(store, [])).rejects.toMatchObject({ code: 'BUNDLE_MISSING' });
  await modelsOk('demote', 'stage3');
  const demo = await readBundleManifest(demoBundle(3));
  expect((await pinBundles(store, [])).bundles.stage3.version).toBe(demo.version);
});

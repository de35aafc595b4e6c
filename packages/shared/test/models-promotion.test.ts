/** Promotion: which stored bundle new runs use, how one goes back, and what stands in the way. */

import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import {
  type BundlePin,
  demoteStage,
  mendBundle,
  promoteBundle,
  pushBundle,
  readBundleFolder,
  readPromotion,
  readStoredBundle,
} from '../models/index.ts';
import { bundleFileKey, bundleKey, type ObjectStore, openStore, promotionKey } from '../store/index.ts';
import { ROOT } from './imaging-reference.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const DEMO = join(ROOT, 'models/demo/stage1');
const at = (minute: number) => new Date(Date.UTC(2026, 10, 25, 12, minute));

async function freshStore(): Promise<ObjectStore> {
  const store = await openStore(pathToFileURL(await temporaryFolder()).href);
  onTestFinished(() => store.close());
  return store;
}

/** The demo bundle of stage 1 with another manifest. */
async function variant(changes: { readonly version?: string; readonly notice?: string }): Promise<string> {
  const folder = await temporaryFolder();
  await cp(DEMO, folder, { recursive: true });
  const manifest = JSON.parse(await readFile(join(folder, 'bundle.json'), 'utf8'));
  await writeFile(join(folder, 'bundle.json'), JSON.stringify({ ...manifest, ...changes }));
  return folder;
}

async function pushedVersions(store: ObjectStore, ...versions: string[]): Promise<BundlePin[]> {
  const pins: BundlePin[] = [];
  for (const version of versions)
    pins.push(await pushBundle(store, await readBundleFolder(await variant({ version }))));
  return pins;
}

it('has nothing promoted in a store where nobody promoted anything', async () => {
  expect(await readPromotion(await freshStore(), 2)).toEqual({
    schema: 'spineline.promotion/1',
    stage: 2,
    current: null,
    history: [],
  });
});

it('remembers what was promoted before, so that one can go back, and what was demoted', async () => {
  const store = await freshStore();
  const [one, two] = await pushedVersions(store, '1.0.0', '2.0.0');
  await promoteBundle(store, one!.name, '1.0.0', at(1));
  await promoteBundle(store, two!.name, '2.0.0', at(2));
  await promoteBundle(store, one!.name, '1.0.0', at(3));
  const promotion = await demoteStage(store, 1, at(4));
  expect(promotion).toEqual({
    schema: 'spineline.promotion/1',
    stage: 1,
    current: null,
    history: [
      { ...one, promoted: at(3).toISOString(), until: at(4).toISOString() },
      { ...two, promoted: at(2).toISOString(), until: at(3).toISOString() },
      { ...one, promoted: at(1).toISOString(), until: at(2).toISOString() },
    ],
  });
  expect(await readPromotion(store, 1)).toEqual(promotion);
  expect(await demoteStage(store, 1, at(5))).toEqual(promotion);
});

it('leaves alone what is promoted already', async () => {
  const store = await freshStore();
  const [one] = await pushedVersions(store, '1.0.0');
  const { promotion } = await promoteBundle(store, one!.name, '1.0.0', at(1));
  expect((await promoteBundle(store, one!.name, '1.0.0', at(2))).promotion).toEqual(promotion);
});

it('promotes no bundle that is not whole, and changes nothing then', async () => {
  const store = await freshStore();
  const [one, two] = await pushedVersions(store, '1.0.0', '2.0.0');
  const { promotion } = await promoteBundle(store, one!.name, '1.0.0', at(1));
  await store.put(bundleFileKey(two!.name, '2.0.0', 'scs-reg.onnx'), 'damaged');
  await expect(promoteBundle(store, two!.name, '2.0.0')).rejects.toMatchObject({ code: 'BUNDLE_MEMBER_DAMAGED' });
  await expect(promoteBundle(store, two!.name, '3.0.0')).rejects.toMatchObject({ code: 'BUNDLE_MISSING' });
  expect(await readPromotion(store, 1)).toEqual(promotion);
});

it('is not guessed at when the record is damaged, and is mended by the next promotion', async () => {
  const store = await freshStore();
  const [one] = await pushedVersions(store, '1.0.0');
  await store.put(promotionKey(1), '{"schema":');
  await expect(readPromotion(store, 1)).rejects.toMatchObject({ code: 'ARTEFACT_DAMAGED' });
  const { promotion } = await promoteBundle(store, one!.name, '1.0.0', at(1));
  expect(promotion).toMatchObject({ current: { version: '1.0.0' }, history: [] });
});

it('commits one of two bundles that are pushed under one name at the same instant, and refuses the other', async () => {
  const store = await freshStore();
  const rivals = await Promise.all(
    ['one', 'other'].map(async (notice) => readBundleFolder(await variant({ version: '1.0.0', notice }))),
  );
  // As both see it who look before either has written.
  const before = new Proxy(store, {
    get: (target, name) => {
      if (name === 'head') return async () => undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const pushes = await Promise.allSettled(rivals.map((rival) => pushBundle(before, rival)));
  const [committed] = pushes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = pushes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  expect(refused).toMatchObject([{ code: 'BUNDLE_VERSION_TAKEN', context: { found: `digest ${committed!.digest}` } }]);
  expect((await readStoredBundle(store, committed!)).digest).toBe(committed!.digest);
});

it('mends the members of a committed bundle, and of no other', async () => {
  const store = await freshStore();
  const loaded = await readBundleFolder(DEMO);
  const pin = await pushBundle(store, loaded);
  expect(await mendBundle(store, loaded)).toEqual([]);
  await store.put(bundleFileKey(pin.name, pin.version, 'nfn-reg.onnx'), 'damaged');
  await store.delete(bundleFileKey(pin.name, pin.version, 'scs-cls.onnx'));
  expect(await mendBundle(store, loaded)).toEqual(['scs-cls.onnx', 'nfn-reg.onnx']);
  expect((await readStoredBundle(store, pin)).files.size).toBe(4);

  const rival = await readBundleFolder(await variant({ notice: 'another' }));
  await expect(mendBundle(store, rival)).rejects.toMatchObject({ code: 'BUNDLE_VERSION_TAKEN' });
  await store.delete(bundleKey(pin.name, pin.version));
  await expect(mendBundle(store, loaded)).rejects.toMatchObject({ code: 'BUNDLE_MISSING' });
});

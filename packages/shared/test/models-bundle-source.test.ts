/** Bundles in a folder, in a store and in a worker’s memory: an incomplete or damaged bundle never runs. */

import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BundleCache } from '../inference/index.ts';
import { parseBundle } from '../models/bundle.ts';
import {
  type BundlePin,
  bundleDigest,
  findBundleFolders,
  listStoredBundles,
  pushBundle,
  readBundleFolder,
  readBundleManifest,
  readPinnedManifest,
  readStoredBundle,
  readStoredManifest,
} from '../models/index.ts';
import { bundleFileKey, bundleKey, type ObjectStore, openStore } from '../store/index.ts';
import { ROOT } from './imaging-reference.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const DEMO = join(ROOT, 'models/demo');
const PIN_NAME: { name: string; version: string } = (({ name, version }) => ({ name, version }))(
  JSON.parse(await readFile(join(DEMO, 'stage1/bundle.json'), 'utf8')),
);

async function freshStore(): Promise<ObjectStore> {
  const store = await openStore(pathToFileURL(await temporaryFolder()).href);
  onTestFinished(() => store.close());
  return store;
}
async function pushed(): Promise<{ store: ObjectStore; pin: BundlePin }> {
  const store = await freshStore();
  return { store, pin: await pushBundle(store, await readBundleFolder(join(DEMO, 'stage1'))) };
}
async function copyOfDemo(): Promise<string> {
  const folder = await temporaryFolder();
  await cp(join(DEMO, 'stage1'), folder, { recursive: true });
  return folder;
}
/** A bundle like the demo's, under the same name and version, with another notice. */
async function rival(): Promise<string> {
  const folder = await copyOfDemo();
  const manifest = JSON.parse(await readFile(join(folder, 'bundle.json'), 'utf8'));
  await writeFile(join(folder, 'bundle.json'), JSON.stringify({ ...manifest, notice: 'another bundle' }));
  return folder;
}

describe('a bundle folder', () => {
  it('is read with the verified bytes of every member', async () => {
    const { bundle, digest, files } = await readBundleFolder(join(DEMO, 'stage1'));
    expect(digest).toBe(bundleDigest(bundle));
    expect([...files.keys()]).toEqual(['scs-cls.onnx', 'scs-reg.onnx', 'nfn-cls.onnx', 'nfn-reg.onnx']);
    expect(files.get('scs-cls.onnx')!.byteLength).toBe(bundle.tasks.scs.members[0]!.bytes);
  });

  it('without a manifest, or without one of its members, is missing', async () => {
    await expect(readBundleManifest(await temporaryFolder())).rejects.toMatchObject({ code: 'BUNDLE_MISSING' });
    const folder = await copyOfDemo();
    await rm(join(folder, 'nfn-cls.onnx'));
    await expect(readBundleFolder(folder)).rejects.toMatchObject({
      code: 'BUNDLE_MEMBER_MISSING',
      summary: expect.stringContaining('nfn-cls.onnx'),
    });
  });

  it('with a member of which one bit is wrong, or a byte too few, is damaged', async () => {
    const folder = await copyOfDemo();
    const path = join(folder, 'scs-reg.onnx');
    const bytes = await readFile(path);
    const flipped = Buffer.from(bytes);
    flipped[1000]! ^= 1;
    for (const wrong of [flipped, bytes.subarray(1)]) {
      await writeFile(path, wrong);
      await expect(readBundleFolder(folder)).rejects.toMatchObject({
        code: 'BUNDLE_MEMBER_DAMAGED',
        kind: 'permanent',
        context: { found: expect.stringContaining(`${wrong.length} bytes`) },
      });
    }
  });

  it('is found among others by its manifest, in the order of names', async () => {
    const folder = await temporaryFolder();
    for (const name of ['b', 'a', 'empty']) await mkdir(join(folder, name));
    for (const name of ['b', 'a']) await cp(join(DEMO, 'stage1/bundle.json'), join(folder, name, 'bundle.json'));
    expect(await findBundleFolders(folder)).toEqual([join(folder, 'a'), join(folder, 'b')]);
    expect(await findBundleFolders(join(folder, 'nowhere'))).toEqual([]);
  });
});

describe('a stored bundle', () => {
  it('is the one that was pushed, byte for byte, and is listed', async () => {
    const { store, pin } = await pushed();
    const loaded = await readBundleFolder(join(DEMO, 'stage1'));
    expect(pin).toEqual({ ...PIN_NAME, digest: loaded.digest });
    const stored = await readStoredBundle(store, pin);
    expect(stored.digest).toBe(loaded.digest);
    for (const [file, bytes] of loaded.files) expect(Buffer.compare(stored.files.get(file)!, bytes)).toBe(0);
    expect((await listStoredBundles(store)).map(({ name, version }) => ({ name, version }))).toEqual([PIN_NAME]);
  });

  it('may be pushed again, and is then left alone', async () => {
    const { store, pin } = await pushed();
    const before = await store.head(bundleKey(pin.name, pin.version));
    expect(await pushBundle(store, await readBundleFolder(join(DEMO, 'stage1')))).toEqual(pin);
    expect(await store.head(bundleKey(pin.name, pin.version))).toEqual(before);
  });

  it('is never replaced by another of the same name and version', async () => {
    const { store, pin } = await pushed();
    await expect(pushBundle(store, await readBundleFolder(await rival()))).rejects.toMatchObject({
      code: 'BUNDLE_VERSION_TAKEN',
      context: { found: `digest ${pin.digest}` },
    });
    expect((await readStoredBundle(store, pin)).digest).toBe(pin.digest);
  });

  it('of which only members were written is not there yet, and can be pushed', async () => {
    const store = await freshStore();
    const loaded = await readBundleFolder(join(DEMO, 'stage1'));
    await store.put(bundleFileKey(PIN_NAME.name, PIN_NAME.version, 'scs-cls.onnx'), 'half a push');
    expect(await listStoredBundles(store)).toEqual([]);
    const pin = await pushBundle(store, loaded);
    expect((await readStoredBundle(store, pin)).files.size).toBe(4);
  });

  it('that is not the pinned one is refused', async () => {
    const { store, pin } = await pushed();
    const other = { ...pin, digest: '0'.repeat(64) };
    for (const read of [readPinnedManifest, readStoredBundle]) {
      await expect(read(store, other)).rejects.toMatchObject({
        code: 'BUNDLE_DIGEST_MISMATCH',
        context: { expected: `digest ${other.digest}`, found: `digest ${pin.digest}` },
      });
    }
  });

  it('that is not there, or lacks a member, or has a damaged one, is refused by name', async () => {
    const { store, pin } = await pushed();
    await expect(readStoredManifest(store, 'demo-stage1', '9.9.9')).rejects.toMatchObject({
      code: 'BUNDLE_MISSING',
      summary: expect.stringContaining('demo-stage1@9.9.9'),
    });
    const key = bundleFileKey(pin.name, pin.version, 'scs-reg.onnx');
    await store.put(key, 'not what it was');
    await expect(readStoredBundle(store, pin)).rejects.toMatchObject({ code: 'BUNDLE_MEMBER_DAMAGED' });
    await store.delete(key);
    await expect(readStoredBundle(store, pin)).rejects.toMatchObject({ code: 'BUNDLE_MEMBER_MISSING' });
    // The manifest alone still says what the bundle is.
    expect((await readPinnedManifest(store, pin)).stage).toBe(1);
  });

  it('with a manifest that cannot be read names the object', async () => {
    const { store, pin } = await pushed();
    await store.put(bundleKey(pin.name, pin.version), '{"schema":');
    await expect(readPinnedManifest(store, pin)).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      summary: expect.stringContaining(`models/${pin.name}/${pin.version}/bundle.json`),
    });
  });
});

describe('the cache of a worker', () => {
  it('gives an ensemble a task, named by digest and task, with the members’ bytes in order', async () => {
    const { store, pin } = await pushed();
    const ready = await new BundleCache(store).get(pin, 1);
    const scs = ready.ensemble('scs');
    expect(scs.id).toBe(`${pin.digest}/scs`);
    expect(ready.ensemble('nfn').id).not.toBe(scs.id);
    expect(scs.members.map(({ sha256 }) => sha256)).toEqual(ready.bundle.tasks.scs.members.map(({ sha256 }) => sha256));
    expect(scs.members[1]!.bytes.byteLength).toBe(ready.bundle.tasks.scs.members[1]!.bytes);
  });

  it('reads a bundle once, also for callers at the same time', async () => {
    const { store, pin } = await pushed();
    const cache = new BundleCache(store);
    const [first, second] = await Promise.all([cache.get(pin, 1), cache.get(pin, 1)]);
    expect(first.ensemble('scs').members[0]!.bytes).toBe(second.ensemble('scs').members[0]!.bytes);
    // What is in memory is there though the store lost it.
    for await (const { key } of store.list('models/')) await store.delete(key);
    const third = await cache.get(pin, 1);
    expect(third.ensemble('scs').members[0]!.bytes).toBe(first.ensemble('scs').members[0]!.bytes);
  });

  it('reads the manifest alone where the models are not needed', async () => {
    const { store, pin } = await pushed();
    const cache = new BundleCache(store);
    await store.delete(bundleFileKey(pin.name, pin.version, 'scs-reg.onnx'));
    expect((await cache.manifest(pin, 1)).input.slices).toBe(32);
    await expect(cache.get(pin, 1)).rejects.toMatchObject({ code: 'BUNDLE_MEMBER_MISSING' });
  });

  it('does not remember a failure: what is mended is read', async () => {
    const { store, pin } = await pushed();
    const cache = new BundleCache(store);
    const key = bundleFileKey(pin.name, pin.version, 'scs-reg.onnx');
    const whole = await store.get(key);
    await store.put(key, 'damaged');
    await expect(cache.get(pin, 1)).rejects.toMatchObject({ code: 'BUNDLE_MEMBER_DAMAGED' });
    await store.put(key, whole);
    expect((await cache.get(pin, 1)).bundle.stage).toBe(1);
  });

  it('refuses a pin of another stage, and one that the store does not keep', async () => {
    const { store, pin } = await pushed();
    const cache = new BundleCache(store);
    await expect(cache.get(pin, 3)).rejects.toMatchObject({ code: 'BUNDLE_WRONG_STAGE' });
    await expect(cache.manifest(pin, 2)).rejects.toMatchObject({ code: 'BUNDLE_WRONG_STAGE' });
    const other = { ...pin, digest: 'f'.repeat(64) };
    await expect(cache.get(other, 1)).rejects.toMatchObject({ code: 'BUNDLE_DIGEST_MISMATCH' });
  });

  it('gives runs with different pins each their own', async () => {
    const { store, pin } = await pushed();
    const folder = await rival();
    const manifest = JSON.parse(await readFile(join(folder, 'bundle.json'), 'utf8'));
    const text = JSON.stringify({ ...manifest, version: `${pin.version}-rival` });
    await writeFile(join(folder, 'bundle.json'), text);
    const second = await pushBundle(store, await readBundleFolder(folder));
    const cache = new BundleCache(store);
    expect((await cache.get(pin, 1)).bundle.version).toBe(pin.version);
    expect((await cache.get(second, 1)).bundle.notice).toBe('another bundle');
    expect(second.digest).toBe(bundleDigest(parseBundle(text, 'second')));
  });
});

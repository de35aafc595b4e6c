/**
 * What the `file://` store owes beyond the common contract: atomicity against rivals, and clear refusals.
 */

import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { ConfigError } from '../domain/index.ts';
import { type ObjectStore, openStore } from '../store/index.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const asRoot = process.getuid?.() === 0;

it('lets exactly one of many rivals write an object that was absent', async () => {
  const { url } = await folderStore();
  // Several stores on one folder, as several processes have.
  const stores = await Promise.all(Array.from({ length: 20 }, () => openStore(url)));
  for (let round = 0; round < 10; round++) {
    const key = `locks/${round}`;
    const won = await Promise.all(stores.map((store, i) => store.putIfAbsent(key, `writer ${i}`)));
    expect(won.filter(Boolean)).toHaveLength(1);
    const winner = new TextDecoder().decode(await stores[0]!.get(key));
    expect(winner).toBe(`writer ${won.indexOf(true)}`);
  }
});

it('neither lists nor trips over what a dead writer left', async () => {
  const { store, folder } = await folderStore();
  await store.put('a/b', '1');
  await writeFile(join(folder, 'a', '.tmp-12-dead'), 'half');
  await mkdir(join(folder, 'only'), { recursive: true });
  await writeFile(join(folder, 'only', '.tmp-12-dead'), 'half');
  await mkdir(join(folder, 'empty', 'er'), { recursive: true });
  expect(await keysOf(store)).toEqual(['a/b']);
  expect(await Array.fromAsync(store.folders(''))).toEqual(['a']);
});

it('leaves no temporary files behind, whether a write succeeds or fails', async () => {
  const { store, folder } = await folderStore();
  await store.put('a/b', '1');
  await store.putIfAbsent('a/c', '1');
  await store.putIfAbsent('a/c', '2');
  await expect(store.put('a', 'a folder has this name')).rejects.toMatchObject({
    code: 'STORE_KEY_CONFLICT',
    kind: 'permanent',
  });
  await expect(store.put('a/b/c', 'a file has this name')).rejects.toMatchObject({ code: 'STORE_KEY_CONFLICT' });
  expect((await readdir(folder, { recursive: true })).sort()).toEqual(['a', join('a', 'b'), join('a', 'c')]);
});

it('makes the same new folders from many writers at once', async () => {
  const { store } = await folderStore();
  const keys = Array.from({ length: 40 }, (_, i) => `one/two/three/four/${i}`);
  await Promise.all(keys.map((key) => store.put(key, key)));
  expect(await keysOf(store)).toEqual([...keys].sort());
});

it('follows symbolic links, except one that leads back', async () => {
  const { store, folder } = await folderStore();
  const elsewhere = await temporaryFolder();
  await writeFile(join(elsewhere, 'far'), '1');
  await store.put('here/near', '1');
  await symlink(elsewhere, join(folder, 'there'));
  await symlink(folder, join(folder, 'here', 'loop'));
  await symlink(join(folder, 'nowhere'), join(folder, 'broken'));
  expect(await keysOf(store)).toEqual(['here/near', 'there/far']);
});

it('says which folder it cannot open, and what to do', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  for (const url of [pathToFileURL(join(folder, 'file')).href, pathToFileURL(join(folder, 'file', 'below')).href]) {
    await expect(openStore(url)).rejects.toThrow(ConfigError);
    await expect(openStore(url)).rejects.toThrow(url);
  }
  for (const url of ['file://host/path', 'file://./relative', 'file:///%zz']) {
    await expect(openStore(url)).rejects.toThrow('file:///absolute/path');
  }
});

it.skipIf(!asRoot)(
  'calls a forbidden file permanent and names it (skipped unless root, who can become another user)',
  async () => {
    const { store, folder } = await folderStore();
    await store.put('secret', '1');
    await chmod(folder, 0o755);
    await chmod(join(folder, 'secret'), 0o000);
    process.seteuid!(65_534);
    try {
      const denied = { code: 'OBJECT_ACCESS_DENIED', kind: 'permanent' };
      await expect(store.get('secret')).rejects.toMatchObject(denied);
      await expect(store.get('secret')).rejects.toThrow('secret');
      await expect(store.put('new', '1')).rejects.toMatchObject(denied);
    } finally {
      process.seteuid!(0);
    }
  },
);

async function folderStore(): Promise<{ store: ObjectStore; folder: string; url: string }> {
  const folder = await temporaryFolder();
  const url = pathToFileURL(folder).href;
  return { store: await openStore(url), folder, url };
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  return (await Array.fromAsync(store.list(''))).map(({ key }) => key);
}

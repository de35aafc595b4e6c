/** The reports of an observed store about its requests. The conformance suite tests its results. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { StoreUnavailableError } from '../domain/index.ts';
import { observeSources, openSources } from '../sources/index.ts';
import { type ObjectStore, observeStore, openStore, type StoreObserver } from '../store/index.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

function observer() {
  const requests: string[] = [];
  const bytes = { read: 0, written: 0 };
  const observing: StoreObserver = {
    request: (operation, outcome, seconds) => {
      expect(seconds).toBeGreaterThanOrEqual(0);
      requests.push(`${operation} ${outcome}`);
    },
    read: (count) => {
      bytes.read += count;
    },
    written: (count) => {
      bytes.written += count;
    },
  };
  return { observing, requests, bytes };
}

it('tells of every request how it ended, and of the bytes', async () => {
  const { observing, requests, bytes } = observer();
  const store = observeStore(await openStore(pathToFileURL(await temporaryFolder()).href), observing);
  await store.put('a/b', 'ü'); // two bytes
  expect(await store.putIfAbsent('a/b', 'xyz')).toBe(false);
  expect(await store.putIfAbsent('a/c', 'xyz')).toBe(true);
  expect((await store.get('a/b')).byteLength).toBe(2);
  await expect(store.get('a/none')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
  expect(await store.head('a/none')).toBeUndefined();
  expect((await store.head('a/c'))?.size).toBe(3);
  const keys: string[] = [];
  for await (const { key } of store.list('a/')) keys.push(key);
  expect(keys).toEqual(['a/b', 'a/c']);
  for await (const folder of store.folders('')) expect(folder).toBe('a');
  await store.delete('a/b');
  expect(requests).toEqual([
    'put ok',
    'put_if_absent ok',
    'put_if_absent ok',
    'get ok',
    'get absent',
    'head absent',
    'head ok',
    'list ok',
    'list ok',
    'delete ok',
  ]);
  expect(bytes).toEqual({ read: 2, written: 2 + 3 });
  await store.close();
});

it('counts a listing that its reader leaves as one that went well, and one that fails as an error', async () => {
  const { observing, requests } = observer();
  const failing: Pick<ObjectStore, 'list'> = {
    async *list() {
      yield { key: 'a', size: 1, modified: new Date(0) };
      throw new StoreUnavailableError('gone');
    },
  };
  const store = observeStore(failing as ObjectStore, observing);
  for await (const _ of store.list('')) break;
  expect(requests).toEqual(['list ok']);
  const all = async () => {
    for await (const _ of store.list(''));
  };
  await expect(all()).rejects.toThrow('gone');
  expect(requests).toEqual(['list ok', 'list error']);
});

it('tells of what is read of the sources', async () => {
  const { observing, requests, bytes } = observer();
  const folder = await temporaryFolder();
  await writeFile(join(folder, '1.dcm'), 'abc');
  const sources = observeSources(openSources(), observing);
  const location = pathToFileURL(join(folder, '1.dcm')).href;
  expect((await sources.read(location)).byteLength).toBe(3);
  await expect(sources.read(`${location}x`)).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
  expect(await sources.head(`${location}x`)).toBeUndefined();
  for await (const found of sources.list(`${pathToFileURL(folder).href}/`)) expect(found.location).toBe(location);
  expect(requests).toEqual(['get ok', 'get absent', 'head absent', 'list ok']);
  expect(bytes.read).toBe(3);
  await sources.close();
});

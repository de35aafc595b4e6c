/**
 * One contract for all backends: every claim here holds for `file://`, and for `s3://` on each real server that can be
 * had. Where a server is not as AWS is, the test of it says so.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError, ObjectNotFoundError } from '../domain/index.ts';
import { type ObjectStore, openStore } from '../store/index.ts';
import { describeS3Server } from './support/s3-conformance.ts';
import { S3_START_TIMEOUT_MS, s3Servers, startS3, type TestS3 } from './support/s3-server.ts';
import type { S3ServerKind } from './support/s3-servers/server-kind.ts';

interface Backend extends Pick<S3ServerKind, 'name' | 'conditionalPuts' | 'listing' | 'dropsEmptyFolders'> {
  readonly missing: string | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** An empty store for one test. */
  newStore(): Promise<ObjectStore>;
  /** Claims of this backend alone. */
  readonly more?: () => void;
}

const BACKENDS = [fileBackend(), ...(await Promise.all(s3Servers().map(s3Backend)))];

for (const backend of BACKENDS) {
  const title = backend.missing ? `${backend.name} (skipped: ${backend.missing})` : backend.name;
  describe.skipIf(backend.missing)(title, () => {
    beforeAll(() => backend.start(), S3_START_TIMEOUT_MS);
    afterAll(() => backend.stop());

    const open = async () => {
      const store = await backend.newStore();
      onTestFinished(() => store.close());
      return store;
    };

    it('gives back the bytes that were put, and text as UTF-8', async () => {
      const store = await open();
      const bytes = randomBytes(300_000);
      await store.put('a/b.bin', bytes, { contentType: 'application/octet-stream' });
      await store.put('a/text', 'grüße');
      expect(Buffer.compare(await store.get('a/b.bin'), bytes)).toBe(0);
      expect(new TextDecoder().decode(await store.get('a/text'))).toBe('grüße');
    });

    it('puts a window of a larger buffer as that window alone', async () => {
      const store = await open();
      await store.put('window', Buffer.from('0123456789').subarray(3, 6));
      expect(Buffer.from(await store.get('window')).toString()).toBe('345');
    });

    it('gives bytes that own their buffer, so that it can be transferred', async () => {
      const store = await open();
      for (const size of [0, 10, 5000, 100_000]) {
        await store.put(`size-${size}`, new Uint8Array(size));
        const bytes = await store.get(`size-${size}`);
        expect([bytes.byteOffset, bytes.buffer.byteLength, bytes.byteLength]).toEqual([0, size, size]);
      }
    });

    it('keeps empty objects', async () => {
      const store = await open();
      await store.put('empty', '');
      expect((await store.get('empty')).byteLength).toBe(0);
      expect((await store.head('empty'))?.size).toBe(0);
    });

    it('replaces an object', async () => {
      const store = await open();
      await store.put('k', 'a much longer first text');
      await store.put('k', 'second');
      expect(await textOf(store, 'k')).toBe('second');
    });

    it('says what it knows of an object without reading it', async () => {
      const store = await open();
      await store.put('x/y', 'four');
      const info = await store.head('x/y');
      expect(info).toMatchObject({ key: 'x/y', size: 4 });
      expect(info?.modified).toBeInstanceOf(Date);
      expect(info?.modified.getTime()).toBeGreaterThan(Date.UTC(2020));
    });

    it('knows absent objects: get throws, head is undefined, delete is fine', async () => {
      const store = await open();
      await store.put('folder/object', '1');
      for (const key of ['nothing', 'no/such/path', 'folder', 'folder/object/below']) {
        await expect(store.get(key), key).rejects.toThrow(ObjectNotFoundError);
        expect(await store.head(key), key).toBeUndefined();
        await store.delete(key);
      }
      expect(await keysOf(store, '')).toEqual(['folder/object']);
    });

    it('deletes an object, and with its last object a folder', async () => {
      const store = await open();
      await store.put('deep/er/one', '1');
      await store.put('deep/two', '2');
      await store.delete('deep/er/one');
      expect(await keysOf(store, '')).toEqual(['deep/two']);
      // SeaweedFS goes on listing the empty folder for a while.
      if (backend.dropsEmptyFolders) expect(await foldersOf(store, 'deep/')).toEqual([]);
      await expect(store.get('deep/er/one')).rejects.toThrow(ObjectNotFoundError);
    });

    it('lists in the order of the whole keys, where a slash is a character like another', async () => {
      const store = await open();
      const keys = ['a-b', 'a.b', 'a/b', 'a/b/c!', 'a0', 'aa/1', 'aa/10', 'aa/2', 'B', 'ä', '～', '😀'];
      // A file system cannot hold both `a/b` and `a/b/c!`.
      const possible = keys.filter((key) => key !== 'a/b');
      for (const key of [...possible].reverse()) await store.put(key, key);
      // SeaweedFS lists folder by folder.
      const order = backend.listing === 'by key' ? compareUtf8 : compareByFolder;
      expect(await keysOf(store, '')).toEqual([...possible].sort(order));
      const infos = [];
      for await (const info of store.list('aa/')) infos.push([info.key, info.size]);
      expect(infos).toEqual([
        ['aa/1', 4],
        ['aa/10', 5],
        ['aa/2', 4],
      ]);
    });

    it('lists what starts with a prefix, be it a folder, part of a name, or all', async () => {
      const store = await open();
      for (const key of ['runs/night-1/run.json', 'runs/night-10/run.json', 'runs/day/run.json', 'runs2/x']) {
        await store.put(key, '');
      }
      expect(await keysOf(store, 'runs/night-1')).toEqual(['runs/night-1/run.json', 'runs/night-10/run.json']);
      expect(await keysOf(store, 'runs/night-1/')).toEqual(['runs/night-1/run.json']);
      expect(await keysOf(store, 'runs')).toHaveLength(4);
      expect(await keysOf(store, 'runs/day/run.json')).toEqual(['runs/day/run.json']);
      expect(await keysOf(store, 'runs/day/run.json/')).toEqual([]);
      expect(await keysOf(store, 'absent/')).toEqual([]);
    });

    it('names the folders directly below a prefix', async () => {
      const store = await open();
      for (const key of ['m/b/1/x', 'm/b/2/x', 'm/a-c/1/x', 'm/a/deep/er/x', 'm/file', 'top']) await store.put(key, '');
      // Sorted with the slash at their ends, but by SeaweedFS.
      const order = backend.listing === 'by key' ? ['a-c', 'a', 'b'] : ['a', 'a-c', 'b'];
      expect(await foldersOf(store, 'm/')).toEqual(order);
      expect(await foldersOf(store, 'm/b')).toEqual(['1', '2']);
      expect(await foldersOf(store, '')).toEqual(['m']);
      expect(await foldersOf(store, 'none/')).toEqual([]);
    });

    it('lists more objects than a page holds, each once, and lets the reader stop early', async () => {
      const store = await open();
      const keys = Array.from({ length: 1003 }, (_, i) => `many/${String(i).padStart(5, '0')}`);
      await inParallel(keys, (key) => store.put(key, '.'));
      expect(await keysOf(store, 'many/')).toEqual(keys);
      let seen = 0;
      for await (const _ of store.list('many/')) if (++seen === 3) break;
      expect(seen).toBe(3);
    });

    it('never shows a half object while twenty writers replace it', async () => {
      const store = await open();
      const versions = Array.from({ length: 20 }, (_, i) => new Uint8Array(200_000 + i * 1000).fill(i + 1));
      await store.put('contended', versions[0]!);
      let writing = true;
      const readers = Array.from({ length: 3 }, async () => {
        do {
          const bytes = await store.get('contended');
          expect(Buffer.compare(bytes, versions[bytes[0]! - 1]!)).toBe(0);
        } while (writing);
      });
      const lister = (async () => {
        do expect(await keysOf(store, '')).toEqual(['contended']);
        while (writing);
      })();
      await Promise.all(versions.map((bytes) => store.put('contended', bytes)));
      writing = false;
      await Promise.all([...readers, lister]);
    });

    it('writes beside deletes of the same folder', async () => {
      const store = await open();
      await inParallel(
        Array.from({ length: 60 }, (_, i) => i),
        async (i) => {
          const key = `shared/folder/${i % 6}/${i}`;
          await store.put(key, String(i));
          await store.delete(key);
        },
      );
      expect(await keysOf(store, '')).toEqual([]);
    });

    it('writes an object only where there is none', async () => {
      const store = await open();
      expect(await store.putIfAbsent('once', 'first')).toBe(true);
      expect(await store.putIfAbsent('once', 'second')).toBe(false);
      expect(await textOf(store, 'once')).toBe('first');
      await store.delete('once');
      expect(await store.putIfAbsent('once', 'third')).toBe(true);
    });

    it('lets one of twenty rivals write an object', async ({ skip }) => {
      skip(!backend.conditionalPuts, `no conditional PUTs on ${backend.name}: every rival that finds no object writes`);
      const store = await open();
      const rivals = Array.from({ length: 20 }, (_, i) => String(i));
      const wrote = await Promise.all(rivals.map((rival) => store.putIfAbsent('contended', rival)));
      expect(wrote.filter(Boolean)).toHaveLength(1);
      expect(await textOf(store, 'contended')).toBe(rivals[wrote.indexOf(true)]);
    });

    it('refuses keys that could leave the store or mean two things', async () => {
      const store = await open();
      const refused = ['', '/a', 'a/', 'a//b', '../a', 'a/../b', './a', 'a/.', 'a\nb', 'a\u0000', '\ud800', 'x/.tmp-1'];
      for (const key of [...refused, 'x'.repeat(256), 'x/'.repeat(600)]) {
        const refusal = { code: 'STORE_KEY_INVALID', kind: 'permanent' };
        await expect(store.put(key, ''), key).rejects.toMatchObject(refusal);
        await expect(store.get(key), key).rejects.toMatchObject(refusal);
        await expect(store.head(key), key).rejects.toMatchObject(refusal);
        await expect(store.delete(key), key).rejects.toMatchObject(refusal);
        await expect(store.putIfAbsent(key, ''), key).rejects.toMatchObject(refusal);
      }
      await expect(keysOf(store, '../')).rejects.toMatchObject({ code: 'STORE_KEY_INVALID' });
      await expect(foldersOf(store, '/')).rejects.toMatchObject({ code: 'STORE_KEY_INVALID' });
    });

    it('takes keys with spaces, percent signs, plus signs and other letters', async () => {
      const store = await open();
      const keys = [
        'a b',
        'a%20b',
        'a+b',
        'ä/é',
        "q'(1)!*",
        'x=1&y=2',
        'h#1',
        'w?v',
        '.hidden',
        '...',
        'x'.repeat(255),
      ];
      for (const key of keys) await store.put(key, key);
      for (const key of keys) expect(await textOf(store, key)).toBe(key);
      expect((await keysOf(store, '')).sort()).toEqual([...keys].sort());
      for (const key of keys) await store.delete(key);
      expect(await keysOf(store, '')).toEqual([]);
    });

    backend.more?.();
  });
}

it('names the schemes that it takes when a URL has another one', async () => {
  for (const url of ['gs://bucket', 'http://user:secret@host/', 'just/a/path', '']) {
    const refused = openStore(url);
    await expect(refused, url).rejects.toThrow(ConfigError);
    await expect(refused, url).rejects.toThrow('s3://bucket/prefix or file:///absolute/path');
    await expect(refused, url).rejects.not.toThrow('secret');
  }
});

function fileBackend(): Backend {
  let folder: string;
  let stores = 0;
  return {
    name: 'file://',
    conditionalPuts: true,
    listing: 'by key',
    dropsEmptyFolders: true,
    missing: undefined,
    async start() {
      folder = await mkdtemp(join(tmpdir(), 'spineline-store-'));
    },
    stop: () => rm(folder, { recursive: true, force: true }),
    newStore: () => openStore(pathToFileURL(join(folder, `store ${++stores}`)).href),
  };
}

async function s3Backend(kind: S3ServerKind): Promise<Backend> {
  let server: TestS3 | undefined;
  let bucket: string;
  let stores = 0;
  return {
    ...kind,
    name: `s3:// on ${kind.name}`,
    missing: await kind.missing(),
    async start() {
      server = await startS3(kind);
      bucket = server.newBucket();
    },
    async stop() {
      await server?.stop();
    },
    newStore: () => openStore(`s3://${bucket}/a/prefix-${++stores}`, { ...server?.options, createBucket: true }),
    more: () =>
      describeS3Server(
        kind,
        () => server!,
        () => bucket,
      ),
  };
}

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

async function foldersOf(store: ObjectStore, prefix: string): Promise<string[]> {
  return Array.fromAsync(store.folders(prefix));
}

function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Name by name, so that all of the folder `a` is before `a-b`. */
function compareByFolder(a: string, b: string): number {
  const [ofA, ofB] = [a.split('/'), b.split('/')];
  const at = ofA.findIndex((name, i) => name !== ofB[i]);
  return compareUtf8(ofA[at] ?? '', ofB[at] ?? '');
}

async function textOf(store: ObjectStore, key: string): Promise<string> {
  return new TextDecoder().decode(await store.get(key));
}

function randomBytes(size: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: size }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state >>> 24;
  });
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items].reverse();
  const lane = async () => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}

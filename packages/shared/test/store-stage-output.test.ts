/**
 * Stage outputs: named by what made them, complete or absent, verified when read, healed when damaged.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ArtefactDamagedError, ObjectNotFoundError } from '../domain/index.ts';
import {
  digestBytes,
  digestOf,
  keyOfMade,
  type Made,
  type ObjectStore,
  openStore,
  StageOutputs,
  stageOutputKey,
} from '../store/index.ts';
import { stageKey } from '../store/stage-keys.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const MADE: Made = {
  contract: 1,
  bundle: { digest: 'b'.repeat(64), name: 'demo', version: '1.0.0' },
  settings: { size: [384, 384] },
  inputs: { series: ['a'.repeat(64)] },
};
const KEY = keyOfMade('stage1', MADE);
const Z = z.strictObject({ schema: z.literal('test/1'), z: z.number() });
const OBJECTS = {
  'z.json': Buffer.from('{"schema":"test/1","z":3}'),
  'volume.npy': Uint8Array.from({ length: 1000 }, (_, i) => i % 256),
};

describe('stage keys', () => {
  const parts = { stage: 'stage1', contract: 1, bundle: 'b', settings: { a: 1, b: 2 }, inputs: ['x', 'y'] } as const;

  it('are the same for the same parts in any order of members', () => {
    expect(stageKey({ inputs: ['x', 'y'], settings: { b: 2, a: 1 }, bundle: 'b', contract: 1, stage: 'stage1' })).toBe(
      stageKey(parts),
    );
    expect(stageKey({ ...parts, settings: undefined })).toBe(
      stageKey({ stage: 'stage1', contract: 1, bundle: 'b', inputs: ['x', 'y'] }),
    );
  });

  it('change with every part', () => {
    const keys = [
      stageKey(parts),
      stageKey({ ...parts, stage: 'stage2-xy' }),
      stageKey({ ...parts, contract: 2 }),
      stageKey({ ...parts, bundle: 'c' }),
      stageKey({ ...parts, bundle: undefined }),
      stageKey({ ...parts, settings: { a: 1, b: 3 } }),
      stageKey({ ...parts, inputs: ['y', 'x'] }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('are digests that other languages can compute', () => {
    // printf '{"a":1,"b":[true,null,"\303\244"]}' | sha256sum
    expect(digestOf({ b: [true, null, 'ä'], a: 1 })).toBe(
      '9059c4611b15cb40901312707380664ff79665b9d41808fbf07c1ae4840c695a',
    );
    // The SHA-256 of nothing, as every implementation has it.
    expect(digestBytes(new Uint8Array(0))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(() => digestOf({ z: Number.NaN })).toThrow(TypeError);
  });
});

describe('stage outputs', () => {
  it('are found and read once written, and say what made them', async () => {
    const { outputs } = await fresh();
    expect(await outputs.find('stage1', KEY)).toBeUndefined();
    const written = await outputs.write('stage1', KEY, OBJECTS, MADE);
    expect(written).toMatchObject({
      schema: 'spineline.provenance/2',
      stage: 'stage1',
      key: KEY,
      made: MADE,
      objects: {
        'volume.npy': { bytes: 1000, sha256: digestBytes(OBJECTS['volume.npy']) },
        'z.json': { bytes: OBJECTS['z.json'].byteLength },
      },
      worker: 'worker-1',
    });
    expect(written.software).toMatch(/^spineline \d/);
    expect(await outputs.find('stage1', KEY)).toEqual(written);
    expect(await outputs.readJson('stage1', KEY, 'z.json', Z)).toEqual({ schema: 'test/1', z: 3 });
    const bytes = await outputs.read('stage1', KEY, 'volume.npy', written);
    expect(Buffer.compare(bytes, OBJECTS['volume.npy'])).toBe(0);
  });

  it('lie where the layout says', async () => {
    const { outputs, store } = await fresh();
    await outputs.write('stage1', KEY, OBJECTS, MADE);
    const keys = (await Array.fromAsync(store.list(''))).map(({ key }) => key);
    const folder = `stages/stage1/${KEY.slice(0, 2)}/${KEY}`;
    expect(keys).toEqual([`${folder}/provenance.json`, `${folder}/volume.npy`, `${folder}/z.json`]);
  });

  it('are absent until the commit', async () => {
    const { outputs, store } = await fresh();
    // What a worker leaves that dies before the last write.
    for (const [name, bytes] of Object.entries(OBJECTS)) await store.put(stageOutputKey('stage1', KEY, name), bytes);
    expect(await outputs.find('stage1', KEY)).toBeUndefined();
    await expect(outputs.read('stage1', KEY, 'z.json')).rejects.toThrow(ObjectNotFoundError);
    await outputs.write('stage1', KEY, OBJECTS, MADE);
    expect(await outputs.find('stage1', KEY)).toBeDefined();
  });

  it('keep their first commit when they are written again', async () => {
    const { outputs, store } = await fresh();
    const first = await outputs.write('stage1', KEY, OBJECTS, MADE);
    const other = new StageOutputs(store, { worker: 'worker-2' });
    expect(await other.write('stage1', KEY, OBJECTS, MADE)).toEqual(first);
    expect((await outputs.find('stage1', KEY))?.worker).toBe('worker-1');
  });

  it('are whole when many workers write them at once', async () => {
    const { store } = await fresh();
    const workers = Array.from({ length: 8 }, (_, i) => new StageOutputs(store, { worker: `worker-${i}` }));
    await Promise.all(workers.map((outputs) => outputs.write('stage1', KEY, OBJECTS, MADE)));
    for (const name of Object.keys(OBJECTS)) await workers[0]!.read('stage1', KEY, name);
  });

  it('refuse a key that is not made of the given parts', async () => {
    const { outputs } = await fresh();
    await expect(outputs.write('stage1', KEY, OBJECTS, { ...MADE, contract: 2 })).rejects.toThrow(RangeError);
    await expect(outputs.write('stage3', KEY, OBJECTS, MADE)).rejects.toThrow(RangeError);
    expect(await outputs.find('stage1', KEY)).toBeUndefined();
  });

  it('do not have objects that nobody wrote', async () => {
    const { outputs } = await fresh();
    await outputs.write('stage1', KEY, OBJECTS, MADE);
    await expect(outputs.read('stage1', KEY, 'xy.json')).rejects.toThrow(ObjectNotFoundError);
    await expect(outputs.read('stage1', KEY, 'constructor')).rejects.toThrow(ObjectNotFoundError);
    await expect(outputs.read('stage1', KEY, '../z.json')).rejects.toMatchObject({ code: 'STORE_KEY_INVALID' });
  });

  for (const [damage, change] of [
    ['a changed byte', (bytes: Buffer) => bytes.fill(9, 4, 5)],
    ['a lost end', (bytes: Buffer) => bytes.subarray(0, 10)],
    ['more bytes', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
    ['no object', () => undefined],
  ] as const) {
    it(`notice ${damage}, and are whole again after invalidation and another write`, async () => {
      const { outputs, store, folder } = await fresh();
      await outputs.write('stage1', KEY, OBJECTS, MADE);
      const path = stageOutputKey('stage1', KEY, 'z.json');
      const changed = change(await readFile(join(folder, path)));
      if (changed) await writeFile(join(folder, path), changed);
      else await store.delete(path);

      const damaged = { code: 'ARTEFACT_DAMAGED', key: path };
      await expect(outputs.read('stage1', KEY, 'z.json')).rejects.toMatchObject(damaged);
      await expect(outputs.readJson('stage1', KEY, 'z.json', Z)).rejects.toMatchObject(damaged);
      if (damage !== 'a changed byte') expect(await outputs.find('stage1', KEY)).toBeUndefined();

      await outputs.invalidate('stage1', KEY);
      expect(await Array.fromAsync(store.list(''))).toEqual([]);
      await outputs.write('stage1', KEY, OBJECTS, MADE);
      expect(await outputs.readJson('stage1', KEY, 'z.json', Z)).toEqual({ schema: 'test/1', z: 3 });
    });
  }

  it('count as absent, and are written again, when their provenance is damaged', async () => {
    for (const text of ['', '{', '{}', '[]', '{"schema":"spineline.provenance/2"}', '\xff']) {
      const { outputs, store } = await fresh();
      await outputs.write('stage1', KEY, OBJECTS, MADE);
      await store.put(stageOutputKey('stage1', KEY, 'provenance.json'), Buffer.from(text, 'latin1'));
      expect(await outputs.find('stage1', KEY), text).toBeUndefined();
      await expect(outputs.read('stage1', KEY, 'z.json'), text).rejects.toThrow(ArtefactDamagedError);
      await outputs.write('stage1', KEY, OBJECTS, MADE);
      expect(await outputs.find('stage1', KEY)).toBeDefined();
    }
  });

  it('are not taken for another output whose provenance lies in their place', async () => {
    const { outputs, store } = await fresh();
    await outputs.write('stage1', KEY, OBJECTS, MADE);
    const other = keyOfMade('stage1', { ...MADE, contract: 2 });
    for (const name of ['provenance.json', ...Object.keys(OBJECTS)]) {
      const bytes = await store.get(stageOutputKey('stage1', KEY, name));
      await store.put(stageOutputKey('stage1', other, name), bytes);
    }
    expect(await outputs.find('stage1', other)).toBeUndefined();
    await expect(outputs.read('stage1', other, 'z.json')).rejects.toThrow(ArtefactDamagedError);
  });

  it('say which field of a JSON object does not fit its schema', async () => {
    const { outputs } = await fresh();
    await outputs.write('stage1', KEY, { 'z.json': Buffer.from('{"schema":"test/1","z":"three"}') }, MADE);
    const reading = outputs.readJson('stage1', KEY, 'z.json', Z);
    await expect(reading).rejects.toThrow(ArtefactDamagedError);
    await expect(reading).rejects.toThrow(/at z/);
  });

  it('can be invalidated when they are absent', async () => {
    const { outputs } = await fresh();
    await outputs.invalidate('stage3', 'c'.repeat(64));
  });
});

async function fresh(): Promise<{ outputs: StageOutputs; store: ObjectStore; folder: string }> {
  const folder = await temporaryFolder();
  const store = await openStore(pathToFileURL(folder).href);
  return { outputs: new StageOutputs(store, { worker: 'worker-1' }), store, folder };
}

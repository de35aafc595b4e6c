/**
 * DICOM files outside the store: read, looked up and listed by full location, with fingerprints that notice a change.
 */

import { chmod, mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { ConfigError, ObjectNotFoundError, recordOfError, SpinelineError } from '../domain/index.ts';
import { openSources } from '../sources/index.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const asRoot = process.getuid?.() === 0;

it('reads local files, also with names that a URL must encode', async () => {
  const folder = await temporaryFolder();
  const sources = openSources();
  for (const name of ['1.dcm', 'a b#1?.dcm', '100%.dcm', 'bücher.dcm']) {
    await writeFile(join(folder, name), name);
    const bytes = await sources.read(pathToFileURL(join(folder, name)).href);
    expect(Buffer.from(bytes).toString()).toBe(name);
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
  }
});

it('knows a missing file: read throws, head is undefined, list is empty', async () => {
  const url = pathToFileURL(await temporaryFolder()).href;
  const sources = openSources();
  for (const location of [`${url}/absent.dcm`, `${url}/no/such/folder/1.dcm`, url]) {
    await expect(sources.read(location)).rejects.toThrow(ObjectNotFoundError);
    await expect(sources.read(location)).rejects.toThrow(location);
    expect(await sources.head(location)).toBeUndefined();
  }
  expect(await Array.fromAsync(sources.list(`${url}/absent/`))).toEqual([]);
});

it('tells of no UID that a path holds, whatever goes wrong', async () => {
  const folder = await temporaryFolder();
  const uid = '1.2.840.113619.2.176.3596';
  await mkdir(join(folder, uid));
  const sources = openSources();
  for (const name of [`${uid}/MR.${uid}.dcm`, `${uid}`, `${uid}/${'x'.repeat(300)}`]) {
    const error: unknown = await sources
      .read(pathToFileURL(join(folder, name)).href)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SpinelineError);
    expect((error as SpinelineError).message).toContain('uid-4c4d1abc');
    expect(JSON.stringify(recordOfError(error))).not.toContain(uid);
  }
});

it('lists a folder in the order of its paths, with the locations that read takes', async () => {
  const folder = await temporaryFolder();
  for (const path of ['s 1/10/2.dcm', 's 1/10/1.dcm', 's 1/9/1.dcm', 's 10/1/1.dcm']) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), path);
  }
  const sources = openSources();
  const read = async (prefix: string) => {
    const paths: string[] = [];
    for await (const { location, size, fingerprint } of sources.list(prefix)) {
      const bytes = await sources.read(location);
      expect(bytes.byteLength).toBe(size);
      expect(await sources.head(location)).toEqual({ size, fingerprint });
      paths.push(Buffer.from(bytes).toString());
    }
    return paths;
  };
  const url = pathToFileURL(folder).href;
  expect(await read(`${url}/s%201/`)).toEqual(['s 1/10/1.dcm', 's 1/10/2.dcm', 's 1/9/1.dcm']);
  expect(await read(`${url}/s%201`)).toEqual(['s 1/10/1.dcm', 's 1/10/2.dcm', 's 1/9/1.dcm', 's 10/1/1.dcm']);
  expect(await read(`${url}/`)).toHaveLength(4);
});

it('gives a file another fingerprint when its bytes or its time change, and the same when they do not', async () => {
  const path = join(await temporaryFolder(), '1.dcm');
  const location = pathToFileURL(path).href;
  const sources = openSources();
  const fingerprint = async () => (await sources.head(location))?.fingerprint;
  await writeFile(path, 'one');
  await utimes(path, 1000, 1000);
  const first = await fingerprint();
  expect(first).toBe('3-1000000000000');
  expect(await fingerprint()).toBe(first);
  await utimes(path, 1000, 1000.001);
  expect(await fingerprint()).not.toBe(first);
  await writeFile(`${path}.new`, 'four');
  await utimes(`${path}.new`, 1000, 1000);
  await rename(`${path}.new`, path);
  expect(await fingerprint()).toBe('4-1000000000000');
});

it.skipIf(!asRoot)('names a file that may not be read, as a permanent error (skipped unless root)', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'locked.dcm');
  await writeFile(path, '');
  await chmod(folder, 0o755);
  await chmod(path, 0o000);
  const location = pathToFileURL(path).href;
  const sources = openSources();
  process.seteuid!(65_534);
  try {
    for (const attempt of [() => sources.read(location), () => sources.head(location)]) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'OBJECT_ACCESS_DENIED',
        kind: 'permanent',
        context: { file: location },
      });
    }
  } finally {
    process.seteuid!(0);
  }
});

it('names the schemes that it takes when a location has another one', async () => {
  const sources = openSources();
  for (const location of ['/data/1.dcm', 'https://host/1.dcm', 'file://host/1.dcm']) {
    await expect(sources.read(location)).rejects.toThrow(ConfigError);
    await expect(sources.head(location)).rejects.toThrow('file:///absolute/path');
    await expect(Array.fromAsync(sources.list(location))).rejects.toThrow(ConfigError);
  }
});

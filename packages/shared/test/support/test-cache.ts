/**
 * A cache for folders that are expensive to make and that several test files read. Each is made once, for all files and
 * all later runs, in `node_modules/.cache/spineline-tests/<name>-<key>/`. Tests must not write into such a folder: a
 * test that changes files works on a copy ({@link copyTo}). The cache can be removed while no test runs.
 */

import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson } from '../../store/canonical-json.ts';
import { withFileLock } from './file-lock.ts';

const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url));
const CACHE = join(REPOSITORY, 'node_modules', '.cache', 'spineline-tests');
/** A folder that was not used for this time is removed, since its sources have most likely changed. */
const KEPT_MS = 24 * 3_600_000;

/**
 * The folder that `make` fills, now or in an earlier test.
 *
 * @param name kind of content, part of the folder's name.
 * @param parameters parameters of the content; other values give another folder.
 * @param sources files and folders of the repository with the program that makes it. If one of them changes, it is made
 *   again.
 * @param make fills an empty folder.
 */
export async function madeOnce(
  name: string,
  parameters: object,
  sources: readonly string[],
  make: (folder: string) => Promise<unknown>,
): Promise<string> {
  const key = createHash('sha256').update(canonicalJson({ parameters, sources: await digestOf(sources) }));
  const folder = join(CACHE, `${name}-${key.digest('hex').slice(0, 16)}`);
  if (!(await isThere(folder))) {
    await mkdir(CACHE, { recursive: true });
    await withFileLock(`${folder}.lock`, () => fill(folder, make));
  }
  const now = new Date();
  await utimes(folder, now, now);
  return folder;
}

/** Copies a folder with its times and its links, for tests that change files. */
export async function copyTo(folder: string, copy: string): Promise<void> {
  await cp(folder, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}

async function fill(folder: string, make: (folder: string) => Promise<unknown>): Promise<void> {
  if (await isThere(folder)) return; // made while this process waited for the lock
  await removeUnused();
  const unfinished = await mkdtemp(join(CACHE, 'unfinished-'));
  try {
    await make(unfinished);
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

async function removeUnused(): Promise<void> {
  for (const name of await readdir(CACHE)) {
    const used = await stat(join(CACHE, name)).catch(() => undefined);
    if (used && Date.now() - used.mtimeMs > KEPT_MS) await rm(join(CACHE, name), { recursive: true, force: true });
  }
}

async function isThere(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined)) !== undefined;
}

const digests = new Map<string, Promise<string>>();

function digestOf(sources: readonly string[]): Promise<string> {
  const name = sources.join(' ');
  const digest = digests.get(name) ?? digestOfFiles(sources);
  digests.set(name, digest);
  return digest;
}

async function digestOfFiles(sources: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const source of sources) {
    const path = join(REPOSITORY, source);
    const isFolder = (await stat(path)).isDirectory();
    const below = isFolder ? (await readdir(path, { recursive: true })).filter((file) => file.endsWith('.ts')) : [''];
    for (const file of below.sort()) hash.update(`${source}/${file}\0`).update(await readFile(join(path, file)));
  }
  return hash.digest('hex');
}

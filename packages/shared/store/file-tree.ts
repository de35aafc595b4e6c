/**
 * Walks a folder's files in the order in which S3 lists keys: by the UTF-8 bytes of the whole path, where the slash is a
 * byte like any other (`a-b` < `a/b` < `a0`).
 */

import type { BigIntStats, Dirent } from 'node:fs';
import { opendir, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsent, systemCode } from './file-faults.ts';
import { compareKeys } from './object-key.ts';

/** A file below the root, its path with forward slashes. */
export interface TreeFile {
  readonly path: string;
  readonly stats: BigIntStats;
}

/** Says of a file's or folder's own name that it is not to be seen. */
type Ignore = (name: string) => boolean;

/** Files asked for their size at once; a round trip each matters on a network file system. */
const STATS_AT_ONCE = 32;

/**
 * Every file below `root` whose relative path starts with `prefix`, in order. Symbolic links are followed, except one
 * that leads back to a folder it is in. One folder's names are in memory at a time. What vanishes meanwhile is left out.
 */
export async function* walkFiles(root: string, prefix: string, ignore: Ignore = () => false): AsyncGenerator<TreeFile> {
  yield* walk(root, '', prefix, ignore);
}

async function* walk(root: string, at: string, wanted: string, ignore: Ignore): AsyncGenerator<TreeFile> {
  const slash = wanted.indexOf('/');
  const fits = (entry: Entry) =>
    slash < 0 ? entry.name.startsWith(wanted) : entry.isFolder && entry.name === wanted.slice(0, slash);
  const entries = (await entriesOf(join(root, at), ignore)).filter(fits);
  entries.sort((a, b) => compareKeys(a.order, b.order));
  for (let i = 0; i < entries.length; ) {
    const entry = entries[i]!;
    if (entry.isFolder) {
      yield* walk(root, `${at}${entry.name}/`, slash < 0 ? '' : wanted.slice(slash + 1), ignore);
      i++;
      continue;
    }
    let end = i;
    while (end < entries.length && end - i < STATS_AT_ONCE && !entries[end]!.isFolder) end++;
    const paths = entries.slice(i, end).map(({ name }) => at + name);
    const found = await Promise.all(paths.map((path) => statOf(join(root, path))));
    for (const [n, stats] of found.entries()) if (stats?.isFile()) yield { path: paths[n]!, stats };
    i = end;
  }
}

/** The names of the folders directly in `folder` that hold a file at any depth, in order. */
export async function foldersIn(folder: string, ignore: Ignore = () => false): Promise<string[]> {
  const folders = (await entriesOf(folder, ignore)).filter((entry) => entry.isFolder);
  folders.sort((a, b) => compareKeys(a.order, b.order));
  const holding: string[] = [];
  for (const { name } of folders) if (await holdsFile(join(folder, name), ignore)) holding.push(name);
  return holding;
}

/** Stops at the first file, so that a folder of a million results costs as much as a folder of one. */
async function holdsFile(folder: string, ignore: Ignore): Promise<boolean> {
  const inner: string[] = [];
  try {
    for await (const entry of await opendir(folder)) {
      if (ignore(entry.name)) continue;
      if (entry.isFile()) return true;
      const found = await entryOf(folder, entry);
      if (found && !found.isFolder) return true;
      if (found) inner.push(join(folder, entry.name));
    }
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  for (const path of inner) if (await holdsFile(path, ignore)) return true;
  return false;
}

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
  /** A folder sorts by its name with the slash that its keys go on with. */
  readonly order: string;
}

async function entriesOf(folder: string, ignore: Ignore): Promise<Entry[]> {
  let names: Dirent[];
  try {
    names = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
  const entries: Entry[] = [];
  for (const name of names) {
    if (ignore(name.name)) continue;
    const entry = await entryOf(folder, name);
    if (entry) entries.push(entry);
  }
  return entries;
}

async function entryOf(folder: string, entry: Dirent): Promise<Entry | undefined> {
  const { name } = entry;
  if (entry.isFile()) return { name, isFolder: false, order: name };
  if (entry.isDirectory()) return { name, isFolder: true, order: `${name}/` };
  const path = join(folder, name);
  const stats = await statOf(path);
  if (stats?.isFile()) return { name, isFolder: false, order: name };
  if (!stats?.isDirectory() || (entry.isSymbolicLink() && (await leadsBack(folder, path)))) return undefined;
  return { name, isFolder: true, order: `${name}/` };
}

async function leadsBack(folder: string, link: string): Promise<boolean> {
  const [here, there] = await Promise.all([realpath(folder), realpath(link)]);
  return here === there || here.startsWith(`${there}/`);
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (isAbsent(error) || systemCode(error) === 'ELOOP') return undefined;
    throw error;
  }
}

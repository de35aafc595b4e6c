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
 * that leads back to a folder it is in, by however many links. One folder's names are in memory at a time. What vanishes meanwhile is left out.
 */
export async function* walkFiles(root: string, prefix: string, ignore: Ignore = () => false): AsyncGenerator<TreeFile> {
  yield* walk(root, '', prefix, ignore, []);
}

/** @param linked real paths of the folders in which links were followed on the way here. */
async function* walk(
  root: string,
  at: string,
  wanted: string,
  ignore: Ignore,
  linked: readonly string[],
): AsyncGenerator<TreeFile> {
  const slash = wanted.indexOf('/');
  const fits = (entry: Entry) =>
    slash < 0 ? entry.name.startsWith(wanted) : entry.isFolder && entry.name === wanted.slice(0, slash);
  const entries = (await entriesOf(join(root, at), ignore, linked)).filter(fits);
  entries.sort((a, b) => compareKeys(a.order, b.order));
  for (let i = 0; i < entries.length; ) {
    const entry = entries[i]!;
    if (entry.isFolder) {
      const further = entry.linkedIn === undefined ? linked : [...linked, entry.linkedIn];
      yield* walk(root, `${at}${entry.name}/`, slash < 0 ? '' : wanted.slice(slash + 1), ignore, further);
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
async function holdsFile(folder: string, ignore: Ignore, linked: readonly string[] = []): Promise<boolean> {
  const inner: Entry[] = [];
  try {
    for await (const entry of await opendir(folder)) {
      if (ignore(entry.name)) continue;
      if (entry.isFile()) return true;
      const found = await entryOf(folder, entry, linked);
      if (found && !found.isFolder) return true;
      if (found) inner.push(found);
    }
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  for (const { name, linkedIn } of inner) {
    const further = linkedIn === undefined ? linked : [...linked, linkedIn];
    if (await holdsFile(join(folder, name), ignore, further)) return true;
  }
  return false;
}

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
  /** A folder sorts by its name with the slash that its keys go on with. */
  readonly order: string;
  /** Of a link to a folder: the real path of the folder that it is in. */
  readonly linkedIn?: string;
}

async function entriesOf(folder: string, ignore: Ignore, linked: readonly string[] = []): Promise<Entry[]> {
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
    const entry = await entryOf(folder, name, linked);
    if (entry) entries.push(entry);
  }
  return entries;
}

async function entryOf(folder: string, entry: Dirent, linked: readonly string[]): Promise<Entry | undefined> {
  const { name } = entry;
  if (entry.isFile()) return { name, isFolder: false, order: name };
  if (entry.isDirectory()) return { name, isFolder: true, order: `${name}/` };
  const path = join(folder, name);
  const stats = await statOf(path);
  if (stats?.isFile()) return { name, isFolder: false, order: name };
  if (!stats?.isDirectory()) return undefined;
  const [here, there] = await Promise.all([realpath(folder), realpath(path)]);
  const leadsBack = [here, ...linked].some((one) => one === there || one.startsWith(`${there}/`));
  return leadsBack ? undefined : { name, isFolder: true, order: `${name}/`, linkedIn: here };
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (isAbsent(error) || systemCode(error) === 'ELOOP') return undefined;
    throw error;
  }
}

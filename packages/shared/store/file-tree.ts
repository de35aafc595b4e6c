/**
 * Lists the files of a folder in the order in which S3 lists keys: by the UTF-8 bytes of the whole path, in which the
 * slash is an ordinary byte (`a-b` < `a/b` < `a0`).
 */

import type { BigIntStats, Dirent } from 'node:fs';
import { opendir, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsent, systemCode } from './file-faults.ts';
import { compareKeys } from './object-key.ts';

/** A file below the root. Its path has forward slashes. */
export interface TreeFile {
  readonly path: string;
  readonly stats: BigIntStats;
}

/** Whether to ignore a file or folder, by its own name. */
type Ignore = (name: string) => boolean;

/** Files whose size is read at a time, since on a network file system each takes a round trip. */
const STATS_AT_ONCE = 32;

/**
 * Every file below `root` whose relative path starts with `prefix`, in order. Follows symbolic links, except a link
 * that leads back to a folder above it, directly or through other links. The names of one folder are in memory at a
 * time. Files that disappear meanwhile are left out.
 */
export async function* walkFiles(root: string, prefix: string, ignore: Ignore = () => false): AsyncGenerator<TreeFile> {
  yield* walk(root, '', prefix, ignore, []);
}

/** @param linked real paths of the folders whose links lead to the current folder. */
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
  for (let i = 0; i < entries.length;) {
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

/** Stops at the first file, so that a folder with a million results takes no longer than a folder with one. */
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
  /** Sort key: the name, for a folder with a slash at the end, as its keys have it. */
  readonly order: string;
  /** For a link to a folder: the real path of the folder that holds the link. */
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

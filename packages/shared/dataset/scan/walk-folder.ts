/**
 * Lists the regular files of a local folder at any depth, folder by folder. It opens no file, so a pipe cannot block
 * it. Every folder is visited once, real folders before links, so that loops of links end.
 */

import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SpinelineError } from '../../domain/index.ts';
import { fileFault, isAbsent, systemCode } from '../../store/file-faults.ts';
import { junkOfName } from './names.ts';
import type { Skipped } from './skipped.ts';

export interface FolderFiles {
  /** Path below the root with slashes; `''` for the root itself. */
  readonly folder: string;
  /** In ascending order. */
  readonly names: readonly string[];
}

export interface WalkOptions {
  /** Absolute paths that are skipped, such as the output folder. The root itself is never skipped. */
  readonly excluded?: readonly string[] | undefined;
  /** Only these folders of the root, and no files in the root itself; default all. */
  readonly only?: readonly string[] | undefined;
  /** Called for each folder that may not be listed, with its path below the root. */
  readonly unlistable?: ((folder: string) => void) | undefined;
}

/** The folders at the root of a store of spineline (`store/layout.ts`). */
const STORE_FOLDERS: ReadonlySet<string> = new Set(['datasets', 'models', 'promoted', 'runs', 'stages']);

interface Folder {
  readonly folder: string;
  /** Its path without links. */
  readonly real: string;
}

/**
 * The files of a folder at any depth.
 *
 * @param skipped counts what is left out.
 * @throws {SpinelineError} transient, if a disk or file system does not answer.
 */
export async function* walkFolder(
  root: string,
  skipped: Skipped,
  options: WalkOptions = {},
): AsyncGenerator<FolderFiles> {
  const excluded = new Set<string>();
  for (const path of options.excluded ?? []) excluded.add(await realpath(path).catch(() => path));
  const visited = new Set<string>();
  const links: string[] = [];
  const realRoot = await realpath(root);
  const open: Folder[] = [{ folder: '', real: realRoot }];
  for (;;) {
    if (open.length === 0) {
      yield* linkedFiles();
      const link = await nextLink();
      if (link === undefined) return;
      open.push(link);
    }
    const next = open.pop()!;
    if (excluded.has(next.real) && next.real !== realRoot) {
      skipped.add('output');
      continue;
    }
    const entries = await namesIn(next);
    if (entries === undefined) continue;
    const store = await isStore(entries, next);
    if (store) skipped.add('output');
    const names: string[] = [];
    const folders: Folder[] = [];
    for (const entry of entries) {
      const { name } = entry;
      if (next.folder === '' && options.only && !(options.only.includes(name) && !entry.isFile())) continue;
      const path = next.folder === '' ? name : `${next.folder}/${name}`;
      const junk = junkOfName(name);
      if (junk !== undefined) skipped.add(junk);
      else if (entry.isFile()) names.push(name);
      else if (entry.isDirectory()) {
        if (!(store && STORE_FOLDERS.has(name))) folders.push({ folder: path, real: join(next.real, name) });
      } else if (entry.isSymbolicLink()) links.push(path);
      else skipped.add('special');
    }
    if (names.length > 0) yield { folder: next.folder, names };
    // Reversed, since the last one is taken first.
    open.push(...folders.reverse());
  }

  /** The names in the folder; `undefined` if it was visited or may not be listed. */
  async function namesIn({ folder }: Folder): Promise<Dirent[] | undefined> {
    const path = join(root, folder);
    try {
      const { dev, ino } = await stat(path, { bigint: true });
      const id = `${dev}:${ino}`;
      if (visited.has(id)) {
        skipped.add('link');
        return undefined;
      }
      visited.add(id);
      const entries = await readdir(path, { withFileTypes: true });
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (isAbsent(error) && folder !== '') return undefined;
      const fault = fileFault(error, 'list', path);
      if (folder === '' || !(fault instanceof SpinelineError) || fault.kind === 'transient') throw fault;
      if (options.unlistable) options.unlistable(folder);
      else skipped.add('unreadable', folder);
      return undefined;
    }
  }

  /** Links to files, after all real folders. Links to folders are kept for later. */
  async function* linkedFiles(): AsyncGenerator<FolderFiles> {
    links.sort();
    const toFolders: string[] = [];
    for (const path of links) {
      const found = await target(path);
      if (found === 'folder') toFolders.push(path);
      else if (found === 'nothing') skipped.add('special');
      else {
        const slash = path.lastIndexOf('/');
        yield { folder: path.slice(0, Math.max(0, slash)), names: [path.slice(slash + 1)] };
      }
    }
    links.splice(0, links.length, ...toFolders);
  }

  async function nextLink(): Promise<Folder | undefined> {
    const folder = links.shift();
    return folder === undefined ? undefined : { folder, real: await realpath(join(root, folder)) };
  }

  async function target(path: string): Promise<'file' | 'folder' | 'nothing'> {
    try {
      const stats = await stat(join(root, path));
      return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'nothing';
    } catch (error) {
      if (isAbsent(error) || ['ELOOP', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')) return 'nothing';
      throw fileFault(error, 'list', join(root, path));
    }
  }

  async function isStore(entries: readonly Dirent[], { folder }: Folder): Promise<boolean> {
    const names = new Set(entries.map(({ name }) => name));
    if (!names.has('datasets') || !names.has('runs')) return false;
    return stat(join(root, folder, 'datasets', 'pages')).then(
      (found) => found.isDirectory(),
      () => false,
    );
  }
}

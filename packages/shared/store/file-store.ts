/**
 * The object store in a folder: one file per object, with the object's key as its path.
 *
 * Writing an object: write a `.tmp-` file in its folder, fsync, rename (or link) it to its name, fsync the folder. A
 * process that dies in between leaves a `.tmp-` file, which is never listed or read and does no harm.
 */

import { randomUUID } from 'node:crypto';
import fs, {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { access, link, mkdir, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { LRUCache } from 'lru-cache';
import { ConfigError } from '../domain/index.ts';
import { fileFault, isAbsent, systemCode } from './file-faults.ts';
import { FilePace } from './file-pace.ts';
import { foldersIn, walkFiles } from './file-tree.ts';
import { checkKey, checkPrefix, folderPrefix, TEMPORARY_PREFIX } from './object-key.ts';
import type { ObjectInfo, ObjectStore } from './object-store.ts';
import { wholeBuffer } from './whole-buffer.ts';

// The functions with callbacks: those of `node:fs/promises` take 1.5 to 2 times as long for a small file.
const readFile = promisify(fs.readFile);
const writeFile = promisify(fs.writeFile);
const openFile = promisify(fs.open) as (path: string, flags: string) => Promise<number>;
const sync = promisify(fs.fsync);

/** Larger files are read and written in the thread pool. */
const SMALL_BYTES = 2 ** 16;
const pace = new FilePace();

const isTemporary = (name: string) => name.startsWith(TEMPORARY_PREFIX);

/**
 * Opens the folder that a `file:///` URL names. Makes it if it does not exist.
 *
 * @throws {ConfigError} if it is not such a URL, or if the folder cannot be made or read.
 */
export async function openFileStore(url: string): Promise<ObjectStore> {
  const root = pathOfUrl(url);
  try {
    await mkdir(root, { recursive: true });
    await access(root, constants.R_OK | constants.X_OK);
  } catch (cause) {
    throw new ConfigError(
      `cannot open the store ${url}`,
      { found: systemCode(cause) ?? 'an error', hint: 'name a folder that this user may write to' },
      { cause },
    );
  }
  return new FileStore(root);
}

/**
 * The path that a `file:///` URL names.
 *
 * @throws {ConfigError} for a relative path, for a URL with a host, and for anything else that is no such URL.
 */
export function pathOfUrl(url: string): string {
  try {
    if (!url.startsWith('file:///')) throw new Error('no absolute path');
    return fileURLToPath(url);
  } catch (cause) {
    throw new ConfigError(`${url} names no local path`, { expected: 'file:///absolute/path' }, { cause });
  }
}

class FileStore implements ObjectStore {
  readonly url: string;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root.length > 1 ? root.replace(/\/+$/, '') : root;
    this.url = pathToFileURL(this.#root).href;
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return wholeBuffer(await readSmallOrLarge(this.#path(key)));
    } catch (error) {
      throw fileFault(error, 'read', key);
    }
  }

  async put(key: string, bytes: Uint8Array | string): Promise<void> {
    const path = this.#path(key);
    try {
      await publish(path, bytes, (temporary) =>
        pace.run(
          () => renameSync(temporary, path),
          () => rename(temporary, path),
        ),
      );
    } catch (error) {
      throw fileFault(error, 'write', key);
    }
  }

  async putIfAbsent(key: string, bytes: Uint8Array | string): Promise<boolean> {
    const path = this.#path(key);
    try {
      if (await exists(path)) return false;
      await publish(path, bytes, (temporary) => linkOrRename(temporary, path));
      return true;
    } catch (error) {
      if (systemCode(error) === 'EEXIST' && (await exists(path))) return false;
      throw fileFault(error, 'write', key);
    }
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    try {
      const path = this.#path(key);
      const stats = await pace.run(
        () => statSync(path, { throwIfNoEntry: false }),
        () => stat(path),
      );
      return stats?.isFile() ? { key, size: stats.size, modified: stats.mtime } : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw fileFault(error, 'look up', key);
    }
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    checkPrefix(prefix);
    try {
      for await (const { path, stats } of walkFiles(this.#root, prefix, isTemporary)) {
        yield { key: path, size: Number(stats.size), modified: stats.mtime };
      }
    } catch (error) {
      throw fileFault(error, 'list', prefix);
    }
  }

  async *folders(prefix: string): AsyncGenerator<string> {
    try {
      yield* await foldersIn(join(this.#root, folderPrefix(prefix)), isTemporary);
    } catch (error) {
      throw fileFault(error, 'list', prefix);
    }
  }

  async delete(key: string): Promise<void> {
    const path = this.#path(key);
    try {
      await unlink(path);
    } catch (error) {
      if (isAbsent(error)) return;
      throw fileFault(error, 'delete', key);
    }
    await this.#removeEmptyFolders(dirname(path));
  }

  async close(): Promise<void> {}

  #path(key: string): string {
    return join(this.#root, checkKey(key));
  }

  /** As on S3, a folder exists only while it holds objects. A writer that needs the folder makes it again. */
  async #removeEmptyFolders(folder: string): Promise<void> {
    for (let at = folder; at.length > this.#root.length; at = dirname(at)) {
      try {
        await rmdir(at);
      } catch {
        return; // not empty, or already removed by another process
      }
    }
  }
}

/** Attempts of a write when its folder disappears because another process deletes the last object in it. */
const FOLDER_RACES = 20;

/** Folders that this process made or found, so that it does not ask for each object. One that is gone is made again. */
const known = new LRUCache<string, true>({ max: 1000 });

/** Writes a complete, durable temporary file; then `place` moves it to `path`. */
async function publish(
  path: string,
  bytes: Uint8Array | string,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  for (let race = 1; ; race++) {
    const temporary = join(folder, `${TEMPORARY_PREFIX}${process.pid}-${randomUUID()}`);
    try {
      await makeFolder(folder);
      await writeDurably(temporary, bytes);
      await place(temporary);
      await syncFolder(folder);
      return;
    } catch (error) {
      await unlink(temporary).catch(() => {}); // it may not exist
      known.delete(folder);
      if (systemCode(error) !== 'ENOENT' || race === FOLDER_RACES) throw error;
    }
  }
}

async function writeDurably(path: string, bytes: Uint8Array | string): Promise<void> {
  const file = await pace.run(
    () => openSync(path, 'wx'),
    () => openFile(path, 'wx'),
  );
  try {
    const later = () => writeFile(file, bytes);
    await (bytes.length > SMALL_BYTES ? later() : pace.run(() => writeFileSync(file, bytes), later));
    await sync(file);
  } finally {
    closeSync(file);
  }
}

/** Reads a small file at once, and a large one in the thread pool. */
async function readSmallOrLarge(path: string): Promise<Buffer> {
  const small = await pace.run(
    () => {
      const file = openSync(path, 'r');
      try {
        return fstatSync(file).size > SMALL_BYTES ? undefined : readFileSync(file);
      } finally {
        closeSync(file);
      }
    },
    () => readFile(path),
  );
  return small ?? readFile(path);
}

/** Makes the folder and its parents, and makes their names durable, since a file is only as safe as its path. */
async function makeFolder(folder: string): Promise<void> {
  if (known.has(folder)) return;
  const first = await mkdir(folder, { recursive: true });
  if (first !== undefined) {
    for (let at = folder; at.length >= first.length; at = dirname(at)) await syncFolder(dirname(at));
  }
  known.set(folder, true);
}

async function syncFolder(folder: string): Promise<void> {
  let opened: number | undefined;
  try {
    opened = await pace.run(
      () => openSync(folder, 'r'),
      () => openFile(folder, 'r'),
    );
    await sync(opened);
  } catch (error) {
    // Some file systems cannot sync a folder. Or the folder is gone, because the object was deleted meanwhile.
    if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EISDIR', 'ENOENT'].includes(systemCode(error) ?? '')) throw error;
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}

/**
 * link(2) fails with EEXIST where rename(2) would replace the file. On a file system without hard links: check whether
 * the file exists, then rename.
 */
async function linkOrRename(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(systemCode(error) ?? '')) throw error;
    if (await exists(path)) throw Object.assign(new Error(`${path} exists`), { code: 'EEXIST' });
    await rename(temporary, path);
    return;
  }
  await unlink(temporary).catch(() => {}); // the object has its own name now
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/**
 * Scans a local folder: one walk for the names, and parallel threads for the headers. Results are passed on file by
 * file, so that only a few batches are in memory.
 */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Piscina } from 'piscina';
import { StoreUnavailableError, withoutUids } from '../../domain/index.ts';
import { type HeaderBatch, type HeaderReply, readHeaders } from './read-headers.ts';
import type { ScanSink } from './scan-sink.ts';
import { type WalkOptions, walkFolder } from './walk-folder.ts';

export interface ScanFolderOptions extends WalkOptions {
  /** Default: one thread per core. */
  readonly threads?: number | undefined;
}

/** Files per task of a thread: some milliseconds of work. */
const BATCH = 100;
/** Up to this many files are read on the main thread: starting threads would take longer. */
const WITHOUT_THREADS = 400;

/**
 * Reads the headers of all files below a folder.
 *
 * @throws {StoreUnavailableError} if the disk or file system fails. No file is left out for that reason.
 */
export async function scanFolder(root: string, sink: ScanSink, options: ScanFolderOptions = {}): Promise<void> {
  const threads = options.threads ?? availableParallelism();
  let pool: Piscina<HeaderBatch, HeaderReply> | undefined;
  const waiting: { folder: string; names: readonly string[] }[] = [];
  const running = new Set<Promise<void>>();
  let found = 0;

  const take = (folder: string, names: readonly string[], reply: HeaderReply) => {
    sink.bytesRead += reply.bytesRead;
    for (const [i, file] of reply.files.entries()) {
      const name = names[i]!;
      if ('own' in file) {
        const { fingerprint, size, damage } = file;
        sink.image({ folder, name, fingerprint, size, damage }, { shared: reply.shared[file.shared]!, own: file.own });
      } else if ('skip' in file) sink.skip(file.skip, folder, name, file.detail);
      else throw unavailable(root, folder, name, file.fault);
    }
    sink.read(names.length);
  };
  const begin = () => {
    pool ??= new Piscina({
      filename: fileURLToPath(new URL('./header-thread.ts', import.meta.url)),
      minThreads: threads,
      maxThreads: threads,
    });
    for (const { folder, names } of waiting.splice(0)) {
      const task: Promise<void> = pool
        .run({ folder: join(root, folder), names })
        .then((reply) => take(folder, names, reply))
        .finally(() => running.delete(task));
      task.catch(() => {}); // handled below
      running.add(task);
    }
  };

  try {
    const unlistable = (folder: string) => sink.unlistable(folder);
    for await (const { folder, names } of walkFolder(root, sink.skipped, { ...options, unlistable })) {
      for (let at = 0; at < names.length; at += BATCH) waiting.push({ folder, names: names.slice(at, at + BATCH) });
      found += names.length;
      sink.found(names.length);
      if (found <= WITHOUT_THREADS) continue;
      begin();
      while (running.size > 4 * threads) await Promise.race(running);
    }
    if (!pool) {
      for (const { folder, names } of waiting) {
        take(folder, names, readHeaders({ folder: join(root, folder), names }));
        // Lets other work of the caller run, such as drawing.
        await new Promise(setImmediate);
      }
    }
    await Promise.all(running);
  } finally {
    await pool?.destroy();
  }
}

function unavailable(root: string, folder: string, name: string, code: string): StoreUnavailableError {
  const location = pathToFileURL(join(root, folder, name)).href;
  return new StoreUnavailableError(`cannot read ${withoutUids(location)}`, { found: code });
}

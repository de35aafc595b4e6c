/** Images in files: `file:///...`. */

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fileFault, isAbsent } from '../store/file-faults.ts';
import { FilePace } from '../store/file-pace.ts';
import { pathOfUrl } from '../store/file-store.ts';
import { walkFiles } from '../store/file-tree.ts';
import { wholeBuffer } from '../store/whole-buffer.ts';
import type { SourceReader } from './source-reader.ts';

/** A file is opened, not only looked up, so that a missing read permission is found. A pipe must not block. */
const LOOK = constants.O_RDONLY | constants.O_NONBLOCK;
const pace = new FilePace();

export const FILE_SOURCE: Omit<SourceReader, 'close'> = {
  async read(location) {
    try {
      return wholeBuffer(await readFile(pathOfUrl(location)));
    } catch (error) {
      throw fileFault(error, 'read', location);
    }
  },

  async readStart(location, bytes) {
    let handle: FileHandle | undefined;
    try {
      handle = await open(pathOfUrl(location), 'r');
      const buffer = new Uint8Array(bytes);
      let filled = 0;
      while (filled < bytes) {
        const { bytesRead } = await handle.read(buffer, filled, bytes - filled, filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled === bytes ? buffer : buffer.slice(0, filled);
    } catch (error) {
      throw fileFault(error, 'read', location);
    } finally {
      await handle?.close();
    }
  },

  async head(location) {
    const path = pathOfUrl(location);
    try {
      const stats = await pace.run(
        () => {
          const file = openSync(path, LOOK);
          try {
            return fstatSync(file, { bigint: true });
          } finally {
            closeSync(file);
          }
        },
        async () => {
          const handle = await open(path, LOOK);
          try {
            return await handle.stat({ bigint: true });
          } finally {
            await handle.close();
          }
        },
      );
      return stats.isFile() ? { size: Number(stats.size), fingerprint: fileFingerprint(stats) } : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw fileFault(error, 'read', location);
    }
  },

  async *list(locationPrefix) {
    const path = pathOfUrl(locationPrefix);
    const root = path.endsWith(sep) ? path : `${dirname(path)}${sep}`;
    try {
      for await (const file of walkFiles(root, path.slice(root.length))) {
        yield {
          location: pathToFileURL(root + file.path).href,
          size: Number(file.stats.size),
          fingerprint: fileFingerprint(file.stats),
        };
      }
    } catch (error) {
      throw fileFault(error, 'list', locationPrefix);
    }
  },
};

function fileFingerprint(stats: { readonly size: bigint; readonly mtimeNs: bigint }): string {
  return `${stats.size}-${stats.mtimeNs}`;
}

/**
 * Reads the headers of local files one after the other, in a scanning thread. It uses synchronous calls: the thread has
 * nothing else to do, and for small reads they take half the time.
 */

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { isAbsent, systemCode } from '../../store/file-faults.ts';
import type { CompactFacts } from './compact-facts.ts';
import { type Look, lookAtStart, START_SIZES } from './look-at-start.ts';
import { isDicomdirName } from './names.ts';

export interface HeaderBatch {
  /** Absolute path. */
  readonly folder: string;
  readonly names: readonly string[];
}

/** The results, in the order of the names; `shared` of an image is an index into {@link HeaderReply.shared}. */
export interface HeaderReply {
  readonly shared: readonly string[];
  readonly files: readonly FileReply[];
  readonly bytesRead: number;
}
export type FileReply =
  | {
      readonly fingerprint: string;
      readonly size: number;
      readonly shared: number;
      readonly own: string;
      readonly damage?: string | undefined;
    }
  | Exclude<Look, { image: CompactFacts }>
  | { readonly fault: string };

let buffer = Buffer.allocUnsafe(START_SIZES[1]!);

/** Reads the headers of some files of a folder. If the disk fails, the file has a `fault`: the code of the error. */
export function readHeaders({ folder, names }: HeaderBatch): HeaderReply {
  const shared = new Map<string, number>();
  let bytesRead = 0;
  const files = names.map((name): FileReply => {
    if (isDicomdirName(name)) return { skip: 'dicomdir' };
    let file: number | undefined;
    try {
      // O_NONBLOCK: do not wait for a writer if the file has become a pipe.
      file = openSync(join(folder, name), constants.O_RDONLY | constants.O_NONBLOCK);
      const stats = fstatSync(file, { bigint: true });
      if (!stats.isFile()) return { skip: 'special' };
      const size = Number(stats.size);
      let filled = 0;
      for (const limit of START_SIZES) {
        const wanted = Math.min(size, limit);
        if (wanted > buffer.length) buffer = Buffer.concat([buffer.subarray(0, filled)], wanted);
        while (filled < wanted) {
          const read = readSync(file, buffer, filled, wanted - filled, filled);
          if (read === 0) break;
          filled += read;
          bytesRead += read;
        }
        const look = lookAtStart(name, buffer.subarray(0, filled), filled < wanted || filled === size);
        if (look === 'more') continue;
        if (!('image' in look)) return look;
        const place = shared.get(look.image.shared) ?? shared.size;
        shared.set(look.image.shared, place);
        return {
          fingerprint: `${stats.size}-${stats.mtimeNs}`,
          size,
          shared: place,
          own: look.image.own,
          damage: look.damage,
        };
      }
      return { skip: 'damaged', detail: 'its header does not end' };
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined) throw error;
      if (isAbsent(error)) return { skip: 'special' };
      return code === 'EACCES' || code === 'EPERM' ? { skip: 'unreadable' } : { fault: code };
    } finally {
      if (file !== undefined) closeSync(file);
      // Do not keep the memory of one huge header.
      if (buffer.length > START_SIZES[2]!) buffer = Buffer.allocUnsafe(START_SIZES[1]!);
    }
  });
  return { shared: [...shared.keys()], files, bytesRead };
}

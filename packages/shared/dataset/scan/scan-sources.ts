/**
 * Scans the objects that a source lists, such as `s3://bucket/prefix/`: reads the first bytes of several objects at
 * once.
 */

import pLimit from 'p-limit';
import { kindOfError } from '../../domain/index.ts';
import type { InstanceLister } from '../instance-lister.ts';
import { lookAtStart, START_SIZES } from './look-at-start.ts';
import { isDicomdirName, junkOfPath } from './names.ts';
import type { ScanSink } from './scan-sink.ts';

/** Concurrent requests: each is a round trip and a few KB. */
const REQUESTS = 48;
/** Larger than usual headers, since a second request costs more than some more bytes. */
const FIRST_BYTES = 32 * 1024;

/** The key of a dataset page in a store of spineline (`store/layout.ts`). */
const PAGE_OF_STORE = /^(.*\/)?datasets\/pages\/[^/]+\/[^/]+\.jsonl\.zst$/;
const IN_STORE = /^(datasets|models|promoted|runs|stages)\//;

/**
 * Reads the headers of all objects below a prefix.
 *
 * @param prefix a location that ends in a slash. Keys below it are not decoded.
 * @param excluded prefixes that are skipped.
 * @throws {SpinelineError} if the server does not answer or refuses the listing.
 */
export async function scanSources(
  prefix: string,
  sources: InstanceLister,
  sink: ScanSink,
  excluded: readonly string[] = [],
): Promise<void> {
  const limit = pLimit(REQUESTS);
  const running = new Set<Promise<void>>();
  let failed: unknown;
  /** Prefix of the last store that was found. Keys are sorted, so its `datasets/` comes first. */
  let store: string | undefined;
  for await (const { location, size, fingerprint } of sources.list(prefix)) {
    if (failed !== undefined) break;
    const path = location.slice(prefix.length);
    if (path === '' || path.endsWith('/')) continue; // marker of a folder
    if (excluded.some((one) => location.startsWith(one) && one !== prefix)) {
      sink.skipped.add('output');
      continue;
    }
    const page = PAGE_OF_STORE.exec(path);
    if (page) store = page[1] ?? '';
    if (store !== undefined && path.startsWith(store) && IN_STORE.test(path.slice(store.length))) {
      sink.skipped.add('output');
      continue;
    }
    const junk = junkOfPath(path);
    if (junk !== undefined) {
      sink.skipped.add(junk);
      continue;
    }
    sink.found(1);
    const slash = path.lastIndexOf('/');
    const [folder, name] = [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)];
    const task: Promise<void> = limit(() => look(location, folder, name, size, fingerprint))
      .catch((error: unknown) => {
        failed ??= error;
      })
      .finally(() => running.delete(task));
    running.add(task);
    if (running.size >= 4 * REQUESTS) await Promise.race(running);
  }
  await Promise.all(running);
  if (failed !== undefined) throw failed;

  async function look(location: string, folder: string, name: string, size: number, fingerprint: string) {
    if (isDicomdirName(name)) sink.skip('dicomdir', folder, name);
    else {
      for (const bytes of [FIRST_BYTES, ...START_SIZES.slice(1)]) {
        let start: Uint8Array;
        try {
          start = size === 0 ? new Uint8Array() : await sources.readStart(location, Math.min(size, bytes));
        } catch (error) {
          if (kindOfError(error) === 'transient') throw error;
          sink.skip('unreadable', folder, name);
          break;
        }
        sink.bytesRead += start.length;
        const found = lookAtStart(name, start, start.length >= size || start.length < bytes);
        if (found === 'more') continue;
        if ('image' in found) sink.image({ folder, name, fingerprint, size, damage: found.damage }, found.image);
        else sink.skip(found.skip, folder, name, found.detail);
        break;
      }
    }
    sink.read(1);
  }
}

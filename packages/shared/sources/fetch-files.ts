/** Getting the bytes of a study's files, several at once. */

import pLimit from 'p-limit';
import { ObjectNotFoundError, SpinelineError } from '../domain/index.ts';
import type { SourceReader } from './source-reader.ts';

/** The bytes of a file, or why they could not be fetched (a file that vanished is a slice less, not a study less). */
export type FetchedFile = Uint8Array | { readonly missing: string };

const FETCHES_AT_ONCE = 8;

/**
 * Fetches files by location, each once. A file that is gone, or a local one that may not be read, is a slice less, told by
 * the map; a store that does not answer is thrown, since another try may fetch it.
 *
 * @param have files fetched before, which are not fetched again.
 * @throws {StoreUnavailableError} transient; `OBJECT_ACCESS_DENIED` if a server refuses.
 */
export async function fetchFiles(
  sources: SourceReader,
  locations: Iterable<string>,
  have: ReadonlyMap<string, FetchedFile> = new Map(),
): Promise<Map<string, FetchedFile>> {
  const limit = pLimit(FETCHES_AT_ONCE);
  const entries = [...new Set(locations)].map((location) =>
    limit(
      async (): Promise<[string, FetchedFile]> => [location, have.get(location) ?? (await fetch(sources, location))],
    ),
  );
  return new Map(await Promise.all(entries));
}

async function fetch(sources: SourceReader, location: string): Promise<FetchedFile> {
  try {
    return await sources.read(location);
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return { missing: 'no file there' };
    // A server that refuses, refuses all: that is no fault of one file, and nobody wants a study scored without its images.
    const refused = error instanceof SpinelineError && error.code === 'OBJECT_ACCESS_DENIED';
    if (refused && !location.startsWith('file:')) throw error;
    if (error instanceof SpinelineError && error.kind === 'permanent') return { missing: error.summary };
    throw error;
  }
}

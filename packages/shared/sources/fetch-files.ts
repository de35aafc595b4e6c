/** Fetches the files of a study, several at once. */

import pLimit from 'p-limit';
import { ObjectNotFoundError, SpinelineError } from '../domain/index.ts';
import type { SourceReader } from './source-reader.ts';

/** The bytes of a file, or why they could not be fetched. A missing file costs a slice, not the study. */
export type FetchedFile = Uint8Array | { readonly missing: string };

const FETCHES_AT_ONCE = 8;

/**
 * Fetches files by location, each once. Missing files, and local files without read permission, return `{missing}`; a
 * store outage throws, since a retry may succeed.
 *
 * @throws {StoreUnavailableError} transient; `OBJECT_ACCESS_DENIED` if a server refuses access.
 */
export async function fetchFiles(
  sources: SourceReader,
  locations: Iterable<string>,
): Promise<Map<string, FetchedFile>> {
  const limit = pLimit(FETCHES_AT_ONCE);
  const entries = [...new Set(locations)].map((location) =>
    limit(async (): Promise<[string, FetchedFile]> => [location, await fetch(sources, location)]),
  );
  return new Map(await Promise.all(entries));
}

async function fetch(sources: SourceReader, location: string): Promise<FetchedFile> {
  try {
    return await sources.read(location);
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return { missing: 'no file there' };
    // A server that refuses access refuses all files. The study must fail, and not be scored without its images.
    const refused = error instanceof SpinelineError && error.code === 'OBJECT_ACCESS_DENIED';
    if (refused && !location.startsWith('file:')) throw error;
    if (error instanceof SpinelineError && error.kind === 'permanent') return { missing: error.summary };
    throw error;
  }
}

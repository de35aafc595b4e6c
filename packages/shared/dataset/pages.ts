/**
 * Splits a dataset into pages for the store: JSON Lines of canonical JSON, one study per line, compressed with
 * Zstandard. Concatenated pages are again a Zstandard file of JSON Lines. Why:
 * docs/decisions/0001-datasets-in-pages.md.
 *
 * Digests are of the text, not of the compressed bytes, which may change with the compressor's version. The digest of a
 * dataset depends on the page size, so change the default only for a reason.
 */

import { createHash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ArtefactDamagedError } from '../domain/index.ts';
import { canonicalJson } from '../store/canonical-json.ts';
import { StudyEntry } from './study-entry.ts';

export interface DatasetPage {
  /** From 0. */
  readonly index: number;
  readonly studies: StudyEntry[];
  /** `*.jsonl.zst` */
  readonly bytes: Uint8Array;
  /** SHA-256 of the uncompressed text, in lower-case hexadecimal. */
  readonly digest: string;
}

/** Reads a dataset page by page; only one page is in memory at a time. */
export async function* writePages(
  dataset: { studies(): AsyncIterable<StudyEntry> },
  { pageSize }: { pageSize: number },
): AsyncGenerator<DatasetPage> {
  if (!Number.isInteger(pageSize) || pageSize < 1) throw new RangeError(`page size ${pageSize}`);
  let index = 0;
  let studies: StudyEntry[] = [];
  for await (const study of dataset.studies()) {
    studies.push(study);
    if (studies.length < pageSize) continue;
    yield writePage(index++, studies);
    studies = [];
  }
  if (studies.length > 0) yield writePage(index, studies);
}

/**
 * Reads the studies of a page.
 *
 * @param bytes `*.jsonl.zst` as written by `writePages`.
 * @param key names the page in errors.
 * @throws {ArtefactDamagedError} if the bytes are not such a page, or do not have the expected `digest`.
 */
export function readPage(
  bytes: Uint8Array,
  { key = 'dataset page', digest }: { key?: string; digest?: string } = {},
): StudyEntry[] {
  let text: string;
  try {
    text = zstdDecompressSync(bytes).toString('utf8');
  } catch (cause) {
    throw new ArtefactDamagedError(key, { expected: 'JSON Lines in Zstandard' }, { cause });
  }
  const found = digestOf(text);
  if (digest !== undefined && digest !== found) throw new ArtefactDamagedError(key, { expected: digest, found });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, i) => {
      try {
        return StudyEntry.parse(JSON.parse(line));
      } catch (cause) {
        throw new ArtefactDamagedError(key, { found: `no study entry on line ${i + 1}` }, { cause });
      }
    });
}

/** The digest that identifies a dataset: SHA-256 over the digests of its pages in order, in lower-case hexadecimal. */
export function datasetDigest(pageDigests: Iterable<string>): string {
  return digestOf(['spineline.dataset/1', ...pageDigests].map((line) => `${line}\n`).join(''));
}

function writePage(index: number, studies: StudyEntry[]): DatasetPage {
  const text = studies.map((study) => `${canonicalJson(study)}\n`).join('');
  const bytes = new Uint8Array(zstdCompressSync(text));
  return { index, studies, bytes, digest: digestOf(text) };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

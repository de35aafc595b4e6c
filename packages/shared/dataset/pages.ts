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

const PAGE = 'dataset page';

export interface DatasetPage {
  /** From 0. */
  readonly index: number;
  /** Number of studies. */
  readonly studies: number;
  /** `*.jsonl.zst` */
  readonly bytes: Uint8Array;
  /** SHA-256 of the uncompressed text, in lower-case hexadecimal. */
  readonly digest: string;
}

/** Reads a dataset page by page; only one page is in memory at a time, as text. */
export async function* writePages(
  dataset: { studies(): AsyncIterable<StudyEntry> },
  { pageSize }: { pageSize: number },
): AsyncGenerator<DatasetPage> {
  if (!Number.isInteger(pageSize) || pageSize < 1) throw new RangeError(`page size ${pageSize}`);
  const text = new GrowingText();
  let index = 0;
  let studies = 0;
  const page = (): DatasetPage => {
    const written = text.take();
    const bytes = new Uint8Array(zstdCompressSync(written));
    return { index: index++, studies, bytes, digest: digestOf(written) };
  };
  for await (const study of dataset.studies()) {
    text.add(`${canonicalJson(study)}\n`);
    studies += 1;
    if (studies < pageSize) continue;
    yield page();
    studies = 0;
  }
  if (studies > 0) yield page();
}

/**
 * Reads the studies of a page.
 *
 * @param bytes `*.jsonl.zst` as written by `writePages`.
 * @param key names the page in errors.
 * @throws {ArtefactDamagedError} if the bytes are not such a page, or do not have the expected `digest`.
 */
export function readPage(bytes: Uint8Array, options: PageOptions = {}): StudyEntry[] {
  return linesOf(bytes, options).map((line, i) => entryOf(line, i, options.key));
}

export interface PageOptions {
  readonly key?: string;
  readonly digest?: string;
}

/**
 * A page of which a few studies are wanted, or only their ids. An entry has a location and a fingerprint per image, and
 * each worker takes a few studies of a page: so a study is parsed when it is asked for, and not all 200 by each worker.
 */
export class StudyPage {
  /** Line and its place by study id. */
  readonly #lines = new Map<string, readonly [line: string, place: number]>();
  readonly #key: string | undefined;

  /** @throws {ArtefactDamagedError} as {@link readPage}, except for lines that do not fit the schema. */
  constructor(bytes: Uint8Array, options: PageOptions = {}) {
    this.#key = options.key;
    for (const [i, line] of linesOf(bytes, options).entries()) {
      // Members are in the order of their names, so the id is the last one; an id has no character to escape.
      const id = /"study":"([^"\\]+)"\}$/.exec(line)?.[1];
      if (id === undefined) throw noEntry(i, this.#key);
      this.#lines.set(id, [line, i]);
    }
  }

  /** The ids of all studies, in order. */
  get studies(): readonly string[] {
    return [...this.#lines.keys()];
  }

  /** @throws {ArtefactDamagedError} if the line of the study does not fit the schema. */
  get(study: string): StudyEntry | undefined {
    const found = this.#lines.get(study);
    return found && entryOf(...found, this.#key);
  }
}

function linesOf(bytes: Uint8Array, { key = PAGE, digest }: PageOptions): string[] {
  let text: string;
  try {
    text = zstdDecompressSync(bytes).toString('utf8');
  } catch (cause) {
    throw new ArtefactDamagedError(key, { expected: 'JSON Lines in Zstandard' }, { cause });
  }
  const found = digestOf(text);
  if (digest !== undefined && digest !== found) throw new ArtefactDamagedError(key, { expected: digest, found });
  return text.split('\n').filter((line) => line !== '');
}

function entryOf(line: string, place: number, key: string | undefined): StudyEntry {
  try {
    return StudyEntry.parse(JSON.parse(line));
  } catch (cause) {
    throw noEntry(place, key, cause);
  }
}

function noEntry(place: number, key = PAGE, cause?: unknown): ArtefactDamagedError {
  return new ArtefactDamagedError(key, { found: `no study entry on line ${place + 1}` }, { cause });
}

/** The digest that identifies a dataset: SHA-256 over the digests of its pages in order, in lower-case hexadecimal. */
export function datasetDigest(pageDigests: Iterable<string>): string {
  return digestOf(['spineline.dataset/1', ...pageDigests].map((line) => `${line}\n`).join(''));
}

function digestOf(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Text that is put together in one buffer, again and again. The objects of a page would live long enough to fill the
 * old part of the heap, and a million studies are 5,000 pages.
 */
class GrowingText {
  #bytes = Buffer.allocUnsafe(2 ** 16);
  #length = 0;

  add(text: string): void {
    const end = this.#length + Buffer.byteLength(text);
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * end);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.write(text, this.#length);
    this.#length = end;
  }

  /** The text as UTF-8, until the next call of `add`, which begins a new text. */
  take(): Buffer {
    const text = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return text;
  }
}

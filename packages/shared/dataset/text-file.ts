/**
 * Reads text files of the user: UTF-8 with or without a byte order mark, plain or as `.gz` or `.zst`. A damaged
 * archive, or text that is not UTF-8, is an error and never read as a shorter file.
 */

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { DatasetError, SpinelineError } from '../domain/index.ts';
import { ZstdFrameSplitter } from './zstd-frames.ts';

const CHUNK_BYTES = 2 ** 16;

export interface Line {
  /** Counted from 1 in the uncompressed text. */
  readonly line: number;
  readonly text: string;
}

/** The lines of a file, one at a time, without line ends (`\n` or `\r\n`). */
export async function* readLines(path: string): AsyncGenerator<Line> {
  let line = 0;
  let rest = '';
  for await (const piece of readPieces(path)) {
    const texts = (rest + piece).split('\n');
    rest = texts.pop()!;
    for (const text of texts) yield { line: ++line, text: withoutReturn(text) };
  }
  if (rest !== '') yield { line: ++line, text: withoutReturn(rest) };
}

/** The whole text of a file. */
export async function readText(path: string): Promise<string> {
  const pieces: string[] = [];
  for await (const piece of readPieces(path)) pieces.push(piece);
  return pieces.join('');
}

/** The file name without `.gz` or `.zst`, in lower case. Its extension gives the format. */
export function uncompressedName(path: string): string {
  return basename(path)
    .toLowerCase()
    .replace(/\.(gz|zst)$/, '');
}

async function* readPieces(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of openBytes(path)) {
      const piece = decoder.decode(chunk, { stream: true });
      if (piece !== '') yield piece;
    }
    yield decoder.decode();
  } catch (cause) {
    throw cause instanceof SpinelineError ? cause : unreadable(path, cause);
  }
}

/** The uncompressed bytes. A chunk is valid until the next one is asked for. */
function openBytes(path: string): AsyncIterable<Uint8Array> {
  // An error of any stream also occurs in the last one, which is the one that is read.
  const ignore = () => {};
  if (/\.gz$/i.test(path)) return pipeline(createReadStream(path), createGunzip(), ignore);
  if (/\.zst$/i.test(path)) {
    return pipeline(createReadStream(path), new ZstdFrameSplitter(), createZstdDecompress(), ignore);
  }
  return plainBytes(path);
}

/** Reads into one buffer. A stream allocates each chunk, and these gather until the heap is cleaned as a whole. */
async function* plainBytes(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

function unreadable(path: string, cause: unknown): DatasetError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  const file = basename(path);
  if (code === 'ENOENT') return new DatasetError('FILE_NOT_FOUND', 'no such file', { file }, { cause });
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
    return new DatasetError('FILE_UNREADABLE', 'is not UTF-8 text', { file, hint: 'save it as UTF-8' }, { cause });
  }
  return new DatasetError('FILE_UNREADABLE', `cannot be read (${code})`, { file }, { cause });
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}

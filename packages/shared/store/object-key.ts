/**
 * What an object may be called. The rules are the stricter of a file system's and S3's, so that every key works in
 * every store and none leaves its root.
 */

import { SpinelineError } from '../domain/index.ts';

/** S3's limit on a key; the store's own prefix counts too. */
const MAX_KEY_BYTES = 1024;
/** The limit on a file name of every common file system. */
const MAX_SEGMENT_BYTES = 255;

/** Names that begin so are half-written files of the `file://` store: never objects, never listed. */
export const TEMPORARY_PREFIX = '.tmp-';

/**
 * Returns `key` if it may name an object: segments between single forward slashes, none empty, `.` or `..`, none that
 * begins with `.tmp-`, no control characters, at most 255 bytes a segment and 1024 in all.
 *
 * @param prefix what the backend puts before the key; it counts in the length.
 * @throws {SpinelineError} `STORE_KEY_INVALID`.
 */
export function checkKey(key: string, prefix = ''): string {
  const problem = problemOf(key.split('/')) ?? lengthProblem(prefix + key);
  if (problem) throw invalid(key, problem);
  return key;
}

/**
 * Returns `prefix` if a key could start with it: as {@link checkKey}, but it may be empty, end in a slash, or stop
 * within a segment.
 *
 * @throws {SpinelineError} `STORE_KEY_INVALID`.
 */
export function checkPrefix(prefix: string): string {
  const segments = prefix.split('/');
  const last = segments.pop() ?? '';
  const problem =
    (segments.length ? problemOf(segments) : undefined) ?? characterProblem(last) ?? lengthProblem(prefix);
  if (problem) throw invalid(prefix, problem);
  return prefix;
}

/** The folder prefix `a/b/` for `a/b` and `a/b/`; `''` stays. */
export function folderPrefix(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? checkPrefix(prefix) : checkPrefix(`${prefix}/`);
}

/** Negative, zero or positive as `a` comes before, is, or comes after `b` in the order of their UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return utf8Rank(x) - utf8Rank(y);
  }
  return a.length - b.length;
}

/** UTF-16 puts surrogates before U+E000..U+FFFF, UTF-8 after: move them there. */
function utf8Rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

function problemOf(segments: readonly string[]): string | undefined {
  for (const segment of segments) {
    if (segment === '') return 'an empty segment';
    if (segment === '.' || segment === '..') return `the segment ${segment}`;
    if (segment.startsWith(TEMPORARY_PREFIX)) return `a segment that begins with ${TEMPORARY_PREFIX}`;
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) return `a segment of more than ${MAX_SEGMENT_BYTES} bytes`;
    const problem = characterProblem(segment);
    if (problem) return problem;
  }
  return undefined;
}

function characterProblem(text: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) return 'a control character';
  if (!text.isWellFormed()) return 'half of a surrogate pair';
  return undefined;
}

function lengthProblem(text: string): string | undefined {
  return Buffer.byteLength(text) > MAX_KEY_BYTES ? `more than ${MAX_KEY_BYTES} bytes` : undefined;
}

function invalid(key: string, found: string): SpinelineError {
  const shown = JSON.stringify(key.length > 120 ? `${key.slice(0, 120)}...` : key);
  return new SpinelineError('STORE_KEY_INVALID', 'permanent', `${shown} is not an object key`, {
    expected: 'names between single forward slashes',
    found,
  });
}

/**
 * Which keys objects may have. The rules are the stricter ones of file systems and of S3, so that every key works in
 * every store and no key leads out of the store's folder.
 */

import { SpinelineError } from '../domain/index.ts';

/** Limit of S3 on a key, including the prefix of the store. */
const MAX_KEY_BYTES = 1024;
/** Limit of common file systems on a file name. */
const MAX_SEGMENT_BYTES = 255;

/** Files whose names begin with this are incomplete files of the `file://` store: never objects, never listed. */
export const TEMPORARY_PREFIX = '.tmp-';

/**
 * Returns `key` if it is a valid key: segments between single forward slashes, none of them empty, `.` or `..`, none
 * that begins with `.tmp-`, no control characters, at most 255 bytes per segment and 1024 bytes in all.
 *
 * @param prefix the part that the backend puts before the key; it counts towards the length.
 * @throws {SpinelineError} `STORE_KEY_INVALID`.
 */
export function checkKey(key: string, prefix = ''): string {
  const problem = problemOf(key.split('/')) ?? lengthProblem(prefix + key);
  if (problem) throw invalid(key, problem);
  return key;
}

/**
 * Returns `prefix` if a valid key can start with it. Unlike a key, it may be empty, end in a slash, or end within a
 * segment.
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

/** The folder prefix: `a/b/` for `a/b` and for `a/b/`; `''` for `''`. */
export function folderPrefix(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? checkPrefix(prefix) : checkPrefix(`${prefix}/`);
}

/** Compares keys by their UTF-8 bytes. Negative if `a` comes before `b`, zero if they are equal, positive otherwise. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return utf8Rank(x) - utf8Rank(y);
  }
  return a.length - b.length;
}

/** In UTF-16, surrogates come before U+E000..U+FFFF; in UTF-8 they come after. This gives the order of UTF-8. */
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
  // oxlint-disable-next-line no-control-regex -- finding them is the point
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

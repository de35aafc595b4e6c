/**
 * A study before its instances are looked up: the common form of what a folder, a CSV or a line of JSON says about it.
 * The three readers make plans, and `instance-finder.ts` completes them.
 */

import { resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Kind } from '../domain/index.ts';
import type { Problem, RejectedEntry, SeriesEntry } from './study-entry.ts';

/** Where the images of a series are: all files below a folder, named files, or a location that may be either. */
export type ImagePlace =
  | { readonly folder: string }
  | { readonly files: readonly string[] }
  | { readonly folderOrFile: string }
  /** There are none, and the study's problems already say why. */
  | { readonly missing: true };

export interface SeriesPlan {
  readonly series: string;
  readonly kind: Kind | undefined;
  readonly description: string | undefined;
  /** All locations are absolute: `file:///...`, `s3://bucket/...`, `dicomweb+https://...`. */
  readonly images: ImagePlace;
  readonly reasons?: SeriesEntry['reasons'];
  readonly trust?: SeriesEntry['trust'];
  readonly problems?: SeriesEntry['problems'];
}

export interface StudyPlan {
  readonly study: string;
  readonly series: readonly SeriesPlan[];
  readonly problems: readonly Problem[];
  readonly rejected?: readonly RejectedEntry[];
}

/**
 * Converts a location of a manifest to an absolute location. Paths are relative to `baseFolder`; a final slash is kept.
 *
 * @returns the location, or the error.
 */
export function locationOf(text: string, baseFolder: string): { location: string } | { fault: string } {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === 's3') {
    return /^s3:\/\/[^/]+\/./.test(text) ? { location: text } : { fault: 'an s3:// location needs a bucket and a key' };
  }
  if (scheme === 'file') {
    if (!/^file:\/\/\/./.test(text)) return { fault: 'a file:// location is absolute: file:///folder/...' };
    try {
      fileURLToPath(text);
      return { location: new URL(text).href };
    } catch {
      return { fault: 'a malformed file:// location' };
    }
  }
  if (scheme === 'dicomweb+https' || scheme === 'dicomweb+http') {
    // It may hold a password before an @, so the message does not repeat it.
    const fits = /^[^:]+:\/\/[^/@\s]+\/[^@\s]+$/.test(text);
    return fits ? { location: text } : { fault: 'a dicomweb+https:// location is a URL without user and password' };
  }
  if (scheme !== undefined) {
    return { fault: `a location is a path, file://, s3:// or dicomweb+https://, not ${scheme}://` };
  }
  const plain = plainLocation(text, baseFolder);
  if (plain !== undefined) return { location: plain };
  const url = pathToFileURL(resolve(baseFolder, text)).href;
  return { location: text.endsWith('/') && !url.endsWith('/') ? `${url}/` : url };
}

/** A path in which no part is empty, `.` or `..`, and no character is written in another way in a URL. */
const PLAIN_PATH = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*\/?$/;
let lastBase = { folder: '', location: '' };

/**
 * The location of a path that needs no resolving and no encoding, as those of most manifests. It is made five times as
 * fast as with `resolve` and `pathToFileURL`, which matters for the millions of files of a manifest.
 *
 * @returns `undefined` for any other path.
 */
function plainLocation(text: string, baseFolder: string): string | undefined {
  if (text.startsWith('/') && sep === '/') return PLAIN_PATH.test(text.slice(1)) ? `file://${text}` : undefined;
  if (!PLAIN_PATH.test(text)) return undefined;
  if (lastBase.folder !== baseFolder) {
    lastBase = { folder: baseFolder, location: folderLocation(resolve(baseFolder)) };
  }
  return lastBase.location + text;
}

/** The location of a local folder, with a final slash, so that it is a prefix. */
export function folderLocation(path: string): string {
  const url = pathToFileURL(path).href;
  return url.endsWith('/') ? url : `${url}/`;
}

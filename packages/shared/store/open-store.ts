/**
 * Opens the store that a URL names. The S3 client is loaded only for an `s3://` URL, since loading it takes a
 * noticeable part of the start of a command.
 */

import { ConfigError } from '../domain/index.ts';
import { openFileStore } from './file-store.ts';
import type { ObjectStore } from './object-store.ts';
import type { S3Options } from './s3-options.ts';

/**
 * Opens `s3://bucket/prefix` or `file:///path` and checks that it can be used.
 *
 * @throws {ConfigError} for another scheme, a missing bucket, refused access, or a folder that cannot be made.
 * @throws {StoreUnavailableError} if an S3 server does not answer.
 */
export async function openStore(url: string, options: S3Options = {}): Promise<ObjectStore> {
  switch (schemeOf(url)) {
    case 'file':
      return openFileStore(url);
    case 's3':
      return (await import('./s3-store.ts')).openS3Store(url, options);
    default:
      throw unknownScheme(url);
  }
}

/** The part of a URL before `://` in lower case; `undefined` without one. */
export function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
}

/**
 * The error for the URL of a store that is neither S3 nor a file. It shows only the scheme, since the rest may hold a secret.
 */
function unknownScheme(url: string): ConfigError {
  const scheme = schemeOf(url);
  return new ConfigError('a store must be named by a URL', {
    expected: 's3://bucket/prefix or file:///absolute/path',
    found: scheme ? `${scheme}://` : 'no scheme',
  });
}

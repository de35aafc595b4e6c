/**
 * Reads images where they lie, outside the store, by full location: one reader for every scheme, each connected when its
 * first location comes. Fingerprints tell whether a file changed since the dataset was described, without reading it.
 */

import { ConfigError } from '../domain/index.ts';
import { schemeOf } from '../store/open-store.ts';
import type { S3Options } from '../store/s3-options.ts';
import { FILE_SOURCE } from './file-source.ts';
import type { SourceInfo, SourceReader } from './source-reader.ts';

/** How to reach what is not a local file. */
export interface SourceOptions {
  readonly s3?: S3Options | undefined;
}

/** A reader for all locations. */
export function openSources(options: SourceOptions = {}): SourceReader {
  return new Sources(options);
}

class Sources implements SourceReader {
  readonly #options: SourceOptions;
  #s3: Promise<SourceReader> | undefined;

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  async read(location: string): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#sourceOf(location)).read(location);
  }

  async readStart(location: string, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#sourceOf(location)).readStart(location, bytes);
  }

  async head(location: string): Promise<Omit<SourceInfo, 'location'> | undefined> {
    return (await this.#sourceOf(location)).head(location);
  }

  async *list(locationPrefix: string): AsyncGenerator<SourceInfo> {
    yield* (await this.#sourceOf(locationPrefix)).list(locationPrefix);
  }

  async close(): Promise<void> {
    const connected = this.#s3;
    this.#s3 = undefined;
    await connected?.then(
      (s3) => s3.close(),
      () => {},
    );
  }

  async #sourceOf(location: string): Promise<Omit<SourceReader, 'close'>> {
    switch (schemeOf(location)) {
      case 'file':
        return FILE_SOURCE;
      case 's3':
        this.#s3 ??= import('./s3-source.ts').then(({ S3Source }) => new S3Source(this.#options.s3 ?? {}));
        return this.#s3;
      default:
        throw new ConfigError('an image must be named by a URL', {
          expected: 's3://bucket/prefix or file:///absolute/path',
          // The rest may hold a secret.
          found: schemeOf(location) ? `${schemeOf(location)}://` : 'no scheme',
        });
    }
  }
}

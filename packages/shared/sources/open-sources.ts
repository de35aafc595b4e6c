/**
 * Reads images outside the store by full location: one reader for every scheme, each connected at its first location.
 * Fingerprints show whether a file changed since the dataset was read, without reading the file.
 */

import { ConfigError } from '../domain/index.ts';
import { schemeOf } from '../store/open-store.ts';
import type { S3Options } from '../store/s3-options.ts';
import { dicomWebAccess } from './dicomweb/access.ts';
import type { DicomWebClient } from './dicomweb/client.ts';
import type { DicomWebOptions } from './dicomweb/options.ts';
import { FILE_SOURCE } from './file.ts';
import type { SourceInfo, SourceReader } from './source-reader.ts';

/** Options for sources other than local files. */
export interface SourceOptions {
  readonly s3?: S3Options | undefined;
  readonly dicomweb?: DicomWebOptions | undefined;
}

/**
 * A reader for all locations.
 *
 * @throws {ConfigError} for DICOMweb credentials that cannot be used, already here and not for every image.
 */
export function openSources(options: SourceOptions = {}): SourceReader {
  dicomWebAccess(options.dicomweb ?? {});
  return new Sources(options);
}

/** A client that searches studies on DICOMweb servers. @throws {ConfigError} for credentials that cannot be used. */
export async function openDicomWeb(options: DicomWebOptions = {}): Promise<DicomWebClient> {
  const [{ DicomWebClient }, { DicomWebConnection }] = await Promise.all([
    import('./dicomweb/client.ts'),
    import('./dicomweb/connection.ts'),
  ]);
  return new DicomWebClient(new DicomWebConnection(options), options.pageSize);
}

class Sources implements SourceReader {
  readonly #options: SourceOptions;
  #s3: Promise<SourceReader> | undefined;
  #dicomweb: Promise<SourceReader> | undefined;

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
    const connected = [this.#s3, this.#dicomweb];
    this.#s3 = undefined;
    this.#dicomweb = undefined;
    for (const opening of await Promise.allSettled(connected)) {
      if (opening.status === 'fulfilled') await opening.value?.close();
    }
  }

  async #sourceOf(location: string): Promise<Omit<SourceReader, 'close'>> {
    switch (schemeOf(location)) {
      case 'file':
        return FILE_SOURCE;
      case 's3':
        this.#s3 ??= import('./s3.ts').then(({ S3Source }) => new S3Source(this.#options.s3 ?? {}));
        return this.#s3;
      case 'dicomweb+https':
      case 'dicomweb+http':
        this.#dicomweb ??= import('./dicomweb/dicomweb.ts').then(
          ({ DicomWebSource }) => new DicomWebSource(this.#options.dicomweb),
        );
        return this.#dicomweb;
      default:
        throw new ConfigError('an image must be named by a URL', {
          expected: 's3://bucket/key, dicomweb+https://host/path/studies/... or file:///absolute/path',
          // The rest may hold a secret.
          found: schemeOf(location) ? `${schemeOf(location)}://` : 'no scheme',
        });
    }
  }
}

/**
 * Reads DICOM files where they lie, outside the store: `file:///...` or `s3://bucket/key`, by full location. Fingerprints
 * tell whether a file changed since the dataset was described, without reading it.
 */

import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ObjectNotFoundError } from '../domain/index.ts';
import { fileFault, isAbsent } from './file-faults.ts';
import { pathOfUrl } from './file-store.ts';
import { walkFiles } from './file-tree.ts';
import { schemeOf, unknownScheme } from './open-store.ts';
import type { S3Connection, S3Found, S3Place } from './s3-connection.ts';
import type { S3Options } from './s3-options.ts';
import { wholeBuffer } from './whole-buffer.ts';

/** A source file without its bytes. */
export interface SourceInfo {
  readonly location: string;
  /** Bytes. */
  readonly size: number;
  /** `size-mtimeNs` of a file, `etag-size` of an S3 object: another one means that the file was changed. */
  readonly fingerprint: string;
}

/**
 * All methods throw {@link StoreUnavailableError} (transient) when a server or disk did not answer, a permanent
 * `OBJECT_ACCESS_DENIED` naming the location when it may not be read, and {@link ConfigError} for another scheme.
 */
export interface SourceReader {
  /**
   * The whole file, in an array that owns its `ArrayBuffer` alone.
   *
   * @throws {ObjectNotFoundError} when there is none.
   */
  read(location: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Size and fingerprint, or `undefined` when there is no such file. */
  head(location: string): Promise<Omit<SourceInfo, 'location'> | undefined>;
  /**
   * Every file whose location starts with the prefix, in the order of the paths' UTF-8 bytes. A folder's prefix ends in a
   * slash: `file:///data/train` also lists what is in `/data/train_images`.
   */
  list(locationPrefix: string): AsyncIterable<SourceInfo>;
  close(): Promise<void>;
}

/** A reader for all locations; it connects to S3 when it first meets an `s3://` one. */
export function openSources(options: S3Options = {}): SourceReader {
  return new Sources(options);
}

class Sources implements SourceReader {
  readonly #options: S3Options;
  #s3: Promise<S3Sources> | undefined;

  constructor(options: S3Options) {
    this.#options = options;
  }

  async read(location: string): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#backendOf(location)).read(location);
  }

  async head(location: string): Promise<Omit<SourceInfo, 'location'> | undefined> {
    return (await this.#backendOf(location)).head(location);
  }

  async *list(locationPrefix: string): AsyncGenerator<SourceInfo> {
    yield* (await this.#backendOf(locationPrefix)).list(locationPrefix);
  }

  async close(): Promise<void> {
    const connected = this.#s3;
    this.#s3 = undefined;
    await connected?.then(
      (s3) => s3.close(),
      () => {},
    );
  }

  async #backendOf(location: string): Promise<Pick<SourceReader, 'read' | 'head' | 'list'>> {
    const scheme = schemeOf(location);
    if (scheme === 'file') return FILES;
    if (scheme !== 's3') throw unknownScheme('an image', location);
    this.#s3 ??= S3Sources.connect(this.#options);
    return this.#s3;
  }
}

const FILES: Pick<SourceReader, 'read' | 'head' | 'list'> = {
  async read(location) {
    try {
      return wholeBuffer(await readFile(pathOfUrl(location)));
    } catch (error) {
      throw fileFault(error, 'read', location);
    }
  },

  async head(location) {
    let handle: FileHandle | undefined;
    try {
      // Opened, not only looked up, so that a file that may not be read is known before the night.
      handle = await open(pathOfUrl(location), 'r');
      const stats = await handle.stat({ bigint: true });
      return stats.isFile() ? { size: Number(stats.size), fingerprint: fileFingerprint(stats) } : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw fileFault(error, 'read', location);
    } finally {
      await handle?.close();
    }
  },

  async *list(locationPrefix) {
    const path = pathOfUrl(locationPrefix);
    const root = path.endsWith(sep) ? path : `${dirname(path)}${sep}`;
    try {
      for await (const file of walkFiles(root, path.slice(root.length))) {
        yield {
          location: pathToFileURL(root + file.path).href,
          size: Number(file.stats.size),
          fingerprint: fileFingerprint(file.stats),
        };
      }
    } catch (error) {
      throw fileFault(error, 'list', locationPrefix);
    }
  },
};

function fileFingerprint(stats: { readonly size: bigint; readonly mtimeNs: bigint }): string {
  return `${stats.size}-${stats.mtimeNs}`;
}

class S3Sources implements Pick<SourceReader, 'read' | 'head' | 'list'> {
  readonly #connection: S3Connection;
  readonly #placeOf: (location: string) => S3Place;

  private constructor(connection: S3Connection, placeOf: (location: string) => S3Place) {
    this.#connection = connection;
    this.#placeOf = placeOf;
  }

  static async connect(options: S3Options): Promise<S3Sources> {
    const [{ S3Connection }, { parseS3Url }] = await Promise.all([
      import('./s3-connection.ts'),
      import('./s3-store.ts'),
    ]);
    return new S3Sources(new S3Connection(options), (name) => ({ ...parseS3Url(name), name }));
  }

  async read(location: string): Promise<Uint8Array<ArrayBuffer>> {
    const place = this.#placeOf(location);
    if (place.key === '') throw new ObjectNotFoundError(location);
    return this.#connection.read(place);
  }

  async head(location: string): Promise<Omit<SourceInfo, 'location'> | undefined> {
    const place = this.#placeOf(location);
    const found = place.key === '' ? undefined : await this.#connection.head(place);
    return found && { size: found.size, fingerprint: s3Fingerprint(found) };
  }

  async *list(locationPrefix: string): AsyncGenerator<SourceInfo> {
    const place = this.#placeOf(locationPrefix);
    for await (const found of this.#connection.list(place)) {
      yield { location: `s3://${place.bucket}/${found.key}`, size: found.size, fingerprint: s3Fingerprint(found) };
    }
  }

  close(): void {
    this.#connection.close();
  }
}

function s3Fingerprint({ etag, size }: S3Found): string {
  return `${etag}-${size}`;
}

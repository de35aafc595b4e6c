/** Images in an object store: `s3://bucket/key`. Loaded only if a location needs it. */

import { ObjectNotFoundError } from '../domain/index.ts';
import { S3Connection, type S3Found, type S3Place } from '../store/s3-connection.ts';
import type { S3Options } from '../store/s3-options.ts';
import { parseS3Url } from '../store/s3-store.ts';
import type { SourceInfo, SourceReader } from './source-reader.ts';

export class S3Source implements SourceReader {
  readonly #connection: S3Connection;

  constructor(options: S3Options) {
    this.#connection = new S3Connection(options);
  }

  async read(location: string): Promise<Uint8Array<ArrayBuffer>> {
    const place = placeOf(location);
    if (place.key === '') throw new ObjectNotFoundError(location);
    return this.#connection.read(place);
  }

  async readStart(location: string, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const place = placeOf(location);
    if (place.key === '') throw new ObjectNotFoundError(location);
    return this.#connection.readStart(place, bytes);
  }

  async head(location: string): Promise<Omit<SourceInfo, 'location'> | undefined> {
    const place = placeOf(location);
    const found = place.key === '' ? undefined : await this.#connection.head(place);
    return found && { size: found.size, fingerprint: s3Fingerprint(found) };
  }

  async *list(locationPrefix: string): AsyncGenerator<SourceInfo> {
    const place = placeOf(locationPrefix);
    for await (const found of this.#connection.list(place)) {
      yield { location: `s3://${place.bucket}/${found.key}`, size: found.size, fingerprint: s3Fingerprint(found) };
    }
  }

  async close(): Promise<void> {
    this.#connection.close();
  }
}

function placeOf(location: string): S3Place {
  return { ...parseS3Url(location), name: location };
}

function s3Fingerprint({ etag, size }: S3Found): string {
  return `${etag}-${size}`;
}

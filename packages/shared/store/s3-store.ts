/**
 * The object store on any S3-compatible server: `s3://bucket/prefix`.
 *
 * A PUT is one request, so S3 itself keeps objects complete or absent. With Content-MD5 the server refuses bytes that
 * were changed on the network.
 */

import { createHash, randomUUID } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { ConfigError, SpinelineError } from '../domain/index.ts';
import { checkKey, checkPrefix, folderPrefix } from './object-key.ts';
import type { ObjectInfo, ObjectStore, PutOptions } from './object-store.ts';
import { S3Connection, type S3Found, type S3Place } from './s3-connection.ts';
import { isNotImplemented, noBucket, statusOf } from './s3-faults.ts';
import type { S3Options } from './s3-options.ts';

/** Name of the metadata field that marks which conditional PUT wrote the object. */
const MARK = 'spineline-put';

/**
 * Opens a bucket and checks that it exists and that the credentials give access to it.
 *
 * @throws {ConfigError} if it is not such a URL, the bucket does not exist, or access is refused.
 * @throws {StoreUnavailableError} if the server does not answer.
 */
export async function openS3Store(url: string, options: S3Options = {}): Promise<ObjectStore> {
  const { bucket, key } = parseS3Url(url);
  const prefix = folderPrefix(key);
  const connection = new S3Connection(options);
  try {
    await ensureBucket(connection, bucket, options.createBucket ?? false);
  } catch (error) {
    connection.close();
    if (error instanceof SpinelineError && error.kind === 'permanent' && !(error instanceof ConfigError)) {
      throw new ConfigError(`cannot open the store ${url}`, error.context, { cause: error });
    }
    throw error;
  }
  return new S3Store(connection, bucket, prefix, options.requestChecksumCalculation ?? 'WHEN_REQUIRED');
}

/**
 * Bucket and key of `s3://bucket/key`. The key is not percent-decoded; the AWS command does not decode it either.
 *
 * @throws {ConfigError} for anything else.
 */
export function parseS3Url(url: string): { bucket: string; key: string } {
  const parts = /^s3:\/\/([A-Za-z0-9][A-Za-z0-9._-]{1,254})(?:\/(.*))?$/s.exec(url);
  // The message does not repeat the URL, since it may hold a secret before an @.
  if (!parts)
    throw new ConfigError('an S3 location cannot be read', { expected: 's3://bucket/key, without credentials' });
  return { bucket: parts[1]!, key: parts[2] ?? '' };
}

class S3Store implements ObjectStore {
  readonly url: string;
  readonly #connection: S3Connection;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #withMd5: boolean;
  /** False once the server has answered 501 to `If-None-Match`. */
  #knowsIfNoneMatch = true;

  constructor(connection: S3Connection, bucket: string, prefix: string, checksums: 'WHEN_SUPPORTED' | 'WHEN_REQUIRED') {
    this.url = `s3://${bucket}/${prefix}`.replace(/\/$/, '');
    this.#connection = connection;
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#withMd5 = checksums === 'WHEN_REQUIRED'; // else the SDK adds a checksum of its own
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.#connection.read(this.#place(key));
  }

  async put(key: string, bytes: Uint8Array | string, options: PutOptions = {}): Promise<void> {
    const request = this.#putRequest(key, bytes, options);
    await this.#connection.request(this.#place(key), (client) => client.send(new PutObjectCommand(request)));
  }

  async putIfAbsent(key: string, bytes: Uint8Array | string, options: PutOptions = {}): Promise<boolean> {
    if (this.#knowsIfNoneMatch) {
      try {
        return await this.#putConditionally(key, bytes, options);
      } catch (error) {
        if (!(error instanceof SpinelineError) || !isNotImplemented(error.cause)) throw error;
        this.#knowsIfNoneMatch = false;
      }
    }
    if (await this.head(key)) return false;
    await this.put(key, bytes, options);
    return true;
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const found = await this.#connection.head(this.#place(key));
    return found && this.#infoOf(found);
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    checkPrefix(prefix);
    for await (const found of this.#connection.list(this.#place(prefix, true))) yield this.#infoOf(found);
  }

  async *folders(prefix: string): AsyncGenerator<string> {
    const folder = folderPrefix(prefix);
    const start = this.#prefix.length + folder.length;
    for await (const found of this.#connection.listFolders(this.#place(folder, true))) yield found.slice(start, -1);
  }

  async delete(key: string): Promise<void> {
    const place = this.#place(key);
    await this.#connection.request(place, async (client) => {
      try {
        await client.send(new DeleteObjectCommand({ Bucket: place.bucket, Key: place.key }));
      } catch (error) {
        if (statusOf(error) !== 404) throw error; // S3 answers 204 for an absent object; not every server does
      }
    });
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  /**
   * A retried PUT can find the object of its own first attempt, whose answer was lost. The mark distinguishes that
   * object from one that another process wrote.
   */
  async #putConditionally(key: string, bytes: Uint8Array | string, options: PutOptions): Promise<boolean> {
    const place = this.#place(key);
    const mark = randomUUID();
    const command = { ...this.#putRequest(key, bytes, options), IfNoneMatch: '*', Metadata: { [MARK]: mark } };
    return this.#connection.request(place, async (client, attempt) => {
      try {
        await client.send(new PutObjectCommand(command));
        return true;
      } catch (error) {
        if (statusOf(error) !== 412) throw error;
        return attempt > 1 && (await markOf(client, place)) === mark;
      }
    });
  }

  #putRequest(key: string, bytes: Uint8Array | string, options: PutOptions): PutObjectCommandInput {
    const body = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    const { bucket, key: fullKey } = this.#place(key);
    return {
      Bucket: bucket,
      Key: fullKey,
      Body: body,
      ContentLength: body.byteLength,
      ...(options.contentType !== undefined && { ContentType: options.contentType }),
      ...(this.#withMd5 && { ContentMD5: createHash('md5').update(body).digest('base64') }),
    };
  }

  #infoOf({ key, ...known }: S3Found): ObjectInfo {
    return { key: key.slice(this.#prefix.length), ...known };
  }

  #place(key: string, isPrefix = false): S3Place {
    if (!isPrefix) checkKey(key, this.#prefix);
    return { bucket: this.#bucket, key: this.#prefix + key, name: key };
  }
}

async function markOf(client: S3Client, place: S3Place): Promise<string | undefined> {
  const answer = await client.send(new HeadObjectCommand({ Bucket: place.bucket, Key: place.key }));
  return answer.Metadata?.[MARK];
}

async function ensureBucket(connection: S3Connection, bucket: string, create: boolean): Promise<void> {
  const place = { bucket, key: '', name: `s3://${bucket}` };
  const present = await connection.request(place, async (client) => {
    try {
      await client.send(new HeadBucketCommand({ Bucket: bucket }));
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw error;
    }
  });
  if (present) return;
  if (!create) throw noBucket({ name: place.name, bucket, server: connection.server }, undefined);
  await connection.request(place, async (client) => {
    try {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
    } catch (error) {
      // Another process made it in the meantime.
      if (!(error instanceof Error) || error.name !== 'BucketAlreadyOwnedByYou') throw error;
    }
  });
}

/**
 * The S3 client of the store and of the DICOM sources. It limits the number of simultaneous requests, sets time limits,
 * retries, reads every body to the end, and turns every failure into one of the project's errors.
 */

import { setTimeout as delay } from 'node:timers/promises';
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  S3Client,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import pLimit from 'p-limit';
import { ConfigError, StoreUnavailableError, TIME_LIMITS_MS, withoutUids } from '../domain/index.ts';
import { s3Fault, statusOf } from './s3-faults.ts';
import type { S3Options } from './s3-options.ts';
import { wholeBuffer } from './whole-buffer.ts';

const SECOND = 1000;
const DEFAULT_ATTEMPTS = 3;
const DEFAULT_SOCKETS = 64;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5 * SECOND;
const PAGE = 1000;

/** The place of an object on the server, and its name for error messages, which leave out UIDs. */
export interface S3Place {
  readonly bucket: string;
  readonly key: string;
  readonly name: string;
}

/** An object as a listing or HEAD describes it. `key` is the full key on the server. */
export interface S3Found {
  readonly key: string;
  readonly size: number;
  readonly modified: Date;
  readonly etag: string;
}

export class S3Connection {
  /** The endpoint without credentials, or `AWS S3`; for messages. */
  readonly server: string;
  readonly #client: S3Client;
  readonly #limit: <T>(task: () => Promise<T>) => Promise<T>;
  readonly #attempts: number;
  readonly #onRetry: (() => void) | undefined;

  /** @throws {ConfigError} for an endpoint that is not a URL, and for one access key without the other. */
  constructor(options: S3Options = {}) {
    const sockets = options.maxSockets ?? DEFAULT_SOCKETS;
    this.server = serverOf(options.endpoint);
    this.#attempts = Math.max(1, options.maxAttempts ?? DEFAULT_ATTEMPTS);
    this.#onRetry = options.onRetry;
    // Limit here, so that the HTTP agent never queues: time in its queue would count towards the connection timeout.
    this.#limit = pLimit(sockets);
    this.#client = clientOf(options, sockets);
  }

  /**
   * Runs `operation` when a socket is free. Repeats it while it fails with a transient error and attempts are left.
   *
   * @param operation gets the number of the attempt, from 1. It must read the body of the answer to the end.
   */
  async request<T>(place: S3Place, operation: (client: S3Client, attempt: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#limit(() => operation(this.#client, attempt));
      } catch (error) {
        const fault = s3Fault(error, { name: withoutUids(place.name), bucket: place.bucket, server: this.server });
        if (!(fault instanceof StoreUnavailableError) || attempt >= this.#attempts) throw fault;
      }
      this.#onRetry?.();
      // Full jitter, so that workers that failed at the same time do not retry at the same time.
      await delay(Math.random() * Math.min(FIRST_BACKOFF_MS * 2 ** attempt, LONGEST_BACKOFF_MS));
    }
  }

  /** The bytes of an answer. @throws {StoreUnavailableError} if it ends early, so that the request is retried. */
  async #bodyOf({ Body, ContentLength }: GetObjectCommandOutput, place: S3Place): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array(0);
    if (ContentLength !== undefined && bytes.byteLength !== ContentLength) {
      throw new StoreUnavailableError(`${this.server} broke off while sending ${withoutUids(place.name)}`, {
        expected: `${ContentLength} bytes`,
        found: `${bytes.byteLength}`,
      });
    }
    return wholeBuffer(bytes);
  }

  /** All bytes of the object. An answer that ends early counts as a failed attempt. */
  read(place: S3Place): Promise<Uint8Array<ArrayBuffer>> {
    return this.request(place, async (client) => {
      const answer = await client.send(new GetObjectCommand({ Bucket: place.bucket, Key: place.key }));
      return this.#bodyOf(answer, place);
    });
  }

  /** The first `bytes` bytes of the object, or all bytes if it is shorter. */
  readStart(place: S3Place, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.request(place, async (client) => {
      const Range = `bytes=0-${bytes - 1}`;
      try {
        const answer = await client.send(new GetObjectCommand({ Bucket: place.bucket, Key: place.key, Range }));
        return await this.#bodyOf(answer, place);
      } catch (error) {
        // An empty object has no first byte.
        if (statusOf(error) === 416) return new Uint8Array(0);
        throw error;
      }
    });
  }

  /** Size, time and ETag of the object; `undefined` if it is absent. */
  head(place: S3Place): Promise<S3Found | undefined> {
    return this.request(place, async (client) => {
      try {
        const answer = await client.send(new HeadObjectCommand({ Bucket: place.bucket, Key: place.key }));
        return {
          key: place.key,
          size: answer.ContentLength ?? 0,
          modified: answer.LastModified ?? new Date(0),
          etag: bareEtag(answer.ETag),
        };
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    });
  }

  /** Every object whose key starts with `place.key`, in UTF-8 order. One page is in memory at a time. */
  async *list(place: S3Place): AsyncGenerator<S3Found> {
    for await (const page of this.#pages(place)) {
      for (const { Key, Size, LastModified, ETag } of page.Contents ?? []) {
        // S3 consoles make empty objects with a slash at the end to show a folder. They are no objects of ours.
        if (Key === undefined || Key.endsWith('/')) continue;
        yield { key: Key, size: Size ?? 0, modified: LastModified ?? new Date(0), etag: bareEtag(ETag) };
      }
    }
  }

  /** The prefixes, each ending in a slash, directly below the folder prefix `place.key`. */
  async *listFolders(place: S3Place): AsyncGenerator<string> {
    for await (const page of this.#pages(place, '/')) {
      for (const { Prefix } of page.CommonPrefixes ?? []) if (Prefix !== undefined) yield Prefix;
    }
  }

  async *#pages(place: S3Place, delimiter?: string): AsyncGenerator<ListObjectsV2CommandOutput> {
    let token: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        Bucket: place.bucket,
        Prefix: place.key,
        Delimiter: delimiter,
        MaxKeys: PAGE,
        ContinuationToken: token,
      });
      const page = await this.request(place, (client) => client.send(command));
      yield page;
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  close(): void {
    this.#client.destroy();
  }
}

function bareEtag(etag: string | undefined): string {
  return (etag ?? '').replace(/^W\//, '').replaceAll('"', '');
}

function serverOf(endpoint: string | undefined): string {
  if (endpoint === undefined) return 'AWS S3';
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new ConfigError('the S3 endpoint cannot be used', { expected: 'https://host:port' });
  }
  if (url.username || url.password) {
    throw new ConfigError('the S3 endpoint holds credentials', {
      expected: 'https://host:port',
      hint: 'set the access key id and the secret access key instead',
    });
  }
  return url.origin;
}

function clientOf(options: S3Options, sockets: number): S3Client {
  const { endpoint, accessKeyId, secretAccessKey } = options;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new ConfigError('only one of the two S3 access keys is set', {
      expected: 'both the access key id and the secret access key, or neither',
    });
  }
  const region = options.region ?? (endpoint === undefined ? undefined : 'us-east-1');
  const timeoutMs = options.requestTimeoutMs ?? TIME_LIMITS_MS.s3;
  const checksums = options.requestChecksumCalculation ?? 'WHEN_REQUIRED';
  return new S3Client({
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(accessKeyId !== undefined &&
      secretAccessKey !== undefined && { credentials: { accessKeyId, secretAccessKey } }),
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    maxAttempts: 1, // `request` above retries. Unlike the SDK, it also retries when a body ends early.
    requestHandler: new NodeHttpHandler({
      connectionTimeout: timeoutMs,
      // Limits silence, not duration: the SDK's `requestTimeout` would end a large upload that makes progress.
      socketTimeout: timeoutMs,
      httpAgent: { keepAlive: true, maxSockets: sockets },
      httpsAgent: { keepAlive: true, maxSockets: sockets },
    }),
  });
}

/**
 * HTTP for DICOMweb: limits the number of requests, times out when the server is silent, retries failed requests, and
 * turns every failure into an error of this project. It uses Node's http and https, which keep connections open, time
 * out on silence, accept client certificates, and do not follow redirects.
 */

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import pLimit from 'p-limit';
import { SpinelineError, StoreUnavailableError, TIME_LIMITS_MS } from '../../domain/index.ts';
import { type DicomWebAccess, dicomWebAccess } from './access.ts';
import { brokenAnswer, type DicomWebSubject, networkFault, statusFault } from './faults.ts';
import type { DicomWebOptions } from './options.ts';

const SECOND = 1000;
const MIB = 2 ** 20;
const DEFAULT_ATTEMPTS = 4;
const DEFAULT_REQUESTS = 8;
const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 10 * SECOND;
/** Longest wait for `Retry-After`. If a server asks for more, the queue retries the study later. */
const LONGEST_RETRY_AFTER_MS = 60 * SECOND;
const MOST_REDIRECTS = 5;
/** Largest answer. No image or list is larger, and an endless answer must not fill the memory. */
const LARGEST_BODY = 1024 * MIB;

/** A complete answer. */
export interface Answer {
  readonly status: number;
  readonly contentType: string | undefined;
  /** The `Warning` header (RFC 7234 5.5), with which QIDO-RS reports that it left results out. */
  readonly warning: string | undefined;
  readonly body: Buffer;
}

export interface DicomWebRequest<T> {
  readonly accept: string;
  /** For messages, such as `instance 3f2a91c0`. */
  readonly name: string;
  /** Accept compressed answers: for JSON, not for images. */
  readonly compressed?: boolean;
  /** Statuses other than 2xx that `take` handles. */
  readonly also?: readonly number[];
  /** Converts an answer. If it throws a transient error, the request is retried. */
  take(answer: Answer, subject: DicomWebSubject): T;
}

export class DicomWebConnection {
  readonly #access: DicomWebAccess;
  readonly #agents: Readonly<Record<'plain' | 'home' | 'other', HttpAgent | HttpsAgent>>;
  readonly #limit: <T>(task: () => Promise<T>) => Promise<T>;
  readonly #attempts: number;
  readonly #timeoutMs: number;
  readonly #onRetry: (() => void) | undefined;
  #closed = false;

  /** @throws {ConfigError} for credentials that cannot be used. */
  constructor(options: DicomWebOptions = {}) {
    this.#access = dicomWebAccess(options);
    const requests = options.requests ?? DEFAULT_REQUESTS;
    this.#limit = pLimit(requests);
    this.#attempts = Math.max(1, options.attempts ?? DEFAULT_ATTEMPTS);
    this.#timeoutMs = options.timeoutMs ?? TIME_LIMITS_MS.dicomweb;
    this.#onRetry = options.onRetry;
    const sockets = { keepAlive: true, maxFreeSockets: requests };
    this.#agents = {
      plain: new HttpAgent(sockets),
      home: new HttpsAgent({ ...sockets, ...this.#access.tls(true) }),
      // Without the client certificate, which other servers must not see.
      other: new HttpsAgent({ ...sockets, ...this.#access.tls(false) }),
    };
  }

  /**
   * Gets a resource, and retries after transient errors while attempts are left.
   *
   * @throws {ObjectNotFoundError} if there is none, {@link StoreUnavailableError} after the last attempt, a permanent
   *   error (`OBJECT_ACCESS_DENIED`, `STORE_REQUEST_REFUSED`, `CONFIG_INVALID`) at once.
   */
  async get<T>(url: URL, request: DicomWebRequest<T>): Promise<T> {
    const subject = { origin: url.origin, name: request.name, accessHint: this.#access.hint(url) };
    for (let attempt = 1; ; attempt++) {
      let retryAfterMs = 0;
      try {
        return await this.#limit(async () => {
          const { answer, retryAfter } = await this.#follow(url, request, subject);
          retryAfterMs = retryAfterOf(retryAfter);
          const good = (answer.status >= 200 && answer.status < 300) || request.also?.includes(answer.status);
          if (!good) throw statusFault(answer.status, subject);
          return request.take(answer, subject);
        });
      } catch (error) {
        const fault = networkFault(error, subject);
        if (!(fault instanceof StoreUnavailableError) || attempt >= this.#attempts || this.#closed) throw fault;
      }
      this.#onRetry?.();
      // Full jitter, added to `Retry-After`, so that workers that failed together do not retry together.
      await delay(retryAfterMs + Math.random() * Math.min(FIRST_BACKOFF_MS * 2 ** attempt, LONGEST_BACKOFF_MS));
    }
  }

  close(): void {
    this.#closed = true;
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  /** Follows redirects within the server. A redirect to elsewhere is returned as the answer. */
  async #follow(
    url: URL,
    request: DicomWebRequest<unknown>,
    subject: DicomWebSubject,
  ): Promise<{ answer: Answer; retryAfter: string | undefined }> {
    let target = url;
    for (let redirects = 0; ; redirects++) {
      const { message, body } = await this.#once(target, request, subject);
      const { location } = message.headers;
      const status = message.statusCode ?? 0;
      const next = status >= 300 && status < 400 && location ? redirectTarget(location, target) : undefined;
      if (next?.origin === url.origin && redirects < MOST_REDIRECTS) {
        target = next;
        continue;
      }
      const { 'content-type': contentType, 'retry-after': retryAfter } = message.headers;
      const warning = message.headers.warning;
      return { answer: { status, contentType, warning, body }, retryAfter };
    }
  }

  #once(
    url: URL,
    { accept, compressed }: DicomWebRequest<unknown>,
    subject: DicomWebSubject,
  ): Promise<{ message: IncomingMessage; body: Buffer }> {
    const authorization = this.#access.authorization(url);
    const secure = url.protocol === 'https:';
    const agent = this.#agents[secure ? (this.#access.isHome(url) ? 'home' : 'other') : 'plain'];
    return new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(url, {
        agent,
        timeout: this.#timeoutMs,
        headers: {
          accept,
          'accept-encoding': compressed ? 'gzip' : 'identity',
          ...(authorization !== undefined && { authorization }),
        },
      });
      let silence: SpinelineError | undefined;
      request.on('timeout', () => {
        silence = brokenAnswer(subject, `${this.#timeoutMs} ms of silence`);
        request.destroy(silence);
      });
      request.on('error', (error) => reject(silence ?? error));
      request.on('response', (message) => {
        wholeBody(message, subject).then(
          (body) => resolve({ message, body }),
          (error) => reject(silence ?? error),
        );
      });
      request.end();
    });
  }
}

/** The whole body, decompressed. Node reports a body shorter than `Content-Length` or its chunks. */
async function wholeBody(message: IncomingMessage, subject: DicomWebSubject): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > LARGEST_BODY) throw tooLarge(subject);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof SpinelineError) throw error;
    const promised = message.headers['content-length'];
    throw brokenAnswer(
      subject,
      `${size} bytes`,
      promised === undefined ? 'an answer with an end' : `${promised} bytes`,
    );
  }
  const body = Buffer.concat(chunks, size);
  const decode = DECODERS[message.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'];
  if (!decode) throw brokenAnswer(subject, 'an answer in an encoding that was not asked for', 'gzip or none');
  try {
    return await decode(body);
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(subject);
    throw brokenAnswer(subject, 'an answer that cannot be decompressed');
  }
}

const LIMITED = { maxOutputLength: LARGEST_BODY };
const DECODERS: Readonly<Record<string, (body: Buffer) => Buffer | Promise<Buffer>>> = {
  identity: (body) => body,
  gzip: (body) => promisify<Buffer, typeof LIMITED, Buffer>(gunzip)(body, LIMITED),
  'x-gzip': (body) => promisify<Buffer, typeof LIMITED, Buffer>(gunzip)(body, LIMITED),
  deflate: (body) => promisify<Buffer, typeof LIMITED, Buffer>(inflate)(body, LIMITED),
  br: (body) => promisify<Buffer, typeof LIMITED, Buffer>(brotliDecompress)(body, LIMITED),
};

function tooLarge({ origin, name }: DicomWebSubject): SpinelineError {
  return new SpinelineError('STORE_REQUEST_REFUSED', 'permanent', `${origin} sends too much for ${name}`, {
    expected: `at most ${LARGEST_BODY / MIB} MiB`,
  });
}

function redirectTarget(location: string, from: URL): URL | undefined {
  if (!URL.canParse(location, from.href)) return undefined;
  const target = new URL(location, from);
  // Basic credentials in a URL would be sent by Node.
  return target.username || target.password ? undefined : target;
}

/** `Retry-After` (RFC 9110 10.2.3), seconds or a date, in ms; 0 without a usable one. */
function retryAfterOf(header: string | undefined): number {
  if (header === undefined) return 0;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * SECOND : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), LONGEST_RETRY_AFTER_MS) : 0;
}

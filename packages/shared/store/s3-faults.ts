/**
 * What a failed S3 request means: absent, refused, misconfigured, or worth trying again. Servers differ in the names they
 * give to errors (and HEAD answers have no body to hold one), so the HTTP status decides where a name does not.
 */

import { ConfigError, type ErrorContext, ObjectNotFoundError, SpinelineError, StoreUnavailableError } from '../domain/index.ts';

/** What the request was for. */
export interface S3Subject {
  /** The object as the caller knows it: a key, a location, or a prefix. */
  readonly name: string;
  readonly bucket: string;
  /** Without credentials, for messages. */
  readonly server: string;
}

/** The HTTP status of the answer that an S3 client error carries; `undefined` when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata as { httpStatusCode?: number } | undefined;
  return metadata?.httpStatusCode;
}

/** True for a server that does not know a header or operation, such as `If-None-Match` on PUT. */
export function isNotImplemented(error: unknown): boolean {
  return error instanceof Error && (error.name === 'NotImplemented' || statusOf(error) === 501);
}

/** Answers with a 4xx status that a second try can turn into a good one. */
const TRANSIENT_NAMES = new Set([
  'BadDigest',
  'ConditionalRequestConflict',
  'ExpiredToken',
  'IncompleteBody',
  'OperationAborted',
  'RequestTimeTooSkewed',
  'RequestTimeout',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'XAmzContentSHA256Mismatch',
]);
const REGION_NAMES = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);
/** Thrown before anything is sent, because the SDK's settings cannot be used. */
const SETTINGS_MESSAGES = [/^Region is missing/, /^Invalid URL/, /^Could not load credentials/, /^Could not resolve/];

/** The error to throw for a failed request; expected errors and mistakes of this program come back as they are. */
export function s3Fault(error: unknown, subject: S3Subject): unknown {
  if (error instanceof SpinelineError || !(error instanceof Error)) return error;
  const status = statusOf(error);
  const { name, bucket, server } = subject;
  const at = status === undefined ? systemReason(error) : `${error.name} (HTTP ${status})`;
  const config = (summary: string, context: ErrorContext) => new ConfigError(summary, context, { cause: error });

  if (error.name === 'NoSuchBucket') return noBucket(subject, error);
  if (error.name === 'NoSuchKey' || status === 404) return new ObjectNotFoundError(name, { cause: error });
  if (error.name === 'CredentialsProviderError' || SETTINGS_MESSAGES.some((text) => text.test(error.message))) {
    return config(`no request can be made to ${server}: ${error.message.split('\n', 1)[0]}`, {
      hint: 'set the endpoint, region, access key id and secret access key',
    });
  }
  if (REGION_NAMES.has(error.name) || status === 301 || status === 307) {
    return config(`the bucket ${bucket} is in another region`, { found: at, hint: "set the bucket's region" });
  }
  if (status === undefined ? isProgramMistake(error) : false) return error;
  if (status === undefined || status < 400 || status === 408 || status === 429 || TRANSIENT_NAMES.has(error.name)) {
    return unavailable(subject, at, error);
  }
  if (status >= 500 && status !== 501) return unavailable(subject, at, error);
  if (status === 401 || status === 403) {
    return new SpinelineError(
      'OBJECT_ACCESS_DENIED',
      'permanent',
      `${server} refuses access`,
      { file: name, found: at, hint: "check the access keys and the bucket's policy" },
      { cause: error },
    );
  }
  return new SpinelineError(
    'STORE_REQUEST_REFUSED',
    'permanent',
    `${server} refuses the request`,
    { file: name, found: at },
    { cause: error },
  );
}

/** The error for a bucket that is not there, with the way to make it. */
export function noBucket({ bucket, server }: S3Subject, cause: unknown): ConfigError {
  const endpoint = server === 'AWS S3' ? '' : ` --endpoint-url ${server}`;
  return new ConfigError(
    `there is no bucket ${bucket} at ${server}`,
    { hint: `make it: aws s3 mb s3://${bucket}${endpoint}` },
    { cause },
  );
}

function unavailable({ name, server }: S3Subject, found: string, cause: Error): StoreUnavailableError {
  return new StoreUnavailableError(`${server} failed on ${name}`, { found }, { cause });
}

/** The network's own code where there is one: the SDK calls a reset connection a timeout. */
function systemReason(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code ?? error.name;
}

function isProgramMistake(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}

/**
 * What a failed S3 request means: absent, refused, misconfigured, or worth a retry. Servers use different error names,
 * and answers to HEAD have no body and so no name. Where the name does not decide, the HTTP status does.
 */

import {
  ConfigError,
  type ErrorContext,
  ObjectNotFoundError,
  SpinelineError,
  StoreUnavailableError,
} from '../domain/index.ts';

/** What the request was about. */
export interface S3Subject {
  /** The object as the caller names it: a key, a location, or a prefix. */
  readonly name: string;
  readonly bucket: string;
  /** Without credentials, for messages. */
  readonly server: string;
}

/** The HTTP status in an error of the S3 client; `undefined` if there was no answer. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata as { httpStatusCode?: number } | undefined;
  return metadata?.httpStatusCode;
}

/** True if the server does not support a header or an operation, such as `If-None-Match` on PUT. */
export function isNotImplemented(error: unknown): boolean {
  return error instanceof Error && (error.name === 'NotImplemented' || statusOf(error) === 501);
}

/** Errors with a 4xx status for which a retry may succeed. */
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
/** Errors that the SDK throws before it sends anything, because its settings cannot be used. */
const SETTINGS_MESSAGES = [/^Region is missing/, /^Invalid URL/, /^Could not load credentials/, /^Could not resolve/];

/** The error to throw for a failed request. Returns expected errors and bugs of this program unchanged. */
export function s3Fault(error: unknown, subject: S3Subject): unknown {
  if (error instanceof SpinelineError || !(error instanceof Error)) return error;
  const status = statusOf(error);
  const { name, bucket, server } = subject;
  const at = status === undefined ? systemReason(error) : `${error.name} (HTTP ${status})`;
  const config = (summary: string, context: ErrorContext) => new ConfigError(summary, context, { cause: error });

  if (error.name === 'NoSuchBucket') return noBucket(subject, error);
  if (error.name === 'NoSuchKey' || status === 404) return new ObjectNotFoundError(name, { cause: error });
  if (error.name === 'CredentialsProviderError' || SETTINGS_MESSAGES.some((text) => text.test(error.message))) {
    return config(`cannot send a request to ${server}: ${error.message.split('\n', 1)[0]}`, {
      hint: 'set the endpoint, region, access key id and secret access key',
    });
  }
  if (REGION_NAMES.has(error.name) || status === 301 || status === 307) {
    return config(`the bucket ${bucket} is in another region`, { found: at, hint: 'set the region of the bucket' });
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
      { file: name, found: at, hint: 'check the access keys and the policy of the bucket' },
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

/** The error for a bucket that does not exist, with the command that makes it. */
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

/** The code of the network error if there is one, since the SDK calls even a reset connection a timeout. */
function systemReason(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code ?? error.name;
}

function isProgramMistake(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}

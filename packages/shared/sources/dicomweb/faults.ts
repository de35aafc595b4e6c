/**
 * Classifies failed DICOMweb requests: absent, refused, misconfigured, or transient. Messages name the server's origin,
 * and the requested object by digest. They contain no UID, path, query or text from the server.
 */

import {
  ConfigError,
  type ErrorContext,
  ObjectNotFoundError,
  SpinelineError,
  StoreUnavailableError,
} from '../../domain/index.ts';

/** What a request asked for, for messages. */
export interface DicomWebSubject {
  /** `https://host:port`. */
  readonly origin: string;
  /** Such as `instance 3f2a91c0`, `the search for studies`. */
  readonly name: string;
  /** What to do when access is refused. */
  readonly accessHint: string;
}

/** 4xx statuses that a retry can cure: timeout, too early, too many requests. */
const TRANSIENT_4XX = new Set([408, 425, 429]);

/** The error for an answer that is neither successful nor a redirect within the server. */
export function statusFault(status: number, subject: DicomWebSubject): SpinelineError {
  const { origin, name } = subject;
  const found = `HTTP ${status}`;
  if (status === 401 || status === 403 || status === 407) return accessDenied(subject, found);
  if (status === 404 || status === 410) return new ObjectNotFoundError(`${name} of ${origin}`);
  if (TRANSIENT_4XX.has(status) || (status >= 500 && status !== 501 && status !== 505)) {
    return unavailable(subject, found);
  }
  if (status >= 300 && status < 400) {
    return refused(subject, {
      expected: `an answer from ${origin} itself`,
      found: `${found}, a redirect to somewhere else`,
      hint: 'name the server by the address that it redirects to; redirects to other servers are not followed',
    });
  }
  const hint = status === 413 ? 'ask for fewer studies at once' : undefined;
  return refused(subject, { found: `${found} for ${name}`, hint });
}

/** The error for a request without a complete answer. Errors of this program are returned unchanged. */
export function networkFault(error: unknown, subject: DicomWebSubject): unknown {
  if (error instanceof SpinelineError || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === undefined && (error instanceof TypeError || error instanceof RangeError)) return error;
  const found = code ?? error.name;
  // OpenSSL's reason is in the code if the connection is open, and in the message while it opens (EPROTO).
  const words = `${found} ${error.message}`.toLowerCase().replaceAll('_', ' ');
  // Alerts with which a server refuses the client certificate, or asks for one.
  if (/alert .*(certificate|handshake failure|unknown ca|access denied)/.test(words)) {
    return accessDenied(subject, found, error);
  }
  if (code !== undefined && isTrustFault(code)) {
    return new ConfigError(
      `the certificate of ${subject.origin} cannot be trusted`,
      { found, hint: 'name the authority that signed it by SPINELINE_DICOMWEB_CA' },
      { cause: error },
    );
  }
  if (/wrong version number|packet length too long/.test(words)) {
    return new ConfigError(
      `${subject.origin} does not speak TLS`,
      { found, hint: 'check the port, or use dicomweb+http:// in a trusted network' },
      { cause: error },
    );
  }
  return unavailable(subject, found, error);
}

/** The error for an answer that ends too early or contradicts its headers. A retry may succeed. */
export function brokenAnswer({ origin, name }: DicomWebSubject, found: string, expected?: string): SpinelineError {
  return new StoreUnavailableError(`${origin} broke off while sending ${name}`, { expected, found });
}

/** The error for an answer of another kind than was asked for. */
export function unexpectedAnswer(subject: DicomWebSubject, expected: string, found: string): SpinelineError {
  const hint = found.includes('html') ? `a page for people, perhaps to log in; ${subject.accessHint}` : undefined;
  return refused(subject, { expected: `${expected} for ${subject.name}`, found, hint });
}

/** Whether a code is one of OpenSSL's reasons for not trusting a certificate, as Node gives them. */
function isTrustFault(code: string): boolean {
  return (
    /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_TLS_CERT_)/.test(code) ||
    ['INVALID_CA', 'INVALID_PURPOSE', 'HOSTNAME_MISMATCH', 'PATH_LENGTH_EXCEEDED'].includes(code)
  );
}

function accessDenied({ origin, name, accessHint }: DicomWebSubject, found: string, cause?: unknown): SpinelineError {
  const ofImage = name.startsWith('instance ');
  const summary = `${origin} refuses access${ofImage ? '' : ` to ${name}`}`;
  const context = { file: ofImage ? name : undefined, found, hint: accessHint };
  return new SpinelineError('OBJECT_ACCESS_DENIED', 'permanent', summary, context, { cause });
}

function refused({ origin }: DicomWebSubject, context: ErrorContext): SpinelineError {
  return new SpinelineError('STORE_REQUEST_REFUSED', 'permanent', `${origin} refuses the request`, context);
}

function unavailable({ origin, name }: DicomWebSubject, found: string, cause?: unknown): StoreUnavailableError {
  return new StoreUnavailableError(`${origin} failed on ${name}`, { found }, { cause });
}

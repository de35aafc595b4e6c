/**
 * Every error that spineline expects, with a stable code and a kind.
 *
 * The kind decides what the queue does: a `transient` error is retried with backoff, a `permanent` one fails the study
 * at once, and `poison` is a job whose worker died each time.
 */

import type { MissingViews } from './missing-views.ts';

export type ErrorKind = 'transient' | 'permanent' | 'poison';

/**
 * Where an error happened, what was expected and what was found. No patient data: only ids of the dataset and file
 * names.
 */
export interface ErrorContext {
  readonly study?: string | undefined;
  readonly series?: string | undefined;
  /** Name or location of the file, as the dataset gives it. */
  readonly file?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** What the reader can do about it. */
  readonly hint?: string | undefined;
  /** For a study with too few views: the content of the message as data. */
  readonly views?: MissingViews | undefined;
}

/** The base of all expected errors. The message is one line: where, what, expected, found, what to do. */
export class SpinelineError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  /** The message without its context. */
  readonly summary: string;
  readonly context: ErrorContext;

  constructor(
    code: string,
    kind: ErrorKind,
    summary: string,
    context: ErrorContext = {},
    options: { cause?: unknown } = {},
  ) {
    super(describe(summary, context), options);
    this.name = new.target.name;
    this.code = code;
    this.kind = kind;
    this.summary = summary;
    this.context = context;
  }
}

function describe(summary: string, context: ErrorContext): string {
  const where = [
    context.study && `study ${context.study}`,
    context.series && `series ${context.series}`,
    context.file && `file ${context.file}`,
  ].filter(Boolean);
  const parts = [where.length ? `${where.join(', ')}: ${summary}` : summary];
  if (context.expected) parts.push(`expected ${context.expected}`);
  if (context.found) parts.push(`found ${context.found}`);
  if (context.hint) parts.push(context.hint);
  return parts.join('; ');
}

/**
 * Thrown when a DICOM file cannot be read: not DICOM, truncated, contradictory, or in an unsupported transfer syntax.
 */
export class DicomError extends SpinelineError {
  constructor(code: DicomErrorCode, summary: string, context: ErrorContext = {}, options: { cause?: unknown } = {}) {
    super(code, 'permanent', summary, context, options);
  }
}
export type DicomErrorCode =
  | 'DICOM_NOT_DICOM'
  | 'DICOM_TRUNCATED'
  | 'DICOM_ATTRIBUTE_MISSING'
  | 'DICOM_ATTRIBUTE_INVALID'
  | 'DICOM_UNSUPPORTED'
  | 'DICOM_DECODE_FAILED';

/** Thrown when a manifest or a dataset folder is not valid. For a manifest the message has the line number. */
export class DatasetError extends SpinelineError {
  constructor(code: string, summary: string, context: ErrorContext = {}, options: { cause?: unknown } = {}) {
    super(code, 'permanent', summary, context, options);
  }
}

/** Thrown when a whole study cannot be scored, for example because none of its images can be read. */
export class StudyError extends SpinelineError {
  constructor(code: string, summary: string, context: ErrorContext = {}, options: { cause?: unknown } = {}) {
    super(code, 'permanent', summary, context, options);
  }
}

/** Thrown when a model bundle is missing or malformed, or when its bytes do not have the digests in its manifest. */
export class BundleError extends SpinelineError {
  constructor(code: string, summary: string, context: ErrorContext = {}, options: { cause?: unknown } = {}) {
    super(code, 'permanent', summary, context, options);
  }
}

/** Thrown when a stored object is absent. */
export class ObjectNotFoundError extends SpinelineError {
  readonly key: string;
  constructor(key: string, options: { cause?: unknown } = {}) {
    super('OBJECT_NOT_FOUND', 'permanent', `no object ${key} in the store`, {}, options);
    this.key = key;
  }
}

/** Thrown when a stored artefact does not have the digest in its provenance, or does not fit its schema. */
export class ArtefactDamagedError extends SpinelineError {
  readonly key: string;
  constructor(key: string, context: ErrorContext = {}, options: { cause?: unknown } = {}) {
    super('ARTEFACT_DAMAGED', 'permanent', `stored artefact ${key} is damaged`, context, options);
    this.key = key;
  }
}

/** Thrown when the object store did not answer, or answered that it has a fault. A retry may succeed. */
export class StoreUnavailableError extends SpinelineError {
  constructor(summary: string, context: ErrorContext = {}, options: { cause?: unknown } = {}) {
    super('STORE_UNAVAILABLE', 'transient', summary, context, options);
  }
}

/** Thrown when the configuration or a command's arguments cannot be used. */
export class ConfigError extends SpinelineError {
  constructor(summary: string, context: ErrorContext = {}, options: { cause?: unknown } = {}) {
    super('CONFIG_INVALID', 'permanent', summary, context, options);
  }
}

/** The kind of any thrown value: that of a SpinelineError, and `transient` for an unexpected error. */
export function kindOfError(error: unknown): ErrorKind {
  return error instanceof SpinelineError ? error.kind : 'transient';
}

/**
 * An error as plain data, for stored records and for messages between threads, which keep only the message of an Error.
 */
export interface ErrorRecord {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly summary: string;
  readonly context: ErrorContext;
}

/** Any thrown value as plain data. If it is not a SpinelineError, it becomes a transient error `UNEXPECTED`. */
export function recordOfError(error: unknown): ErrorRecord {
  if (error instanceof SpinelineError) {
    const { code, kind, summary, context } = error;
    return { code, kind, summary, context };
  }
  const summary = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: 'UNEXPECTED', kind: 'transient', summary, context: {} };
}

/** The error of a record, as the base class SpinelineError. */
export function errorOfRecord({ code, kind, summary, context }: ErrorRecord): SpinelineError {
  return new SpinelineError(code, kind, summary, context);
}

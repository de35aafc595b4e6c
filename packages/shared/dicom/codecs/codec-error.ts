/** What can go wrong in a codec. */

/** Thrown by a codec for a compressed frame that it cannot decode. `stored-values.ts` turns it into a DicomError. */
export class CodecError extends Error {
  readonly code: 'DICOM_DECODE_FAILED' | 'DICOM_TRUNCATED' | 'DICOM_ATTRIBUTE_INVALID' | 'DICOM_UNSUPPORTED';
  readonly expected: string | undefined;
  readonly found: string | undefined;

  constructor(
    code: CodecError['code'],
    message: string,
    details: { expected?: string; found?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'CodecError';
    this.code = code;
    this.expected = details.expected;
    this.found = details.found;
  }
}

/**
 * Thrown if the module of a codec cannot be loaded. It is not a DicomError, because it is not the fault of the file:
 * another try, or another machine, may succeed.
 */
export class CodecUnavailableError extends Error {
  constructor(cause: unknown) {
    super(`a codec cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'CodecUnavailableError';
  }
}

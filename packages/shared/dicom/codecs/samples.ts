/**
 * What every codec gives back: the bits of a frame's samples, not yet told apart into sign, value and garbage.
 */

/** Samples [rows * columns]; the low `precision` bits of each count, as two's complement where the image is signed. */
export interface Samples {
  readonly values: Uint8Array | Uint16Array | Uint32Array;
  readonly precision: number;
}

/** Rows and columns that the header promises. */
export interface FrameSize {
  readonly rows: number;
  readonly columns: number;
}

/** Thrown by a codec for a compressed frame that it cannot decode; `decodeFrame` makes a DicomError of it. */
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

/** Thrown where a codec's module cannot be loaded: no fault of the file, and worth trying again elsewhere. */
export class CodecUnavailableError extends Error {
  constructor(cause: unknown) {
    super(`a codec cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'CodecUnavailableError';
  }
}

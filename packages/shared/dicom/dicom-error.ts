/** Turns every failure to read a file into a `DicomError` that names the file, so that one bad file costs one file. */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import { CodecUnavailableError } from './codecs/codec-error.ts';

/**
 * The error to throw instead of `error`, which the reading of a file threw. `error` may be anything: JavaScript can
 * throw strings, too. A `CodecUnavailableError` stays what it is, because it is not the fault of the file.
 *
 * @param summary what could not be done, for the message of an unexpected error
 */
export function asDicomError(error: unknown, summary: string, context: ErrorContext): Error {
  if (error instanceof DicomError || error instanceof CodecUnavailableError) return error;
  const found = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new DicomError('DICOM_DECODE_FAILED', summary, { ...context, found: found.slice(0, 120) }, { cause: error });
}

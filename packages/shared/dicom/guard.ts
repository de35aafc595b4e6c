/**
 * What stands between one bad file and its study: whatever fails while a file is read becomes a DicomError that names
 * the file. Only a codec that cannot be loaded is let through, which is no fault of the file.
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import { CodecUnavailableError } from './codecs/samples.ts';

/** The error to throw in place of `error`, which reading a file threw: an Error, a string, or whatever else. */
export function asDicomError(error: unknown, summary: string, context: ErrorContext): Error {
  if (error instanceof DicomError || error instanceof CodecUnavailableError) return error;
  const found = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new DicomError('DICOM_DECODE_FAILED', summary, { ...context, found: found.slice(0, 120) }, { cause: error });
}

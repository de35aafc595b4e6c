import { openStored } from '../../dicom/stored-values.ts';
import type { ErrorContext } from '../../domain/index.ts';

/** The stored values of one frame, before rescaling: what pydicom calls the pixel array. int32 [rows * columns]. */
export async function storedValues(bytes: Uint8Array, frame = 0, context: ErrorContext = {}): Promise<Int32Array> {
  return (await openStored(bytes, context).stored(frame)).stored;
}

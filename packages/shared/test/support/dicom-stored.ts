import { openStored, type StoredImage } from '../../dicom/stored-values.ts';
import type { ErrorContext } from '../../domain/index.ts';

/** The stored values of one frame of an opened image. int32 [rows * columns]. */
export async function storedOf({ header, stored }: StoredImage, frame = 0): Promise<Int32Array> {
  const { samples, left, right } = await stored(frame);
  return Int32Array.from(samples, (sample) => (header.signed ? (sample << left) >> right : (sample << left) >>> right));
}

/** The stored values of one frame, before rescaling: what pydicom calls the pixel array. int32 [rows * columns]. */
export async function storedValues(bytes: Uint8Array, frame = 0, context: ErrorContext = {}): Promise<Int32Array> {
  return storedOf(openStored(bytes, context), frame);
}

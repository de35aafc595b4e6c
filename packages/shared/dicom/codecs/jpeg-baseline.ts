/** Baseline JPEG (ITU-T T.81, Process 1), by libjpeg-turbo compiled to WebAssembly. */

import libjpegTurbo from '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs';
import { CodecError } from './codec-error.ts';
import { readJpegHead } from './codestream.ts';
import { assertComplete, assertImage, assertPlausible } from './frame-checks.ts';
import type { FrameSize, Samples } from './samples.ts';
import { decodeChecked, wasmDecode } from './wasm-module.ts';

const decode = wasmDecode(libjpegTurbo, (module) => new module.JPEGDecoder());

/**
 * Decodes one baseline JPEG frame (Process 1): 8 bits, grey.
 *
 * @param bitsAllocated BitsAllocated of the header
 * @throws {CodecError} for a damaged or cut frame, or one that does not fit the header
 * @throws {CodecUnavailableError} if the codec cannot be loaded
 */
export async function decodeJpegBaseline(frame: Uint8Array, size: FrameSize, bitsAllocated: number): Promise<Samples> {
  const head = readJpegHead(frame);
  if (head?.startOfFrame !== 0xc0) {
    throw new CodecError('DICOM_DECODE_FAILED', 'the compressed frame is no baseline JPEG frame');
  }
  assertImage(head, size, bitsAllocated);
  // A block of 64 samples takes at least two bits.
  assertPlausible(size, frame.length * 256, frame.length);
  assertComplete(head);
  return decodeChecked(decode, frame, size, head.precision);
}

/** JPEG-LS (ITU-T T.87), by CharLS compiled to WebAssembly. */

import charls from '@cornerstonejs/codec-charls/decodewasmjs';
import { CodecError } from './codec-error.ts';
import { readJpegHead } from './codestream.ts';
import { assertComplete, assertImage } from './frame-checks.ts';
import type { FrameSize, Samples } from './samples.ts';
import { decodeChecked, wasmDecode } from './wasm-module.ts';

const decode = wasmDecode(charls, (module) => new module.JpegLSDecoder());

/**
 * Decodes one JPEG-LS frame, lossless or near-lossless.
 *
 * @param bitsAllocated BitsAllocated of the header
 * @returns samples of 8 or 16 bits, as wide as the codestream's own precision needs
 * @throws {CodecError} for a damaged or cut frame, or one that does not fit the header
 * @throws {CodecUnavailableError} if the codec cannot be loaded
 */
export async function decodeJpegLs(frame: Uint8Array, size: FrameSize, bitsAllocated: number): Promise<Samples> {
  const head = readJpegHead(frame);
  if (head?.startOfFrame !== 0xf7) {
    throw new CodecError('DICOM_DECODE_FAILED', 'the compressed frame is no JPEG-LS frame');
  }
  assertImage(head, size, bitsAllocated);
  // Without an end marker, CharLS 2.4 reads on past the end of its buffer, for 2^31 bits, which takes seconds.
  assertComplete(head);
  return decodeChecked(decode, frame, size, head.precision);
}

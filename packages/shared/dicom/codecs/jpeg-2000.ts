/** JPEG 2000 (ITU-T T.800), by OpenJPEG compiled to WebAssembly. */

import openjpeg from '@cornerstonejs/codec-openjpeg/decodewasmjs';
import { CodecError } from './codec-error.ts';
import { readJpeg2000Head, unwrapJpeg2000 } from './codestream.ts';
import { assertComplete, assertImage } from './frame-checks.ts';
import type { FrameSize, Samples } from './samples.ts';
import { decodeChecked, wasmDecode } from './wasm-module.ts';

const decode = wasmDecode(openjpeg, (module) => new module.J2KDecoder());

/**
 * Decodes one JPEG 2000 frame of up to 16 bits per sample, reversible or not.
 *
 * @param bitsAllocated BitsAllocated of the header
 * @returns samples of 8 or 16 bits, as wide as the codestream's own precision needs
 * @throws {CodecError} for a damaged or cut frame, or one that does not fit the header
 * @throws {CodecUnavailableError} if the codec cannot be loaded
 */
export async function decodeJpeg2000(frame: Uint8Array, size: FrameSize, bitsAllocated: number): Promise<Samples> {
  const codestream = unwrapJpeg2000(frame);
  const head = readJpeg2000Head(codestream);
  if (!head) {
    throw new CodecError('DICOM_DECODE_FAILED', 'the compressed frame is no JPEG 2000 codestream');
  }
  assertImage(head, size, bitsAllocated);
  if (!head.plainGrid) {
    throw new CodecError('DICOM_UNSUPPORTED', 'the JPEG 2000 image is offset or subsampled on its grid');
  }
  assertComplete(head);
  if (!head.signed) return decodeChecked(decode, codestream, size, head.precision);

  // The codec package clips signed samples of up to 8 bits to 0..255. The sign is only a level shift after decoding
  // (T.800 G.1): decoded as unsigned, samples are 2^(precision - 1) too high and none is clipped.
  const unsigned = Uint8Array.from(codestream);
  unsigned[head.ssizPosition]! &= 0x7f;
  const { values, precision } = await decodeChecked(decode, unsigned, size, head.precision);
  const shift = 2 ** (precision - 1);
  for (let i = 0; i < values.length; i++) values[i]! -= shift; // becomes two's complement by wrapping
  return { values, precision };
}

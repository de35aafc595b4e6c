/** Frames without compression: one block of samples after the other (PS3.5 section 8). */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import type { DicomHeader } from './header.ts';
import type { PixelData } from './pixel-data.ts';

/**
 * The samples of one native frame, unused bits included.
 *
 * @param header BitsAllocated must be 8, 16 or 32
 * @param frame from 0
 * @returns [rows * columns], row by row, unsigned, as wide as BitsAllocated; a view into the file where its byte order
 *   and its alignment allow that
 * @throws {DicomError} `DICOM_TRUNCATED` if the file does not have all bytes of the frame
 */
export function readNativeFrame(
  pixels: PixelData,
  header: DicomHeader,
  frame: number,
  context: ErrorContext,
): Uint8Array | Uint16Array | Uint32Array {
  const frameBytes = header.rows * header.columns * (header.bitsAllocated / 8);
  const start = frame * frameBytes;
  if (start + frameBytes > pixels.available) {
    throw new DicomError('DICOM_TRUNCATED', `the pixel data of frame ${frame} are not all there`, {
      ...context,
      expected: `${start + frameBytes} bytes`,
      found: `${pixels.available}`,
    });
  }
  const { byteArray, transferSyntax, element } = pixels;
  const { bigEndian } = transferSyntax;
  const count = header.rows * header.columns;
  const from = element.offset + start;
  if (header.bitsAllocated === 8) {
    if (!(bigEndian && element.vr === 'OW')) return byteArray.subarray(from, from + count);
    return swappedBytes(byteArray, element.offset, start, count, pixels.available);
  }
  const Words = header.bitsAllocated === 16 ? Uint16Array : Uint32Array;
  const bytes = byteArray.subarray(from, from + frameBytes);
  // onnxruntime-node runs on little-endian machines only.
  if (!bigEndian && bytes.byteOffset % Words.BYTES_PER_ELEMENT === 0) {
    return new Words(bytes.buffer as ArrayBuffer, bytes.byteOffset, count);
  }
  const copy = new Uint8Array(bytes);
  if (bigEndian) swapBytes(Buffer.from(copy.buffer), header.bitsAllocated);
  return new Words(copy.buffer);
}

function swapBytes(words: Buffer, bits: number): void {
  if (bits === 16) words.swap16();
  else words.swap32();
}

/**
 * 8-bit samples of a big-endian file that stores them as 16-bit words: of each two bytes, the second is the first
 * sample (PS3.5 8.1.1 and Annex D).
 */
function swappedBytes(bytes: Uint8Array, base: number, start: number, count: number, available: number): Uint8Array {
  const samples = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const place = (start + i) ^ 1;
    // With an odd number of bytes, the last sample has no neighbour to swap with.
    samples[i] = bytes[base + (place < available ? place : start + i)]!;
  }
  return samples;
}

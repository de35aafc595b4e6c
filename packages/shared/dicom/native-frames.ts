/** Frames without compression: one block of samples after the other (PS3.5 section 8). */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import type { DicomHeader } from './header.ts';
import type { PixelData } from './pixel-data.ts';

/**
 * The samples of one native frame, unused bits included.
 *
 * @param header BitsAllocated must be 8, 16 or 32
 * @param frame from 0
 * @returns [rows * columns], row by row, unsigned, as wide as BitsAllocated; 8-bit samples may be a view into the file
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
  const view = new DataView(byteArray.buffer, byteArray.byteOffset + from, frameBytes);
  if (header.bitsAllocated === 16) {
    const samples = new Uint16Array(count);
    for (let i = 0; i < count; i++) samples[i] = view.getUint16(2 * i, !bigEndian);
    return samples;
  }
  const samples = new Uint32Array(count);
  for (let i = 0; i < count; i++) samples[i] = view.getUint32(4 * i, !bigEndian);
  return samples;
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

/**
 * RLE Lossless (PS3.5 Annex G): one segment per byte of the samples, most significant byte first, each compressed with
 * PackBits.
 */

import { CodecError } from './codec-error.ts';
import type { FrameSize, Samples } from './samples.ts';

const HEADER_BYTES = 64;

/**
 * Decodes one RLE frame.
 *
 * @param bitsAllocated BitsAllocated of the header: 8, 16 or 32
 * @returns samples as wide as BitsAllocated, all bits kept
 * @throws {CodecError} if the segments do not fit the header, are damaged, or end before all samples are there
 */
export function decodeRle(frame: Uint8Array, size: FrameSize, bitsAllocated: number): Samples {
  const planes = bitsAllocated / 8;
  const count = size.rows * size.columns;
  const offsets = readSegmentOffsets(frame, planes);
  // Two bytes decode to 128 bytes at most. A larger claim is refused before memory is allocated for it.
  if (count > (frame.length - HEADER_BYTES) * 64) {
    throw new CodecError('DICOM_TRUNCATED', 'the RLE frame is too short for its rows and columns', {
      expected: `${count * planes} bytes decoded`,
      found: `${frame.length} bytes encoded`,
    });
  }
  const values = planes === 1 ? new Uint8Array(count) : planes === 2 ? new Uint16Array(count) : new Uint32Array(count);
  offsets.forEach((start, plane) => {
    const segment = frame.subarray(start, offsets[plane + 1] ?? frame.length);
    unpackInto(values, segment, 8 * (planes - 1 - plane));
  });
  return { values, precision: bitsAllocated };
}

/** Reads the header of the frame (PS3.5 G.5): where each segment begins. */
function readSegmentOffsets(frame: Uint8Array, planes: number): number[] {
  if (frame.length < HEADER_BYTES) throw new CodecError('DICOM_TRUNCATED', 'the RLE frame ends inside its header');
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const segments = view.getUint32(0, true);
  if (segments !== planes) {
    throw new CodecError('DICOM_ATTRIBUTE_INVALID', 'the RLE segments are not those of one sample per pixel', {
      expected: `${planes}`,
      found: `${segments}`,
    });
  }
  const offsets = Array.from({ length: planes }, (_, i) => view.getUint32(4 + 4 * i, true));
  offsets.forEach((offset, i) => {
    if (offset < (offsets[i - 1] ?? HEADER_BYTES)) {
      throw new CodecError('DICOM_DECODE_FAILED', 'the RLE segments overlap');
    }
    if (offset >= frame.length) throw new CodecError('DICOM_TRUNCATED', 'an RLE segment begins beyond the frame');
  });
  return offsets;
}

/** Decodes a segment (PS3.5 G.3.2): each byte goes into bits `shift` to `shift + 7` of one value. */
function unpackInto(values: Samples['values'], segment: Uint8Array, shift: number): void {
  let from = 0;
  let to = 0;
  while (to < values.length && from < segment.length) {
    const control = segment[from++]!;
    if (control === 128) continue; // no operation
    const literal = control < 128;
    const run = literal ? control + 1 : 257 - control;
    if (to + run > values.length) {
      throw new CodecError('DICOM_DECODE_FAILED', 'an RLE segment holds more than rows and columns');
    }
    if (from + (literal ? run : 1) > segment.length) break;
    if (literal) {
      for (let i = 0; i < run; i++) values[to + i]! |= segment[from + i]! << shift;
      from += run;
    } else {
      const bits = segment[from++]! << shift;
      for (let i = 0; i < run; i++) values[to + i]! |= bits;
    }
    to += run;
  }
  if (to < values.length) {
    throw new CodecError('DICOM_TRUNCATED', 'an RLE segment ends before rows and columns are filled', {
      expected: `${values.length}`,
      found: `${to}`,
    });
  }
}

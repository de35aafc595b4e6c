/**
 * RLE Lossless (PS3.5 Annex G): a frame's samples as byte planes, most significant first, each packed by PackBits.
 */

import { CodecError, type FrameSize, type Samples } from './samples.ts';

const HEADER_BYTES = 64;

/**
 * Decodes one RLE frame of samples of `bitsAllocated` bits (8, 16 or 32).
 *
 * @throws {CodecError} if the segments are not those of such a frame, or end before all samples are there.
 */
export function decodeRle(frame: Uint8Array, size: FrameSize, bitsAllocated: number): Samples {
  const planes = bitsAllocated / 8;
  const count = size.rows * size.columns;
  const offsets = readSegmentOffsets(frame, planes);
  // Two bytes give at most 128: a claim beyond that is refused before there is anything to hold it.
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

function readSegmentOffsets(frame: Uint8Array, planes: number): number[] {
  if (frame.length < HEADER_BYTES) throw new CodecError('DICOM_TRUNCATED', 'the RLE frame ends inside its header');
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const segments = view.getUint32(0, true);
  if (segments !== planes) {
    throw new CodecError('DICOM_ATTRIBUTE_INVALID', 'the RLE segments are not those of one sample a pixel', {
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

/** Unpacks a segment into the bits of every value from `shift` on (PS3.5 G.3.2). */
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

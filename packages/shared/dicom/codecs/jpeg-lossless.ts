/**
 * JPEG Lossless (Process 14, any selection value), by jpeg-lossless-decoder-js. The package reads on with zeros where
 * a stream ends early; here that is an error.
 */

import { Decoder } from 'jpeg-lossless-decoder-js';
import { readJpegHead } from '../codestream.ts';
import { CodecError, type FrameSize, type Samples } from './samples.ts';
import { assertComplete, assertImage, assertPlausible } from './wasm-codecs.ts';

/**
 * Decodes one JPEG Lossless frame.
 *
 * @throws {CodecError} for a damaged or cut frame, one that is not the header's, and for two things that the package
 *   gets wrong and no modality writes: a point transform, and restarts with a predictor that looks up a line.
 */
export function decodeJpegLossless(frame: Uint8Array, size: FrameSize, bitsAllocated: number): Samples {
  const head = readJpegHead(frame);
  if (head?.startOfFrame !== 0xc3) {
    throw new CodecError('DICOM_DECODE_FAILED', 'the compressed frame is no JPEG Lossless frame');
  }
  assertImage(head, size, bitsAllocated);
  // A sample takes one bit or more.
  assertPlausible(size, frame.length * 8, frame.length);
  assertComplete(head);
  if (head.pointTransform !== 0 || (head.restartInterval !== 0 && head.predictor !== 1)) {
    throw new CodecError('DICOM_UNSUPPORTED', 'JPEG Lossless with this use of point transform or restarts is not read');
  }

  const decoder = new FloorDecoder();
  let values: Uint8Array | Uint16Array | null;
  try {
    values = decoder.decode(frame.buffer as ArrayBuffer, frame.byteOffset, frame.length, head.precision > 8 ? 2 : 1);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : 'no reason given';
    throw new CodecError('DICOM_DECODE_FAILED', 'the codec cannot decode the frame', { found, cause });
  }
  const read = decoder.stream?.index ?? 0;
  if (values === null || decoder.yLoc < size.rows || read > frame.length) {
    throw new CodecError('DICOM_TRUNCATED', 'the JPEG Lossless frame ends before all rows are there', {
      expected: `${size.rows} rows`,
      found: `${Math.min(decoder.yLoc, size.rows)} and ${frame.length} bytes`,
    });
  }
  return { values, precision: head.precision };
}

/** Predictor 7 is the floor of a mean (T.81 Table H.1), which the package leaves a fraction. */
class FloorDecoder extends Decoder {
  override select7(component?: number): number {
    return (this.getPreviousX(component) + this.getPreviousY(component)) >> 1;
  }
}

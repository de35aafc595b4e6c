/** The one way to read a DICOM image: its header at once, its frames on demand. */

import type { ErrorContext } from '../domain/index.ts';
import type { DicomHeader } from './header.ts';
import {
  type Allocate,
  assertRescalable,
  type Frame,
  type FramePixels,
  framePixels,
  modalityValues,
} from './modality-values.ts';
import { openStored } from './stored-values.ts';

/** A DICOM image whose header has been read. */
export interface DicomImage {
  readonly header: DicomHeader;
  /**
   * Decodes one frame: after that its pixels can be had without error. Pixels without compression are only located, in no
   * time. Nothing is cached: asking again decodes again.
   *
   * @param index place of the frame in the pixel data, from 0, as in `header.frames`
   * @returns a function that gives the frame's pixels, [rows * columns], and says which are padding. Most are given as
   *   they are stored, as views of `bytes` if they are not compressed. For others it makes modality values, float32,
   *   and takes their memory from `allocate`; default: a new array.
   * @throws {DicomError} `DICOM_TRUNCATED`, `DICOM_DECODE_FAILED`; `DICOM_UNSUPPORTED`, also for a Modality LUT
   *   Sequence; `DICOM_ATTRIBUTE_MISSING` without pixel data; `DICOM_ATTRIBUTE_INVALID` if header and pixel data
   *   contradict each other, or there is no such frame
   * @throws {CodecUnavailableError} if a codec cannot be loaded, which is not the fault of the file
   */
  decode(index: number): Promise<(allocate?: Allocate) => FramePixels>;
  /** Decodes one frame and makes its modality values, float32 [rows * columns]. Parameters and errors as {@link decode}. */
  frame(index: number): Promise<Frame>;
}

/**
 * Opens a DICOM image: parses the file once and reads its header. Frames are decoded when they are asked for.
 *
 * What only prevents decoding, such as an unsupported compression or missing pixel data, is an error of `frame`.
 *
 * @param bytes the whole file. The image refers to them and reads its frames from them, so they must not change.
 * @param context study, series and file, for the messages of all errors
 * @throws {DicomError} and nothing else: `DICOM_NOT_DICOM`; `DICOM_TRUNCATED` if the file ends inside its header, or is
 *   too short for NumberOfFrames; `DICOM_ATTRIBUTE_MISSING` and `DICOM_ATTRIBUTE_INVALID`, naming the attribute;
 *   `DICOM_UNSUPPORTED` for a deflated data set that is too large; `DICOM_DECODE_FAILED` for a damaged deflate stream
 *   and for every unexpected failure
 */
export function openImage(bytes: Uint8Array, context: ErrorContext = {}): DicomImage {
  const { header, stored } = openStored(bytes, context);
  const frameOf = (index: number) => {
    assertRescalable(header, context);
    return stored(index);
  };
  return {
    header,
    decode: async (index) => {
      const frame = await frameOf(index);
      return (allocate = newArray) => framePixels(header, index, frame, allocate);
    },
    frame: async (index) => modalityValues(header, index, await frameOf(index), newArray),
  };
}

function newArray(length: number): Float32Array {
  return new Float32Array(length);
}

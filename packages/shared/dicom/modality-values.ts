/**
 * Modality values: what the pixels of a frame mean after rescaling. All images of the pipeline consist of them
 * (docs/pipeline.md, "Pixel values").
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import type { DicomHeader } from './header.ts';
import { findPadding, levelPadding } from './padding.ts';
import type { StoredFrame } from './stored-values.ts';

/** The pixels of one frame. */
export interface Frame {
  /** Modality values, float32 [rows * columns], row by row. */
  readonly values: Float32Array;
  /** 1 where the pixel is padding, 0 elsewhere [rows * columns]; `undefined` if no pixel is padding. */
  readonly padding: Uint8Array | undefined;
}

/**
 * Refuses an image that has a Modality LUT instead of rescale slope and intercept.
 *
 * @throws {DicomError} `DICOM_UNSUPPORTED`
 */
export function assertRescalable(header: DicomHeader, context: ErrorContext): void {
  if (!header.hasModalityLut) return;
  throw new DicomError('DICOM_UNSUPPORTED', 'a Modality LUT Sequence (0028,3000) is not read', context);
}

/**
 * The modality values of one frame: RescaleSlope * stored value + RescaleIntercept (PS3.3 C.11.1, per frame
 * C.7.6.16.2.9).
 *
 * MONOCHROME1 means that low values are shown bright (PS3.3 C.7.6.3.1.2). Such a frame is inverted before rescaling,
 * over the whole range of BitsStored and not over its own range: v becomes lowest + highest - v. So all slices of a
 * series are inverted alike.
 *
 * Padding gets the lowest value of the other pixels of the frame, or 0 if all pixels are padding.
 *
 * @param index place of the frame in `header.frames`
 */
export function modalityValues(header: DicomHeader, index: number, frame: StoredFrame): Frame {
  const { stored } = frame;
  const padding = findPadding(header, frame);
  const { rescaleSlope, rescaleIntercept } = header.frames[index]!;
  const inverted = header.photometricInterpretation === 'MONOCHROME1';
  const lowestAndHighest = header.signed ? -1 : 2 ** header.bitsStored - 1;
  const values = new Float32Array(stored.length);
  for (let i = 0; i < stored.length; i++) {
    const value = inverted ? lowestAndHighest - stored[i]! : stored[i]!;
    values[i] = rescaleSlope * value + rescaleIntercept;
  }
  if (padding !== undefined) levelPadding(values, padding);
  return { values, padding };
}

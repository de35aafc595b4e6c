/**
 * Modality values: what the pixels of a frame mean after rescaling. All images of the pipeline consist of them
 * (docs/pipeline.md, "Pixel values").
 */

import { DicomError, type ErrorContext, type PixelData } from '../domain/index.ts';
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

/** The pixels of one frame, whose values may still be as they are stored. */
export interface FramePixels {
  /** Modality values, or what makes them, of [rows * columns] pixels, row by row. */
  readonly data: PixelData;
  /** As in {@link Frame}. */
  readonly padding: Uint8Array | undefined;
}

/** Gives memory for so many values. Their content does not matter. */
export type Allocate = (length: number) => Float32Array;

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
 * The pixels of one frame: its samples as they are, if they have at most 16 bits and none is padding or inverted; else
 * its modality values.
 *
 * Parameters as in {@link modalityValues}, whose values these pixels have, bit by bit.
 */
export function framePixels(header: DicomHeader, index: number, frame: StoredFrame, allocate: Allocate): FramePixels {
  const { samples, left, right } = frame;
  const padding = findPadding(header, frame);
  if (padding || samples instanceof Uint32Array || header.photometricInterpretation === 'MONOCHROME1') {
    return { data: valuesOf(header, index, frame, padding, allocate), padding };
  }
  const { rescaleSlope: slope, rescaleIntercept: intercept } = header.frames[index]!;
  return { data: { samples, signed: header.signed, left, right, slope, intercept }, padding };
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
 * @param allocate gives the memory of the values
 */
export function modalityValues(header: DicomHeader, index: number, frame: StoredFrame, allocate: Allocate): Frame {
  const padding = findPadding(header, frame);
  return { values: valuesOf(header, index, frame, padding, allocate), padding };
}

/** As {@link modalityValues}; pixels that are padding get its value. */
function valuesOf(
  header: DicomHeader,
  index: number,
  frame: StoredFrame,
  padding: Uint8Array | undefined,
  allocate: Allocate,
): Float32Array {
  const { rescaleSlope: slope, rescaleIntercept: intercept } = header.frames[index]!;
  const values = allocate(frame.samples.length);
  const words = storedWords(header, frame);
  if (words) {
    // As fast as memory, unlike a loop.
    values.set(words);
    if (slope !== 1 || intercept !== 0) {
      for (let i = 0; i < values.length; i++) values[i] = slope * values[i]! + intercept;
    }
  } else {
    rescaleBits(header, frame, slope, intercept, values);
  }
  if (padding !== undefined) levelPadding(values, padding);
  return values;
}

/** The samples as an array of their stored values; `undefined` if they differ, or if float32 does not hold them. */
function storedWords(
  { signed, photometricInterpretation }: DicomHeader,
  { samples, left, right }: StoredFrame,
): Uint8Array | Int8Array | Uint16Array | Int16Array | undefined {
  if (samples instanceof Uint32Array || left !== right || photometricInterpretation === 'MONOCHROME1') return undefined;
  const bits = 32 - right;
  if (bits < 8 * samples.BYTES_PER_ELEMENT && !areExtended(samples, bits, signed)) return undefined;
  if (!signed) return samples;
  const Signed = samples instanceof Uint8Array ? Int8Array : Int16Array;
  return new Signed(samples.buffer as ArrayBuffer, samples.byteOffset, samples.length);
}

/** Whether all bits above the lowest `bits` of every sample are 0 or, if the image is signed, equal to its sign. */
function areExtended(samples: Uint8Array | Uint16Array, bits: number, signed: boolean): boolean {
  const mask = 2 ** (8 * samples.BYTES_PER_ELEMENT) - 2 ** bits;
  if (samples instanceof Uint8Array || samples.byteOffset % 4 !== 0) return (bitsIn(samples, signed) & mask) === 0;
  // Two at a time takes half the time.
  const pairs = new Int32Array(samples.buffer as ArrayBuffer, samples.byteOffset, samples.length >> 1);
  const rest = samples.subarray(2 * pairs.length);
  return ((bitsIn(pairs, signed) & (mask | (mask << 16))) | (bitsIn(rest, signed) & mask)) === 0;
}

/** The bits that are set in any of the words; if `signed`, those that differ from the next lower bit in any of them. */
function bitsIn(words: Int32Array | Uint16Array | Uint8Array, signed: boolean): number {
  let bits = 0;
  if (signed) for (let i = 0; i < words.length; i++) bits |= words[i]! ^ (words[i]! << 1);
  else for (let i = 0; i < words.length; i++) bits |= words[i]!;
  return bits;
}

/** Writes `slope * v + intercept` for the stored value v of every sample, inverted for MONOCHROME1. */
function rescaleBits(
  { signed, bitsStored, photometricInterpretation }: DicomHeader,
  { samples, left, right }: StoredFrame,
  slope: number,
  intercept: number,
  values: Float32Array,
): void {
  const inverted = photometricInterpretation === 'MONOCHROME1';
  const lowestAndHighest = signed ? -1 : 2 ** bitsStored - 1;
  for (let i = 0; i < samples.length; i++) {
    const stored = signed ? (samples[i]! << left) >> right : (samples[i]! << left) >>> right;
    values[i] = slope * (inverted ? lowestAndHighest - stored : stored) + intercept;
  }
}

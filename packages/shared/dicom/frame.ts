/**
 * From a file to the numbers of one frame: stored values, and modality values, which is what images are made of here.
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import { decodeJpegLossless } from './codecs/jpeg-lossless.ts';
import { decodeRle } from './codecs/rle.ts';
import { CodecError, type Samples } from './codecs/samples.ts';
import { decodeJpeg2000, decodeJpegBaseline, decodeJpegLs } from './codecs/wasm-codecs.ts';
import { readEncapsulatedFrame } from './encapsulated.ts';
import { asDicomError } from './guard.ts';
import type { DicomHeader } from './header.ts';
import { findPadding, levelPadding, type PaddingInput } from './padding.ts';
import { type PixelSource, pixelsOf, readNativeFrame } from './pixel-data.ts';
import { transferSyntaxOf } from './transfer-syntax.ts';

/** No MR slice is larger than 2048 x 2048; a frame beyond 8192 x 8192 is a claim that compression cannot be held to. */
const MOST_SAMPLES = 2 ** 26;

/** The modality values of a frame, and which of its pixels are no part of the image. */
export interface Frame {
  /** float32 [rows * columns] */
  readonly values: Float32Array;
  /** 1 where the pixel is padding [rows * columns]; `undefined` if none is. */
  readonly padding: Uint8Array | undefined;
}

/**
 * The stored values of one frame.
 *
 * BitsStored bits up to HighBit count, whatever is in the others, and are extended by their sign if
 * PixelRepresentation is signed (PS3.5 8.1.1). Where a codestream has fewer bits a sample than BitsStored, its own
 * count; its signedness yields to PixelRepresentation.
 *
 * @param bytes the file that `header` was read from
 * @param frame from 0
 * @returns int32 [rows * columns]
 * @throws {DicomError} `DICOM_TRUNCATED`, `DICOM_UNSUPPORTED`, `DICOM_ATTRIBUTE_MISSING` without pixel data,
 *   `DICOM_ATTRIBUTE_INVALID` where header and pixel data contradict each other or there is no such frame,
 *   `DICOM_DECODE_FAILED`. Anything else that is thrown is no fault of the file: a codec that cannot be loaded.
 */
export async function decodeFrame(
  bytes: Uint8Array,
  header: DicomHeader,
  frame: number,
  context: ErrorContext = {},
): Promise<Int32Array> {
  return (await decodeSamples(bytes, header, frame, context)).stored;
}

/**
 * The modality values of one frame: rescale slope * stored value + rescale intercept, brighter meaning more.
 *
 * MONOCHROME1 says that low values are shown bright. It is inverted before rescaling, over the whole range that
 * BitsStored can hold (v becomes lowest + highest - v), not over the frame's own, so that all slices of a series are
 * inverted alike.
 *
 * Padding (see `padding.ts`) gets the lowest value of the frame's other pixels, 0 if it has no others.
 *
 * @throws {DicomError} as `decodeFrame`; `DICOM_UNSUPPORTED` for an image with a Modality LUT Sequence
 */
export async function readFrame(
  bytes: Uint8Array,
  header: DicomHeader,
  frame: number,
  context: ErrorContext = {},
): Promise<Frame> {
  if (header.hasModalityLut) {
    throw new DicomError('DICOM_UNSUPPORTED', 'a Modality LUT Sequence (0028,3000) is not read', context);
  }
  const samples = await decodeSamples(bytes, header, frame, context);
  const { stored } = samples;
  const padding = findPadding(header, samples);
  const { rescaleSlope, rescaleIntercept } = header.frames[frame]!;
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

async function decodeSamples(
  bytes: Uint8Array,
  header: DicomHeader,
  frame: number,
  context: ErrorContext,
): Promise<PaddingInput> {
  try {
    return await decodeChecked(bytes, header, frame, context);
  } catch (error) {
    throw asDicomError(error, `frame ${frame} cannot be decoded`, context);
  }
}

async function decodeChecked(
  bytes: Uint8Array,
  header: DicomHeader,
  frame: number,
  context: ErrorContext,
): Promise<PaddingInput> {
  if (!Number.isInteger(frame) || frame < 0 || frame >= header.frames.length) {
    throw new DicomError('DICOM_ATTRIBUTE_INVALID', `there is no frame ${frame}`, {
      ...context,
      expected: `0 to ${header.frames.length - 1}`,
    });
  }
  const codec = assertReadable(header, context);
  const pixels = pixelsOf(bytes, context);
  if (pixels.element === undefined) {
    throw new DicomError('DICOM_ATTRIBUTE_MISSING', 'no pixel data (7FE0,0010)', context);
  }
  const wantsFragments = codec !== 'native';
  if (pixels.encapsulated !== wantsFragments) {
    throw new DicomError('DICOM_ATTRIBUTE_INVALID', 'transfer syntax and pixel data contradict each other', {
      ...context,
      expected: `${wantsFragments ? 'encapsulated' : 'native'} pixel data for ${header.transferSyntaxUid}`,
      found: pixels.encapsulated ? 'encapsulated' : 'native',
    });
  }
  // RLE keeps the whole allocated word, and so HighBit its meaning; a codestream's samples begin at bit 0.
  const shift = header.highBit + 1 - header.bitsStored;
  if (codec === 'native') {
    const words = readNativeFrame(pixels, header, frame, context);
    return { stored: storedValues(words, shift, header.bitsStored, header.signed, context), words };
  }
  if (header.rows * header.columns > MOST_SAMPLES) {
    throw new DicomError('DICOM_UNSUPPORTED', `a compressed frame of ${header.rows}x${header.columns}`, {
      ...context,
      expected: `at most ${MOST_SAMPLES} samples`,
    });
  }
  const { values, precision } = await decompress(pixels, header, frame, codec, context);
  if (codec === 'rle') {
    return { stored: storedValues(values, shift, header.bitsStored, header.signed, context), words: values };
  }
  const bits = Math.min(precision, header.bitsStored);
  return { stored: storedValues(values, 0, bits, header.signed, context), words: undefined };
}

/** Refuses what is not read at all, and says which codec is needed. */
function assertReadable(header: DicomHeader, context: ErrorContext) {
  const syntax = transferSyntaxOf(header.transferSyntaxUid);
  if (!syntax.codec) {
    throw new DicomError('DICOM_UNSUPPORTED', `transfer syntax ${syntax.uid} (${syntax.name}) is not read`, context);
  }
  if (header.samplesPerPixel !== 1) {
    const found = `${header.samplesPerPixel}`;
    throw new DicomError('DICOM_UNSUPPORTED', 'SamplesPerPixel (0028,0002)', { ...context, expected: '1', found });
  }
  if (!/^MONOCHROME[12]$/.test(header.photometricInterpretation)) {
    throw new DicomError('DICOM_UNSUPPORTED', 'PhotometricInterpretation (0028,0004)', {
      ...context,
      expected: 'MONOCHROME1 or MONOCHROME2',
      found: header.photometricInterpretation.slice(0, 16),
    });
  }
  if (![8, 16, 32].includes(header.bitsAllocated)) {
    throw new DicomError('DICOM_UNSUPPORTED', 'BitsAllocated (0028,0100)', {
      ...context,
      expected: '8, 16 or 32',
      found: `${header.bitsAllocated}`,
    });
  }
  return syntax.codec;
}

async function decompress(
  pixels: PixelSource,
  header: DicomHeader,
  frame: number,
  codec: 'rle' | 'jpeg-baseline' | 'jpeg-lossless' | 'jpeg-ls' | 'jpeg-2000',
  context: ErrorContext,
): Promise<Samples> {
  const compressed = readEncapsulatedFrame(pixels, header.frames.length, frame, codec, context);
  try {
    switch (codec) {
      case 'rle':
        return decodeRle(compressed, header, header.bitsAllocated);
      case 'jpeg-lossless':
        return decodeJpegLossless(compressed, header, header.bitsAllocated);
      case 'jpeg-baseline':
        return await decodeJpegBaseline(compressed, header, header.bitsAllocated);
      case 'jpeg-ls':
        return await decodeJpegLs(compressed, header, header.bitsAllocated);
      case 'jpeg-2000':
        return await decodeJpeg2000(compressed, header, header.bitsAllocated);
    }
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    const { code, message, expected, found } = error;
    throw new DicomError(code, `frame ${frame}: ${message}`, { ...context, expected, found }, { cause: error });
  }
}

/** The `bits` bits from `shift` on of every sample, as numbers. */
function storedValues(
  samples: Samples['values'],
  shift: number,
  bits: number,
  signed: boolean,
  context: ErrorContext,
): Int32Array {
  const stored = new Int32Array(samples.length);
  const left = 32 - bits - shift;
  const right = 32 - bits;
  if (signed) {
    for (let i = 0; i < samples.length; i++) stored[i] = (samples[i]! << left) >> right;
    return stored;
  }
  for (let i = 0; i < samples.length; i++) stored[i] = (samples[i]! << left) >>> right;
  // Only 32 stored bits reach beyond int32, where they have wrapped to below zero.
  if (bits === 32 && stored.some((value) => value < 0)) {
    throw new DicomError('DICOM_UNSUPPORTED', 'stored values beyond 2147483647', context);
  }
  return stored;
}

/**
 * The header of an image: what the file says about its pixels, with all attributes checked against each other. What
 * only prevents decoding (a compression that is not supported, missing pixel data) is not an error here.
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import type { AttributeValues } from './attribute-values.ts';
import { type Keyword, printTag, TAG } from './attributes.ts';
import type { DataSet } from './data-set.ts';
import { type FrameHeader, readFrameHeaders } from './frame-headers.ts';
import { factsOf, type InstanceFacts } from './instance-facts.ts';
import type { PixelData } from './pixel-data.ts';

/** What the header says about the image. */
export interface DicomHeader {
  readonly transferSyntaxUid: string;
  /** What the instance says about itself. UIDs and descriptions are never logged or stored. */
  readonly facts: InstanceFacts;
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  /** Whether samples are two's complement, by PixelRepresentation. */
  readonly signed: boolean;
  readonly samplesPerPixel: number;
  readonly photometricInterpretation: string;
  /** Whether a Modality LUT Sequence replaces rescale slope and intercept. Such an image cannot be decoded. */
  readonly hasModalityLut: boolean;
  /** The range of stored values that mark padding, both ends included; see `padding.ts`. */
  readonly padding?: readonly [lowest: number, highest: number] | undefined;
  /** In the order of the pixel data: one frame, or NumberOfFrames. */
  readonly frames: readonly FrameHeader[];
  /** What was repaired to read the header, one sentence each, such as `PixelSpacing "0,5\0,5" has decimal commas`. */
  readonly repaired: readonly string[];
}

/**
 * Reads the header of an image.
 *
 * @param pixels `undefined` if the data set has no pixel data
 * @throws {DicomError} `DICOM_ATTRIBUTE_MISSING` and `DICOM_ATTRIBUTE_INVALID`, naming the attribute; `DICOM_TRUNCATED`
 *   if the file is too short for NumberOfFrames
 */
export function readHeader(
  { attributes, transferSyntax }: DataSet,
  pixels: PixelData | undefined,
  context: ErrorContext,
): DicomHeader {
  const image = readImagePixel(attributes, context);
  const numberOfFrames = readNumberOfFrames(attributes, context);
  assertFramesPossible(numberOfFrames, image, pixels, context);

  const padding = readPadding(attributes, image.signed);
  const paddingIsEverything = padding !== undefined && coversAll(padding, image);
  return {
    transferSyntaxUid: transferSyntax.uid,
    facts: factsOf(attributes),
    ...image,
    hasModalityLut: attributes.elements.has(TAG.ModalityLUTSequence),
    padding: paddingIsEverything ? undefined : padding,
    frames: readFrameHeaders(attributes, numberOfFrames, context),
    repaired: [
      ...attributes.repairs(),
      ...(paddingIsEverything
        ? ['PixelPaddingValue to PixelPaddingRangeLimit is every value: no pixel would be tissue']
        : []),
    ],
  };
}

type ImagePixel = Pick<
  DicomHeader,
  | 'rows'
  | 'columns'
  | 'bitsAllocated'
  | 'bitsStored'
  | 'highBit'
  | 'signed'
  | 'samplesPerPixel'
  | 'photometricInterpretation'
>;

/** Reads the Image Pixel module (PS3.3 C.7.6.3) and checks its attributes against each other. */
function readImagePixel(from: AttributeValues, context: ErrorContext): ImagePixel {
  const rows = required(from, 'Rows', context);
  const columns = required(from, 'Columns', context);
  if (rows === 0 || columns === 0) throw invalid('Rows or Columns is 0', 'at least 1', `${rows}x${columns}`, context);

  const bitsAllocated = required(from, 'BitsAllocated', context);
  if (bitsAllocated === 0) throw invalid('BitsAllocated is 0', '8, 16 or 32', '0', context);
  const bitsStored = from.word('BitsStored') ?? bitsAllocated;
  if (bitsStored < 1 || bitsStored > bitsAllocated) {
    throw invalid('BitsStored does not fit BitsAllocated', `1 to ${bitsAllocated}`, `${bitsStored}`, context);
  }
  const highBit = from.word('HighBit') ?? bitsStored - 1;
  if (highBit < bitsStored - 1 || highBit >= bitsAllocated) {
    const range = `${bitsStored - 1} to ${bitsAllocated - 1}`;
    throw invalid('HighBit does not fit BitsStored and BitsAllocated', range, `${highBit}`, context);
  }
  // PixelRepresentation is never guessed: a wrong guess would silently turn -1 into 65535.
  const representation = required(from, 'PixelRepresentation', context);
  if (representation > 1) throw invalid('PixelRepresentation is neither', '0 or 1', `${representation}`, context);

  const photometricInterpretation = from.text('PhotometricInterpretation');
  if (photometricInterpretation === undefined) throw missing('PhotometricInterpretation', context);
  return {
    rows,
    columns,
    bitsAllocated,
    bitsStored,
    highBit,
    signed: representation === 1,
    samplesPerPixel: from.word('SamplesPerPixel') ?? 1,
    photometricInterpretation,
  };
}

function readNumberOfFrames(from: AttributeValues, context: ErrorContext): number {
  if (!from.has('NumberOfFrames')) return 1;
  const frames = from.integer('NumberOfFrames');
  if (frames !== undefined && frames >= 1) return frames;
  const found = `"${from.found('NumberOfFrames') ?? ''}"`;
  throw invalid('NumberOfFrames is not a number of frames', 'at least 1', found, context);
}

/** PixelPaddingValue and its range limit, the lower one first; signed as the pixels are (PS3.3 C.7.5.1.1.2). */
function readPadding(from: AttributeValues, signed: boolean): DicomHeader['padding'] {
  const value = from.word('PixelPaddingValue', signed);
  if (value === undefined) return undefined;
  const limit = from.word('PixelPaddingRangeLimit', signed) ?? value;
  return [Math.min(value, limit), Math.max(value, limit)];
}

/**
 * Whether a range covers every stored value. Such a range is a mistake and is ignored (docs/pipeline.md, "Padding").
 */
function coversAll([lowest, highest]: readonly [number, number], { signed, bitsStored }: ImagePixel): boolean {
  const low = signed ? -(2 ** (bitsStored - 1)) : 0;
  return lowest <= low && highest >= low + 2 ** bitsStored - 1;
}

/**
 * Checks NumberOfFrames against the size of the file, because memory is allocated for that many frame headers. A file
 * that was cut off passes as long as one whole frame may be there: decoding tells which frames are.
 */
function assertFramesPossible(
  frames: number,
  image: ImagePixel,
  pixels: PixelData | undefined,
  context: ErrorContext,
): void {
  if (frames === 1) return;
  // A compressed frame takes at least one item, which has a head of eight bytes.
  const frameBytes = pixels?.encapsulated ? 8 : Math.ceil((image.rows * image.columns * image.bitsAllocated) / 8);
  const available = pixels?.available ?? 0;
  const possible = Math.floor(available / frameBytes);
  if (possible >= 1 && frames <= available) return;
  throw new DicomError('DICOM_TRUNCATED', `the file cannot hold its NumberOfFrames ${frames}`, {
    ...context,
    expected: `${frames * frameBytes} bytes of pixel data`,
    found: `${available} bytes`,
  });
}

function required(from: AttributeValues, keyword: Keyword, context: ErrorContext): number {
  const value = from.word(keyword);
  if (value !== undefined) return value;
  if (!from.has(keyword)) throw missing(keyword, context);
  const summary = `${keyword} ${printTag(TAG[keyword])} is not one 16-bit number`;
  throw invalid(summary, 'two bytes', `"${from.found(keyword)}", ${from.bytesOf(keyword)?.length} bytes`, context);
}

function missing(keyword: Keyword, context: ErrorContext): DicomError {
  return new DicomError('DICOM_ATTRIBUTE_MISSING', `no ${keyword} ${printTag(TAG[keyword])}`, context);
}

function invalid(summary: string, expected: string, found: string, context: ErrorContext): DicomError {
  return new DicomError('DICOM_ATTRIBUTE_INVALID', summary, { ...context, expected, found });
}

/**
 * Reading a header: what a file says of its image, checked against itself, pixel data unread. Whatever stops the
 * pixels alone (a compression that is not read, missing pixel data) is left for decoding to say.
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import type { Attributes } from './attributes.ts';
import { readDataSet } from './data-set.ts';
import { type Keyword, printTag, TAG } from './dictionary.ts';
import { type FrameHeader, readFrames } from './frames.ts';
import { asDicomError } from './guard.ts';
import type { InstanceFacts } from './instance-facts.ts';
import { locatePixels, rememberPixels } from './pixel-data.ts';
import { factsOf } from './read-facts.ts';

/** What the header says, pixel data unread. */
export interface DicomHeader {
  readonly transferSyntaxUid: string;
  /** What the instance says of itself. UIDs and descriptions are never logged nor stored. */
  readonly facts: InstanceFacts;
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  /** PixelRepresentation is two's complement. */
  readonly signed: boolean;
  readonly samplesPerPixel: number;
  readonly photometricInterpretation: string;
  /** A Modality LUT Sequence stands in place of rescale slope and intercept; its pixels are not read. */
  readonly hasModalityLut: boolean;
  /** Stored values from the first to the second, both included, are no part of the image; see `padding.ts`. */
  readonly padding?: readonly [lowest: number, highest: number] | undefined;
  /** In the order of the pixel data: one, or NumberOfFrames. */
  readonly frames: readonly FrameHeader[];
  /** What was mended to read numbers, one sentence per repair, such as `PixelSpacing "0,5\0,5" has decimal commas`. */
  readonly repaired: readonly string[];
}

/**
 * Reads the header of a DICOM image.
 *
 * @throws {DicomError} and nothing else: `DICOM_NOT_DICOM`; `DICOM_TRUNCATED` if the file ends before its header does,
 *   or cannot hold the number of frames that it claims; `DICOM_ATTRIBUTE_MISSING`, `DICOM_ATTRIBUTE_INVALID` naming the
 *   attribute; `DICOM_DECODE_FAILED` for what nobody foresaw.
 */
export function readHeader(bytes: Uint8Array, context: ErrorContext = {}): DicomHeader {
  try {
    return readCheckedHeader(bytes, context);
  } catch (error) {
    throw asDicomError(error, 'the header cannot be read', context);
  }
}

function readCheckedHeader(bytes: Uint8Array, context: ErrorContext): DicomHeader {
  const dataSet = readDataSet(bytes, context);
  const { attributes } = dataSet;
  const image = readImagePixel(attributes, context);
  const numberOfFrames = readNumberOfFrames(attributes, context);
  const pixels = locatePixels(dataSet);
  assertFramesPossible(numberOfFrames, image, pixels.available, pixels.encapsulated, context);

  const padding = readPadding(attributes, image.signed);
  const paddingIsEverything = padding !== undefined && coversAll(padding, image);
  const header: DicomHeader = {
    transferSyntaxUid: dataSet.transferSyntax.uid,
    facts: factsOf(attributes),
    ...image,
    hasModalityLut: attributes.elements.has(TAG.ModalityLUTSequence),
    padding: paddingIsEverything ? undefined : padding,
    frames: readFrames(attributes, numberOfFrames, context),
    repaired: paddingIsEverything
      ? [
          ...attributes.repairs(),
          'PixelPaddingValue to PixelPaddingRangeLimit is every value: no pixel would be tissue',
        ]
      : attributes.repairs(),
  };
  rememberPixels(bytes, pixels);
  return header;
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

/** The Image Pixel module (PS3.3 C.7.6.3), with each attribute checked against the others. */
function readImagePixel(from: Attributes, context: ErrorContext): ImagePixel {
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
  // Guessing the sign would turn -1 into 65535 in silence.
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

function readNumberOfFrames(from: Attributes, context: ErrorContext): number {
  if (!from.has('NumberOfFrames')) return 1;
  const frames = from.integer('NumberOfFrames');
  if (frames !== undefined && frames >= 1) return frames;
  const found = `"${from.found('NumberOfFrames') ?? ''}"`;
  throw invalid('NumberOfFrames is not a number of frames', 'at least 1', found, context);
}

/** PixelPaddingValue and its range limit, whichever is lower first; signed as the pixels are (PS3.3 C.7.5.1.1.2). */
/** Whether a range leaves no stored value that could be tissue: it was never meant. */
function coversAll([lowest, highest]: readonly [number, number], { signed, bitsStored }: ImagePixel): boolean {
  const low = signed ? -(2 ** (bitsStored - 1)) : 0;
  return lowest <= low && highest >= low + 2 ** bitsStored - 1;
}

function readPadding(from: Attributes, signed: boolean): DicomHeader['padding'] {
  const value = from.word('PixelPaddingValue', signed);
  if (value === undefined) return undefined;
  const limit = from.word('PixelPaddingRangeLimit', signed) ?? value;
  return [Math.min(value, limit), Math.max(value, limit)];
}

/**
 * A frame list is allocated by what the file claims, so the claim is compared with the file first. A file that was cut
 * short keeps its header as long as some frame may be whole; decoding says which.
 */
function assertFramesPossible(
  frames: number,
  image: ImagePixel,
  available: number,
  encapsulated: boolean,
  context: ErrorContext,
): void {
  if (frames === 1) return;
  // An encapsulated frame takes an item, eight bytes before its first.
  const frameBytes = encapsulated ? 8 : Math.ceil((image.rows * image.columns * image.bitsAllocated) / 8);
  const possible = Math.floor(available / frameBytes);
  if (possible >= 1 && frames <= available) return;
  throw new DicomError('DICOM_TRUNCATED', `the file cannot hold its NumberOfFrames ${frames}`, {
    ...context,
    expected: `${frames * frameBytes} bytes of pixel data`,
    found: `${available} bytes`,
  });
}

function required(from: Attributes, keyword: Keyword, context: ErrorContext): number {
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

/**
 * Reading a header: what a file says of its image, checked against itself, pixel data unread. Whatever stops the
 * pixels alone (a compression that is not read, missing pixel data) is left for decoding to say.
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import {
  type Attributes,
  decimal,
  double,
  firstItem,
  has,
  integer,
  TAG,
  type Tag,
  text,
  texts,
  unsigned16,
} from './attributes.ts';
import { printTag, readDataSet } from './data-set.ts';
import { type FrameHeader, readFrames } from './frames.ts';
import { locatePixels, rememberPixels } from './pixel-data.ts';

/** What the header says, pixel data unread. Uids and the description are never logged nor stored. */
export interface DicomHeader {
  readonly transferSyntaxUid: string;
  readonly modality?: string | undefined;
  /** Only for `classifySeries`: free text, which may name a patient. */
  readonly seriesDescription?: string | undefined;
  readonly seriesInstanceUid?: string | undefined;
  readonly sopInstanceUid?: string | undefined;
  readonly instanceNumber?: number | undefined;
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
  readonly echoTimeMs?: number | undefined;
  readonly repetitionTimeMs?: number | undefined;
  readonly inversionTimeMs?: number | undefined;
  /** ImageType, such as ORIGINAL, PRIMARY, OTHER. */
  readonly imageType: readonly string[];
  /** ScanningSequence, such as SE, IR, GR, EP; from EchoPulseSequence for an enhanced image. */
  readonly scanningSequence: readonly string[];
  /** AcquisitionContrast of an enhanced image, such as T1, T2, STIR. */
  readonly acquisitionContrast?: string | undefined;
  /** In the order of the pixel data: one, or NumberOfFrames. */
  readonly frames: readonly FrameHeader[];
}

/**
 * Reads the header of a DICOM image.
 *
 * @throws {DicomError} `DICOM_NOT_DICOM`; `DICOM_TRUNCATED` if the file ends before its header does, or cannot hold
 *   the number of frames that it claims; `DICOM_ATTRIBUTE_MISSING`, `DICOM_ATTRIBUTE_INVALID` naming the attribute.
 */
export function readHeader(bytes: Uint8Array, context: ErrorContext = {}): DicomHeader {
  const dataSet = readDataSet(bytes, context);
  const image = readImagePixel(dataSet, context);
  const numberOfFrames = readNumberOfFrames(dataSet, context);
  const pixels = locatePixels(dataSet);
  assertFramesPossible(numberOfFrames, image, pixels.available, pixels.encapsulated, context);

  const header: DicomHeader = {
    transferSyntaxUid: dataSet.transferSyntax.uid,
    modality: text(dataSet, TAG.Modality),
    seriesDescription: text(dataSet, TAG.SeriesDescription),
    seriesInstanceUid: text(dataSet, TAG.SeriesInstanceUID),
    sopInstanceUid: text(dataSet, TAG.SOPInstanceUID),
    instanceNumber: integer(dataSet, TAG.InstanceNumber),
    ...image,
    hasModalityLut: dataSet.elements[TAG.ModalityLUTSequence] !== undefined,
    ...readContrast(dataSet),
    frames: readFrames(dataSet, numberOfFrames, context),
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
  const rows = required(from, TAG.Rows, 'Rows', context);
  const columns = required(from, TAG.Columns, 'Columns', context);
  if (rows === 0 || columns === 0) throw invalid('Rows or Columns is 0', 'at least 1', `${rows}x${columns}`, context);

  const bitsAllocated = required(from, TAG.BitsAllocated, 'BitsAllocated', context);
  if (bitsAllocated === 0) throw invalid('BitsAllocated is 0', '8, 16 or 32', '0', context);
  const bitsStored = unsigned16(from, TAG.BitsStored) ?? bitsAllocated;
  if (bitsStored < 1 || bitsStored > bitsAllocated) {
    throw invalid('BitsStored does not fit BitsAllocated', `1 to ${bitsAllocated}`, `${bitsStored}`, context);
  }
  const highBit = unsigned16(from, TAG.HighBit) ?? bitsStored - 1;
  if (highBit < bitsStored - 1 || highBit >= bitsAllocated) {
    const range = `${bitsStored - 1} to ${bitsAllocated - 1}`;
    throw invalid('HighBit does not fit BitsStored and BitsAllocated', range, `${highBit}`, context);
  }
  // Guessing the sign would turn -1 into 65535 in silence.
  const representation = required(from, TAG.PixelRepresentation, 'PixelRepresentation', context);
  if (representation > 1) throw invalid('PixelRepresentation is neither', '0 or 1', `${representation}`, context);

  const photometricInterpretation = text(from, TAG.PhotometricInterpretation);
  if (photometricInterpretation === undefined) {
    throw missing('PhotometricInterpretation', TAG.PhotometricInterpretation, context);
  }
  const samplesPerPixel = unsigned16(from, TAG.SamplesPerPixel) ?? 1;
  return {
    rows,
    columns,
    bitsAllocated,
    bitsStored,
    highBit,
    signed: representation === 1,
    samplesPerPixel,
    photometricInterpretation,
  };
}

function readNumberOfFrames(from: Attributes, context: ErrorContext): number {
  if (!has(from, TAG.NumberOfFrames)) return 1;
  const frames = integer(from, TAG.NumberOfFrames);
  if (frames !== undefined && frames >= 1) return frames;
  const found = text(from, TAG.NumberOfFrames) ?? 'nothing';
  throw invalid('NumberOfFrames is not a number of frames', 'at least 1', found.slice(0, 16), context);
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

/** What classification reads, from a plain MR image (PS3.3 C.8.3.1) or from an enhanced one (C.8.13). */
function readContrast(
  from: Attributes,
): Pick<
  DicomHeader,
  'echoTimeMs' | 'repetitionTimeMs' | 'inversionTimeMs' | 'imageType' | 'scanningSequence' | 'acquisitionContrast'
> {
  const groups = [
    firstItem(from, TAG.PerFrameFunctionalGroupsSequence),
    firstItem(from, TAG.SharedFunctionalGroupsSequence),
  ];
  const macro = (tag: Tag) => groups.map((group) => firstItem(group, tag)).find((item) => item !== undefined);
  const echo = macro(TAG.MREchoSequence);
  const timing = macro(TAG.MRTimingAndRelatedParametersSequence);
  const modifier = macro(TAG.MRModifierSequence);
  return {
    echoTimeMs: decimal(from, TAG.EchoTime) ?? (echo && double(echo, TAG.EffectiveEchoTime)),
    repetitionTimeMs: decimal(from, TAG.RepetitionTime) ?? (timing && decimal(timing, TAG.RepetitionTime)),
    inversionTimeMs: decimal(from, TAG.InversionTime) ?? (modifier && double(modifier, TAG.InversionTimes)),
    imageType: texts(from, TAG.ImageType) ?? [],
    scanningSequence: texts(from, TAG.ScanningSequence) ?? texts(from, TAG.EchoPulseSequence) ?? [],
    acquisitionContrast: text(from, TAG.AcquisitionContrast),
  };
}

function required(from: Attributes, tag: Tag, keyword: string, context: ErrorContext): number {
  const value = unsigned16(from, tag);
  if (value !== undefined) return value;
  if (has(from, tag)) throw invalid(`${keyword} ${printTag(tag)} is not one 16-bit number`, 'two bytes', '', context);
  throw missing(keyword, tag, context);
}

function missing(keyword: string, tag: Tag, context: ErrorContext): DicomError {
  return new DicomError('DICOM_ATTRIBUTE_MISSING', `no ${keyword} ${printTag(tag)}`, context);
}

function invalid(summary: string, expected: string, found: string, context: ErrorContext): DicomError {
  return new DicomError('DICOM_ATTRIBUTE_INVALID', summary, { ...context, expected, found });
}

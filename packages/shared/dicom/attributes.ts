/**
 * Values of attributes as numbers and text, and nothing but values: what is absent, empty or not a number of the right
 * length is `undefined`. Which absence is an error is for the reader of the header to say.
 */

import type { ByteArrayParser, Element } from 'dicom-parser';

/** What values are read from: the top level of a data set, or an item of a sequence. */
export interface Attributes {
  readonly elements: Readonly<Record<string, Element>>;
  readonly byteArray: Uint8Array;
  readonly byteArrayParser: ByteArrayParser;
}

/** Tags by keyword (PS3.6), as dicom-parser writes them. */
export const TAG = {
  ImageType: 'x00080008',
  SOPInstanceUID: 'x00080018',
  Modality: 'x00080060',
  SeriesDescription: 'x0008103e',
  AcquisitionContrast: 'x00089209',
  ScanningSequence: 'x00180020',
  RepetitionTime: 'x00180080',
  EchoTime: 'x00180081',
  InversionTime: 'x00180082',
  EchoPulseSequence: 'x00189008',
  InversionTimes: 'x00189079',
  EffectiveEchoTime: 'x00189082',
  MRTimingAndRelatedParametersSequence: 'x00189112',
  MREchoSequence: 'x00189114',
  MRModifierSequence: 'x00189115',
  SeriesInstanceUID: 'x0020000e',
  InstanceNumber: 'x00200013',
  ImagePositionPatient: 'x00200032',
  ImageOrientationPatient: 'x00200037',
  FrameOfReferenceUID: 'x00200052',
  InStackPositionNumber: 'x00209057',
  FrameContentSequence: 'x00209111',
  PlanePositionSequence: 'x00209113',
  PlaneOrientationSequence: 'x00209116',
  SamplesPerPixel: 'x00280002',
  PhotometricInterpretation: 'x00280004',
  NumberOfFrames: 'x00280008',
  Rows: 'x00280010',
  Columns: 'x00280011',
  PixelSpacing: 'x00280030',
  BitsAllocated: 'x00280100',
  BitsStored: 'x00280101',
  HighBit: 'x00280102',
  PixelRepresentation: 'x00280103',
  RescaleIntercept: 'x00281052',
  RescaleSlope: 'x00281053',
  ModalityLUTSequence: 'x00283000',
  PixelMeasuresSequence: 'x00289110',
  PixelValueTransformationSequence: 'x00289145',
  SharedFunctionalGroupsSequence: 'x52009229',
  PerFrameFunctionalGroupsSequence: 'x52009230',
  ExtendedOffsetTable: 'x7fe00001',
  ExtendedOffsetTableLengths: 'x7fe00002',
} as const;
export type Tag = (typeof TAG)[keyof typeof TAG];

const SEQUENCE_TAGS: ReadonlySet<string> = new Set([
  TAG.MRTimingAndRelatedParametersSequence,
  TAG.MREchoSequence,
  TAG.MRModifierSequence,
  TAG.FrameContentSequence,
  TAG.PlanePositionSequence,
  TAG.PlaneOrientationSequence,
  TAG.PixelMeasuresSequence,
  TAG.PixelValueTransformationSequence,
  TAG.SharedFunctionalGroupsSequence,
  TAG.PerFrameFunctionalGroupsSequence,
]);

/** Whether the inside of this sequence is read. */
export function isSequenceTag(tag: string): boolean {
  return SEQUENCE_TAGS.has(tag);
}

/** Unsigned 16-bit value (VR US). */
export function unsigned16(from: Attributes, tag: Tag): number | undefined {
  const element = elementOf(from, tag);
  return element?.length === 2 ? from.byteArrayParser.readUint16(from.byteArray, element.dataOffset) : undefined;
}

/** Unsigned 32-bit value (VR UL). */
export function unsigned32(from: Attributes, tag: Tag): number | undefined {
  const element = elementOf(from, tag);
  return element?.length === 4 ? from.byteArrayParser.readUint32(from.byteArray, element.dataOffset) : undefined;
}

/** The first 64-bit float (VR FD). */
export function double(from: Attributes, tag: Tag): number | undefined {
  const element = elementOf(from, tag);
  if (!element || element.length % 8 !== 0) return undefined;
  return finite(from.byteArrayParser.readDouble(from.byteArray, element.dataOffset));
}

/** Text without its padding (VR CS, LO, UI, ...): the values, which a backslash separates. */
export function texts(from: Attributes, tag: Tag): string[] | undefined {
  const element = elementOf(from, tag);
  if (!element) return undefined;
  const end = Math.min(element.dataOffset + element.length, element.dataOffset + LONGEST_TEXT, from.byteArray.length);
  const value = from.byteArray.subarray(element.dataOffset, end);
  const parts = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1').split('\\');
  return parts.map((part) => part.replace(/\0.*$/s, '').trim());
}

/** The first value of a text, `undefined` if it is empty. */
export function text(from: Attributes, tag: Tag): string | undefined {
  return texts(from, tag)?.[0] || undefined;
}

/** Decimal strings (VR DS): all of them, or `undefined` if one is no finite number. */
export function decimals(from: Attributes, tag: Tag): number[] | undefined {
  const parts = texts(from, tag);
  const numbers = parts?.map((part) => (part === '' ? Number.NaN : Number(part) + 0));
  return numbers?.every(Number.isFinite) ? numbers : undefined;
}

/** The first decimal string (VR DS). */
export function decimal(from: Attributes, tag: Tag): number | undefined {
  const part = text(from, tag);
  return part === undefined ? undefined : finite(Number(part));
}

/** The first integer string (VR IS). */
export function integer(from: Attributes, tag: Tag): number | undefined {
  const value = decimal(from, tag);
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

/** Whether the element is there with a value. */
export function has(from: Attributes, tag: Tag): boolean {
  return elementOf(from, tag) !== undefined;
}

/** The items of a sequence, none if it is absent. */
export function items(from: Attributes, tag: Tag): Attributes[] {
  return (from.elements[tag]?.items ?? []).flatMap((item) => (item.dataSet ? [item.dataSet] : []));
}

/** The first item of a sequence. */
export function firstItem(from: Attributes | undefined, tag: Tag): Attributes | undefined {
  return from?.elements[tag]?.items?.[0]?.dataSet;
}

/** No attribute that is read is longer; a longer one is hostile. */
const LONGEST_TEXT = 4096;

function elementOf(from: Attributes, tag: Tag): Element | undefined {
  const element = from.elements[tag];
  if (!element || element.length === 0) return undefined;
  return element.dataOffset + element.length <= from.byteArray.length ? element : undefined;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

/**
 * From the bytes of a file to its attributes: preamble, file meta information, transfer syntax, and the top level of
 * the data set up to, and not into, the pixel data (PS3.10 section 7, PS3.5 section 7).
 *
 * The top level is walked here, so that no length is believed before it is compared with the bytes that are there,
 * and so that 64-bit VRs (OV, SV, UV), which dicom-parser does not know, are stepped over. dicom-parser reads what is
 * inside the sequences that are wanted and finds the end of those of undefined length.
 */

import { inflateRawSync } from 'node:zlib';
import dicomParser, { type ByteArrayParser, type ByteStream, type Element } from 'dicom-parser';
import { DicomError, type ErrorContext } from '../domain/index.ts';
import { isSequenceTag } from './attributes.ts';
import {
  EXPLICIT_BIG_ENDIAN,
  EXPLICIT_LITTLE_ENDIAN,
  IMPLICIT_LITTLE_ENDIAN,
  type TransferSyntax,
  transferSyntaxOf,
} from './transfer-syntax.ts';

/** Where the pixel data element's value begins, and how long it says it is. */
export interface PixelDataElement {
  readonly vr: string | undefined;
  /** Byte position of the value in `DataSet.byteArray`. */
  readonly offset: number;
  /** Declared length in bytes; `undefined` for the undefined length of encapsulated pixel data. Not yet believed. */
  readonly length: number | undefined;
}

/** A data set without its pixel data. */
export interface DataSet {
  readonly transferSyntax: TransferSyntax;
  /** The file, or for a deflated one what it inflates to. */
  readonly byteArray: Uint8Array;
  readonly byteArrayParser: ByteArrayParser;
  /** By tag, written `xggggeeee`. */
  readonly elements: Readonly<Record<string, Element>>;
  readonly pixelData: PixelDataElement | undefined;
}

const UNDEFINED_LENGTH = 0xffffffff;
/** VRs whose length field is 32 bits after two reserved bytes (PS3.5 7.1.2). */
const LONG_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
/** A deflate stream grows at most 1032-fold; half a GiB is more than any series, and bounds what a bomb can take. */
const MAX_INFLATED_BYTES = 512 * 1024 * 1024;

/**
 * Reads a DICOM file, with or without preamble and file meta information, up to its pixel data.
 *
 * @throws {DicomError} `DICOM_NOT_DICOM`, `DICOM_TRUNCATED`, `DICOM_ATTRIBUTE_INVALID`, or `DICOM_DECODE_FAILED` for a
 *   deflate stream that is damaged.
 */
export function readDataSet(bytes: Uint8Array, context: ErrorContext = {}): DataSet {
  const start = startOfFile(bytes, context);
  const meta = start.hasMeta ? readFileMeta(bytes, start.position, context) : undefined;
  const position = meta?.end ?? start.position;
  const declared = meta?.transferSyntaxUid;

  const declaredSyntax = declared === undefined ? undefined : transferSyntaxOf(declared);
  const byteArray = declaredSyntax?.deflated ? inflate(bytes.subarray(position), context) : bytes;
  const from = declaredSyntax?.deflated ? 0 : position;
  if (from >= byteArray.length) {
    throw new DicomError('DICOM_TRUNCATED', 'the file ends before its data set', context);
  }
  const transferSyntax = settleSyntax(byteArray, from, declaredSyntax, context);
  const byteArrayParser = transferSyntax.bigEndian
    ? dicomParser.bigEndianByteArrayParser
    : dicomParser.littleEndianByteArrayParser;
  const { elements, pixelData } = readTopLevel(byteArray, from, transferSyntax, byteArrayParser, context);
  return { transferSyntax, byteArray, byteArrayParser, elements, pixelData };
}

/** Position of the first element, and whether file meta information (group 0002) comes first. */
function startOfFile(bytes: Uint8Array, context: ErrorContext): { position: number; hasMeta: boolean } {
  const hasPreamble = bytes.length >= 132 && asciiAt(bytes, 128, 4) === 'DICM';
  const position = hasPreamble ? 132 : 0;
  if (bytes.length < position + 8) {
    throw new DicomError('DICOM_NOT_DICOM', `a file of ${bytes.length} bytes is no DICOM file`, context);
  }
  const hasMeta = bytes[position] === 0x02 && bytes[position + 1] === 0x00 && looksExplicit(bytes, position);
  if (hasPreamble || hasMeta || sniffSyntax(bytes, position) !== undefined) return { position, hasMeta };
  throw new DicomError('DICOM_NOT_DICOM', 'neither a preamble nor a data set begins this file', {
    ...context,
    expected: '"DICM" at byte 128, or group 0002 or 0008 at byte 0',
  });
}

/** File meta information is explicit VR little endian whatever follows (PS3.10 7.1). */
function readFileMeta(
  bytes: Uint8Array,
  start: number,
  context: ErrorContext,
): { end: number; transferSyntaxUid: string | undefined } {
  const syntax = transferSyntaxOf(EXPLICIT_LITTLE_ENDIAN);
  let transferSyntaxUid: string | undefined;
  let position = start;
  // (0002,0000) is often wrong: the group's end is where another group begins.
  while (position + 8 <= bytes.length && bytes[position] === 0x02 && bytes[position + 1] === 0x00) {
    const element = readElementHead(bytes, position, syntax, dicomParser.littleEndianByteArrayParser, context);
    const end = endOfValue(element, bytes.length, context);
    if (element.tag === 'x00020010') {
      transferSyntaxUid = asciiAt(bytes, element.dataOffset, element.length).replace(/[\0 ]+$/, '') || undefined;
    }
    position = end;
  }
  return { end: position, transferSyntaxUid };
}

/**
 * The syntax that the data set is really written in. A declared uncompressed syntax that the first element contradicts
 * (explicit for implicit is a mistake of several writers) yields to what is there; so does a missing one.
 */
function settleSyntax(
  bytes: Uint8Array,
  position: number,
  declared: TransferSyntax | undefined,
  context: ErrorContext,
): TransferSyntax {
  const seen = sniffSyntax(bytes, position);
  if (declared === undefined) {
    if (seen !== undefined) return transferSyntaxOf(seen);
    throw new DicomError(
      'DICOM_ATTRIBUTE_MISSING',
      'no TransferSyntaxUID (0002,0010), and none could be told',
      context,
    );
  }
  if (declared.codec === 'native' && !declared.deflated && seen !== undefined && seen !== declared.uid) {
    return transferSyntaxOf(seen);
  }
  return declared;
}

/** What a data set that begins with group 0008 is written in, or `undefined` if it does not begin like one. */
function sniffSyntax(bytes: Uint8Array, position: number): string | undefined {
  const [first, second] = [bytes[position], bytes[position + 1]];
  if (first === 0x08 && second === 0x00) {
    if (looksExplicit(bytes, position)) return EXPLICIT_LITTLE_ENDIAN;
    const length = dicomParser.littleEndianByteArrayParser.readUint32(bytes, position + 4);
    const fits = length === UNDEFINED_LENGTH || position + 8 + length <= bytes.length;
    return fits ? IMPLICIT_LITTLE_ENDIAN : undefined;
  }
  if (first === 0x00 && second === 0x08 && looksExplicit(bytes, position)) return EXPLICIT_BIG_ENDIAN;
  return undefined;
}

/** Whether two capital letters, a VR, follow the tag at `position`. */
function looksExplicit(bytes: Uint8Array, position: number): boolean {
  return /^[A-Z]{2}$/.test(asciiAt(bytes, position + 4, 2));
}

function inflate(deflated: Uint8Array, context: ErrorContext): Uint8Array {
  try {
    return inflateRawSync(deflated, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'Z_BUF_ERROR') {
      throw new DicomError('DICOM_TRUNCATED', 'the deflated data set ends early', context, { cause });
    }
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      const summary = `the deflated data set inflates to more than ${MAX_INFLATED_BYTES} bytes`;
      throw new DicomError('DICOM_UNSUPPORTED', summary, context, { cause });
    }
    throw new DicomError('DICOM_DECODE_FAILED', 'the deflated data set is damaged', context, { cause });
  }
}

function readTopLevel(
  bytes: Uint8Array,
  start: number,
  syntax: TransferSyntax,
  parser: ByteArrayParser,
  context: ErrorContext,
): Pick<DataSet, 'elements' | 'pixelData'> {
  const elements: Record<string, Element> = Object.create(null);
  let position = start;
  // Fewer than eight bytes hold no element: padding to an even length.
  while (position + 8 <= bytes.length) {
    const head = readElementHead(bytes, position, syntax, parser, context);
    if (head.tag === 'x7fe00010') {
      const length = head.length === UNDEFINED_LENGTH ? undefined : head.length;
      return { elements, pixelData: { vr: head.vr, offset: head.dataOffset, length } };
    }
    if (head.tag > 'x7fe00010') break;
    if (head.length === UNDEFINED_LENGTH || isSequenceTag(head.tag)) {
      if (head.length !== UNDEFINED_LENGTH) endOfValue(head, bytes.length, context);
      const element = readNested(bytes, position, syntax, parser, context);
      elements[element.element.tag] = element.element;
      position = element.end;
    } else {
      elements[head.tag] = head;
      position = endOfValue(head, bytes.length, context);
    }
  }
  return { elements, pixelData: undefined };
}

/** Tag, VR and length of the element at `position`; the value is neither read nor believed to be there. */
function readElementHead(
  bytes: Uint8Array,
  position: number,
  syntax: TransferSyntax,
  parser: ByteArrayParser,
  context: ErrorContext,
): Element {
  const tag = `x${hex4(parser.readUint16(bytes, position))}${hex4(parser.readUint16(bytes, position + 2))}`;
  if (!syntax.explicitVr) {
    return { tag, length: parser.readUint32(bytes, position + 4), dataOffset: position + 8 };
  }
  if (!looksExplicit(bytes, position)) {
    throw new DicomError('DICOM_ATTRIBUTE_INVALID', `the element at byte ${position} has no VR`, context);
  }
  const vr = asciiAt(bytes, position + 4, 2);
  if (!LONG_VRS.has(vr)) {
    return { tag, vr, length: parser.readUint16(bytes, position + 6), dataOffset: position + 8 };
  }
  if (position + 12 > bytes.length) {
    throw new DicomError('DICOM_TRUNCATED', `the file ends inside element ${printTag(tag)}`, context);
  }
  return { tag, vr, length: parser.readUint32(bytes, position + 8), dataOffset: position + 12 };
}

/** The position after an element's value. */
function endOfValue(element: Element, size: number, context: ErrorContext): number {
  const end = element.dataOffset + element.length;
  if (end <= size) return end;
  throw new DicomError('DICOM_TRUNCATED', `element ${printTag(element.tag)} is longer than the file`, {
    ...context,
    expected: `${element.length} bytes`,
    found: `${size - element.dataOffset} bytes`,
  });
}

/** One element whose inside matters, read by dicom-parser, which throws strings. */
function readNested(
  bytes: Uint8Array,
  position: number,
  syntax: TransferSyntax,
  parser: ByteArrayParser,
  context: ErrorContext,
): { element: Element; end: number } {
  const tag = `${hex4(parser.readUint16(bytes, position))},${hex4(parser.readUint16(bytes, position + 2))}`;
  const stream = new dicomParser.ByteStream(parser, bytes, position);
  let element: Element;
  try {
    element = syntax.explicitVr
      ? dicomParser.readDicomElementExplicit(stream, stream.warnings)
      : dicomParser.readDicomElementImplicit(stream, undefined, (inner) => vrOfImplicit(inner, stream) as string);
  } catch (cause) {
    const code = /past end of buffer|buffer overread/.test(String(cause))
      ? 'DICOM_TRUNCATED'
      : 'DICOM_ATTRIBUTE_INVALID';
    throw new DicomError(code, `the sequence (${tag}) cannot be read`, context, { cause });
  }
  if (stream.position > bytes.length) {
    throw new DicomError('DICOM_TRUNCATED', `the file ends inside the sequence (${tag})`, context);
  }
  return { element, end: stream.position };
}

/**
 * Without a VR dicom-parser takes an element for a sequence if an item follows its head, which an empty last element
 * of an item looks like too. So it is told: what is wanted is a sequence, what has a length is stepped over.
 */
function vrOfImplicit(tag: string, stream: ByteStream): string | undefined {
  if (isSequenceTag(tag)) return 'SQ';
  const length = stream.byteArrayParser.readUint32(stream.byteArray, stream.position);
  return length === UNDEFINED_LENGTH ? undefined : 'UN';
}

function asciiAt(bytes: Uint8Array, position: number, length: number): string {
  const part = bytes.subarray(position, position + length);
  return Buffer.from(part.buffer, part.byteOffset, part.length).toString('latin1');
}

function hex4(value: number): string {
  return value.toString(16).padStart(4, '0');
}

/** `x00280010` as people write it: `(0028,0010)`. */
export function printTag(tag: string): string {
  return `(${tag.slice(1, 5)},${tag.slice(5)})`;
}

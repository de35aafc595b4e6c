/**
 * From the bytes of a file to its attributes: preamble, file meta information, transfer syntax, and the top level of
 * the data set up to, and not into, the pixel data (PS3.10 section 7, PS3.5 section 7).
 */

import { inflateRawSync } from 'node:zlib';
import { DicomError, type ErrorContext } from '../domain/index.ts';
import type { Attributes, Element } from './attributes.ts';
import { TAG } from './dictionary.ts';
import { type ByteSource, beginsImplicit, byteSource, type Encoding, hasVr, readHead, tagAt, UNDEFINED_LENGTH } from './element-head.ts';
import { readTopLevel, type Stop } from './elements.ts';
import { EXPLICIT_BIG_ENDIAN, EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN, type TransferSyntax, transferSyntaxOf } from './transfer-syntax.ts';

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
  readonly attributes: Attributes;
  readonly pixelData: PixelDataElement | undefined;
}

/** What is before the data set of a file. */
export interface FileStart {
  /** MediaStorageSOPClassUID (0002,0002). */
  readonly sopClassUid: string | undefined;
  readonly transferSyntax: TransferSyntax;
  /** The file, or what it inflates to, and where the data set begins in it. */
  readonly source: ByteSource;
  readonly position: number;
}

/** A deflate stream grows at most 1032-fold; half a GiB is more than any series, and bounds what a bomb can take. */
const MAX_INFLATED_BYTES = 512 * 1024 * 1024;

/**
 * Reads a DICOM file, with or without preamble and file meta information, up to its pixel data.
 *
 * @throws {DicomError} `DICOM_NOT_DICOM`, `DICOM_TRUNCATED`, `DICOM_ATTRIBUTE_INVALID`, or `DICOM_DECODE_FAILED` for a
 *   deflate stream that is damaged.
 */
export function readDataSet(bytes: Uint8Array, context: ErrorContext = {}): DataSet {
  const start = readFileStart(bytes, true, context);
  const { attributes, pixelData } = readElements(start, new Map());
  return {
    transferSyntax: start.transferSyntax,
    byteArray: start.source.bytes,
    attributes,
    pixelData: pixelData && {
      vr: pixelData.vr,
      offset: pixelData.offset,
      length: pixelData.length === UNDEFINED_LENGTH ? undefined : pixelData.length,
    },
  };
}

/** Reads the elements after the start of a file into `kept`; `stop` may end it before the pixel data. */
export function readElements(start: FileStart, kept: Map<number, Element>, stop?: Stop) {
  return readTopLevel(start.source, start.position, start.transferSyntax, kept, stop);
}

/** Whether these bytes begin as a DICOM file does: a preamble, or a data set that begins with group 0002 or 0008. */
export function looksLikeDicom(bytes: Uint8Array, whole: boolean): boolean {
  return findStart(byteSource(bytes, whole, {})) !== undefined;
}

/**
 * Reads what is before the data set, and tells how the data set is written.
 *
 * @param whole whether `bytes` are the whole file; a deflated one is inflated, which needs all of it
 */
export function readFileStart(bytes: Uint8Array, whole: boolean, context: ErrorContext): FileStart {
  const file = byteSource(bytes, whole, context);
  const start = findStart(file);
  if (start === undefined) {
    throw new DicomError('DICOM_NOT_DICOM', 'neither a preamble nor a data set begins this file', {
      ...context,
      expected: '"DICM" at byte 128, or group 0002 or 0008 at byte 0',
      found: `${bytes.length} bytes of something else`,
    });
  }
  const meta = readFileMeta(file, start);
  const declared = meta.transferSyntaxUid === undefined ? undefined : transferSyntaxOf(meta.transferSyntaxUid);
  if (declared?.deflated && !whole) {
    throw new DicomError('DICOM_TRUNCATED', 'a deflated data set is read as a whole', context);
  }
  const source = declared?.deflated ? byteSource(inflate(bytes.subarray(meta.end), context), true, context) : file;
  const position = declared?.deflated ? 0 : meta.end;
  if (position + 8 > source.bytes.length) {
    throw new DicomError('DICOM_TRUNCATED', 'the file ends before its data set', context);
  }
  return {
    sopClassUid: meta.sopClassUid,
    transferSyntax: settleSyntax(source, position, declared),
    source,
    position,
  };
}

/** Position of the first element, or `undefined` if this is no DICOM. */
function findStart(file: ByteSource): number | undefined {
  const { bytes } = file;
  if (bytes.length >= 132 && asciiAt(bytes, 128, 4) === 'DICM') return 132;
  if (bytes.length < 8) return undefined;
  if (inGroup2(bytes, 0)) return hasVr(file, 0) || beginsImplicitMeta(file) ? 0 : undefined;
  return (bytes[0] === 0x08 || bytes[1] === 0x08) && sniffEncoding(file, 0) !== undefined ? 0 : undefined;
}

/** Whether an element of group 0002 without VR begins the file: it is short, and one of group 0002 or 0008 follows. */
function beginsImplicitMeta({ bytes, view }: ByteSource): boolean {
  const next = 8 + view.getUint32(4, true);
  if (next > 1024 || next + 2 > bytes.length) return false;
  return inGroup2(bytes, next) || bytes[next]! + bytes[next + 1]! === 0x08;
}

/**
 * File meta information is explicit VR little endian whatever follows (PS3.10 7.1), and implicit by some writers.
 *
 * (0002,0000) is often wrong: the group's end is where another group begins.
 */
function readFileMeta(
  file: ByteSource,
  start: number,
): { end: number; sopClassUid: string | undefined; transferSyntaxUid: string | undefined } {
  const { bytes, context } = file;
  const end = bytes.length;
  const found = new Map<number, string>();
  let position = start;
  if (position + 8 <= end && inGroup2(bytes, position)) {
    const encoding: Encoding = { explicitVr: hasVr(file, position), bigEndian: false };
    while (position + 8 <= end && inGroup2(bytes, position)) {
      const head = readHead(file, position, end, encoding);
      position = head.offset + head.length;
      if (position > end) {
        throw new DicomError('DICOM_TRUNCATED', 'the file ends inside its file meta information', context);
      }
      if (head.length <= 64) found.set(head.tag, asciiAt(bytes, head.offset, head.length).replace(/[\0 ]+$/, ''));
    }
  }
  const sopClassUid = found.get(TAG.MediaStorageSOPClassUID) || undefined;
  return { end: position, sopClassUid, transferSyntaxUid: found.get(TAG.TransferSyntaxUID) || undefined };
}

function inGroup2(bytes: Uint8Array, position: number): boolean {
  return bytes[position] === 0x02 && bytes[position + 1] === 0x00;
}

/**
 * The syntax that the data set is really written in. A declared one that the first element contradicts (explicit for
 * implicit is a mistake of several writers) yields to what is there; so does a missing one.
 */
function settleSyntax(source: ByteSource, position: number, declared: TransferSyntax | undefined): TransferSyntax {
  const seen = sniffEncoding(source, position);
  if (seen === undefined) {
    if (declared !== undefined) return declared;
    const summary = 'no TransferSyntaxUID (0002,0010), and none could be told';
    throw new DicomError('DICOM_ATTRIBUTE_MISSING', summary, source.context);
  }
  const seenAs = transferSyntaxOf(
    !seen.explicitVr ? IMPLICIT_LITTLE_ENDIAN : seen.bigEndian ? EXPLICIT_BIG_ENDIAN : EXPLICIT_LITTLE_ENDIAN,
  );
  if (declared === undefined) return seenAs;
  if (declared.explicitVr === seen.explicitVr && declared.bigEndian === seen.bigEndian) return declared;
  // The compression of the pixel data is not in question.
  return declared.codec === 'native' && !declared.deflated ? seenAs : { ...declared, ...seen };
}

/** How a data set is written that begins with a group below 0100, or `undefined` if it does not begin like one. */
function sniffEncoding(source: ByteSource, position: number): Encoding | undefined {
  const [first, second] = [source.bytes[position]!, source.bytes[position + 1]!];
  const end = source.bytes.length;
  if ((first !== 0 && second !== 0) || position + 12 > end) return undefined;
  const bigEndian = first === 0;
  if (hasVr(source, position)) {
    const head = readHead(source, position, end, { explicitVr: true, bigEndian });
    const inside = head.offset + head.length <= end || head.length === UNDEFINED_LENGTH;
    if (inside || !source.whole) return { explicitVr: true, bigEndian };
  }
  if (!bigEndian && tagAt(source, position, false) >= 0x00040000 && beginsImplicit(source, position, end)) {
    return { explicitVr: false, bigEndian: false };
  }
  return undefined;
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

function asciiAt(bytes: Uint8Array, position: number, length: number): string {
  const part = bytes.subarray(position, position + length);
  return Buffer.from(part.buffer, part.byteOffset, part.length).toString('latin1');
}

/**
 * The start of a file: preamble, file meta information (PS3.10 section 7), and the transfer syntax that the data set is
 * really written in.
 */

import { inflateRawSync } from 'node:zlib';
import { DicomError, type ErrorContext } from '../domain/index.ts';
import { TAG } from './attributes.ts';
import { ByteSource, beginsImplicit, type Encoding, hasVr, readHead, tagAt, UNDEFINED_LENGTH } from './element-head.ts';
import {
  EXPLICIT_BIG_ENDIAN,
  EXPLICIT_LITTLE_ENDIAN,
  IMPLICIT_LITTLE_ENDIAN,
  type TransferSyntax,
  transferSyntaxOf,
} from './transfer-syntax.ts';

/** What comes before the data set of a file, and where the data set begins. */
export interface FileStart {
  /** MediaStorageSOPClassUID (0002,0002). */
  readonly sopClassUid: string | undefined;
  readonly transferSyntax: TransferSyntax;
  /** The file, or the inflated data set of a deflated file. */
  readonly source: ByteSource;
  /** Byte position of the data set in `source`. */
  readonly position: number;
}

/**
 * A small deflate stream can inflate to 1032 times its size. 512 MiB is more than any series needs, and limits the
 * memory that a hostile file can take.
 */
const MAX_INFLATED_BYTES = 512 * 1024 * 1024;

/** Whether bytes begin like a DICOM file: with a preamble, or with an element of group 0002 or 0008. */
export function looksLikeDicom(bytes: Uint8Array, whole: boolean): boolean {
  return findStart(new ByteSource(bytes, whole, {})) !== undefined;
}

/**
 * Reads preamble and file meta information, and finds out how the data set is written.
 *
 * @param bytes the file, or its first bytes
 * @param whole whether `bytes` are the whole file; a deflated file can only be read as a whole
 * @throws {DicomError} `DICOM_NOT_DICOM`, `DICOM_TRUNCATED`, `DICOM_ATTRIBUTE_INVALID`; `DICOM_ATTRIBUTE_MISSING` if
 *   the transfer syntax is neither given nor visible; for a deflated file also `DICOM_DECODE_FAILED` if its deflate
 *   stream is damaged, and `DICOM_UNSUPPORTED` if it inflates to more than 512 MiB
 */
export function readFileStart(bytes: Uint8Array, whole: boolean, context: ErrorContext): FileStart {
  const file = new ByteSource(bytes, whole, context);
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
  const source = declared?.deflated ? new ByteSource(inflate(bytes.subarray(meta.end), context), true, context) : file;
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

/** Byte position of the first element; `undefined` if this is not DICOM. */
function findStart(file: ByteSource): number | undefined {
  const { bytes } = file;
  if (bytes.length >= 132 && asciiAt(bytes, 128, 4) === 'DICM') return 132;
  if (bytes.length < 8) return undefined;
  if (inGroup2(bytes, 0)) return hasVr(file, 0) || beginsImplicitMeta(file) ? 0 : undefined;
  return (bytes[0] === 0x08 || bytes[1] === 0x08) && sniffEncoding(file, 0) !== undefined ? 0 : undefined;
}

/** Whether an element of group 0002 without VR begins the file: it is short, and group 0002 or 0008 follows it. */
function beginsImplicitMeta({ bytes, view }: ByteSource): boolean {
  const next = 8 + view.getUint32(4, true);
  if (next > 1024 || next + 2 > bytes.length) return false;
  const group = bytes[next]! + bytes[next + 1]!;
  return inGroup2(bytes, next) || group === 0x08;
}

/**
 * Reads the file meta information. By the standard it is always explicit VR little endian (PS3.10 7.1); some writers
 * use implicit VR.
 *
 * FileMetaInformationGroupLength (0002,0000) is often wrong and is ignored: the group ends where another one begins.
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
 * The transfer syntax that the data set is really written in. If the first element contradicts the declared syntax, or
 * none is declared, the element counts: several writers declare explicit VR and write implicit VR.
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
  // Only VR and byte order are corrected: the compression of the pixel data stays as declared.
  return declared.codec === 'native' && !declared.deflated ? seenAs : { ...declared, ...seen };
}

/** How a data set is written whose first group is below 0100; `undefined` if it does not begin like a data set. */
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

/**
 * Writes a DICOM Part 10 file from plain values: implicit and explicit little endian, explicit big endian, deflated and
 * encapsulated. The phantom uses it, and so do tests that need a file with a single fault.
 */

import { deflateRawSync } from 'node:zlib';
import { DICTIONARY, type Keyword, type ValueRepresentation } from './dicom-dictionary.ts';
import { isEncapsulated, TRANSFER_SYNTAXES, type TransferSyntax } from './transfer-syntaxes.ts';

/**
 * A value of any VR. Numbers for US, SS, UL, SL, FL, FD, and for DS and IS (written as decimal text); text otherwise,
 * with `\` between values or as an array; data sets for SQ; bytes for OB, OW, UN, where OW bytes are little-endian
 * words. AT is eight hexadecimal digits. An array of byte arrays is pixel data in encapsulated frames.
 */
export type DicomValue =
  | string
  | number
  | readonly string[]
  | readonly number[]
  | Uint8Array
  | readonly Uint8Array[]
  | readonly DicomDataset[];

/** An element that the dictionary does not know, such as a private one: `00291010:OB`. */
export type ElementKey = `${string}:${ValueRepresentation}`;

/** Attributes by keyword, other elements by tag and VR, in any order: the writer sorts by tag. */
export type DicomDataset = { readonly [keyword in Keyword]?: DicomValue | undefined } & {
  readonly [element: ElementKey]: DicomValue | undefined;
};

export interface WriteDicomOptions {
  /** Transfer syntax of the data set after the meta group. */
  readonly transferSyntax: TransferSyntax;
  /** `false` leaves out the 128 bytes and `DICM`, as in some old archives; the meta group stays. Default `true`. */
  readonly preamble?: boolean | undefined;
  /** UIDs for the meta group if the data set has no SOPClassUID and SOPInstanceUID, as in a DICOMDIR. */
  readonly meta?: { readonly sopClassUid: string; readonly sopInstanceUid: string } | undefined;
}

/** 2.25. and a fixed UUID as decimal. It identifies this writer. */
const IMPLEMENTATION_UID = '2.25.155301254361283954012388110957318904457';

/**
 * The bytes of a DICOM file.
 *
 * @param dataset attributes outside group 0002; the meta group is made from SOPClassUID and SOPInstanceUID, or from
 *   `options.meta`.
 * @throws {RangeError} if encapsulated pixels are given for a native transfer syntax, or the reverse.
 */
export function writeDicom(dataset: DicomDataset, options: WriteDicomOptions): Buffer {
  const { transferSyntax } = options;
  const pixels = dataset.PixelData;
  if (pixels !== undefined && Array.isArray(pixels) !== isEncapsulated(transferSyntax)) {
    throw new RangeError(`pixel data does not fit the transfer syntax ${transferSyntax}`);
  }
  const meta = writeMeta(dataset, options);
  let body = writeDataset(dataset, encodingOf(transferSyntax, dataset));
  if (transferSyntax === 'deflated') {
    // PS3.5 annex A.5: raw deflate (RFC 1951), padded to an even length.
    const packed = deflateRawSync(body);
    body = packed.length % 2 ? Buffer.concat([packed, Buffer.alloc(1)]) : packed;
  }
  const prefix = options.preamble === false ? [] : [Buffer.alloc(128), Buffer.from('DICM', 'latin1')];
  return Buffer.concat([...prefix, meta, body]);
}

interface Encoding {
  readonly explicit: boolean;
  readonly big: boolean;
  /** The VR that XS stands for. */
  readonly pixels?: 'US' | 'SS';
  /** Default Latin-1; UTF-8 if SpecificCharacterSet is ISO_IR 192. */
  readonly text?: 'utf8';
}

function encodingOf(syntax: TransferSyntax, dataset: DicomDataset): Encoding {
  return {
    explicit: syntax !== 'implicit_little',
    big: syntax === 'explicit_big',
    pixels: dataset.PixelRepresentation === 1 ? 'SS' : 'US',
    ...(dataset.SpecificCharacterSet === 'ISO_IR 192' && { text: 'utf8' }),
  };
}

/** The length in bytes of a data set without group 0002, or of a sequence item without its header. */
export function datasetLength(dataset: DicomDataset, transferSyntax: TransferSyntax): number {
  return writeDataset(dataset, encodingOf(transferSyntax, dataset)).length;
}

function writeMeta(dataset: DicomDataset, { transferSyntax, meta }: WriteDicomOptions): Buffer {
  const content = writeDataset(
    {
      FileMetaInformationVersion: Uint8Array.of(0, 1),
      MediaStorageSOPClassUID: meta?.sopClassUid ?? dataset.SOPClassUID,
      MediaStorageSOPInstanceUID: meta?.sopInstanceUid ?? dataset.SOPInstanceUID,
      TransferSyntaxUID: TRANSFER_SYNTAXES[transferSyntax],
      ImplementationClassUID: IMPLEMENTATION_UID,
      ImplementationVersionName: 'SPINELINE_PHANTOM',
    },
    { explicit: true, big: false },
  );
  const length = Buffer.alloc(12);
  length.writeUInt16LE(0x0002, 0);
  length.writeUInt16LE(0x0000, 2);
  length.write('UL', 4, 'latin1');
  length.writeUInt16LE(4, 6);
  length.writeUInt32LE(content.length, 8);
  return Buffer.concat([length, content]);
}

function writeDataset(dataset: DicomDataset, encoding: Encoding): Buffer {
  const elements = (Object.entries(dataset) as [Keyword | ElementKey, DicomValue | undefined][])
    .flatMap(([key, value]) => (value === undefined ? [] : [{ entry: elementOf(key), value }]))
    .sort((a, b) => (a.entry[0] < b.entry[0] ? -1 : 1));
  return Buffer.concat(elements.flatMap(({ entry, value }) => writeElement(entry[0], entry[1], value, encoding)));
}

/** The tag and VR that a key names. */
function elementOf(key: Keyword | ElementKey): readonly [tag: string, vr: ValueRepresentation] {
  if (!key.includes(':')) return DICTIONARY[key as Keyword];
  const [tag, vr] = key.split(':') as [string, ValueRepresentation];
  return [tag.toUpperCase(), vr];
}

function writeElement(tag: string, named: ValueRepresentation, value: DicomValue, encoding: Encoding): Buffer[] {
  const vr = named === 'XS' ? (encoding.pixels ?? 'US') : named;
  if (Array.isArray(value) && value[0] instanceof Uint8Array) {
    return encapsulate(tag, value as readonly Uint8Array[], encoding);
  }
  const bytes = vr === 'SQ' ? writeItems(value as readonly DicomDataset[], encoding) : valueBytes(vr, value, encoding);
  const header = elementHeader(tag, vr, bytes.length, encoding);
  return [header, bytes];
}

const LONG_FORM: ReadonlySet<ValueRepresentation> = new Set(['OB', 'OW', 'SQ', 'UN', 'UT'] as const);

/** Tag, VR and length: PS3.5 section 7.1.2 (explicit) and 7.1.3 (implicit). */
function elementHeader(tag: string, vr: ValueRepresentation, length: number, encoding: Encoding): Buffer {
  const long = encoding.explicit && LONG_FORM.has(vr);
  const header = Buffer.alloc(long ? 12 : 8);
  const tagBytes = tagOf(tag, encoding);
  tagBytes.copy(header, 0);
  if (!encoding.explicit) {
    header.writeUInt32LE(length, 4);
    return header;
  }
  header.write(vr, 4, 'latin1');
  if (long) writeUInt32(header, length, 8, encoding.big);
  else if (length > 0xffff) throw new RangeError(`element ${tag} of ${length} bytes is too long for VR ${vr}`);
  else if (encoding.big) header.writeUInt16BE(length, 6);
  else header.writeUInt16LE(length, 6);
  return header;
}

function tagOf(tag: string, encoding: Encoding): Buffer {
  const bytes = Buffer.from(tag, 'hex');
  return encoding.big ? bytes : Buffer.from([bytes[1]!, bytes[0]!, bytes[3]!, bytes[2]!]);
}

function writeUInt32(buffer: Buffer, value: number, offset: number, big: boolean): void {
  if (big) buffer.writeUInt32BE(value, offset);
  else buffer.writeUInt32LE(value, offset);
}

/** Sequence items with explicit lengths (PS3.5 section 7.5). */
function writeItems(items: readonly DicomDataset[], encoding: Encoding): Buffer {
  return Buffer.concat(
    items.flatMap((item) => {
      const content = writeDataset(item, encoding);
      return [itemHeader('FFFEE000', content.length, encoding), content];
    }),
  );
}

function itemHeader(tag: string, length: number, encoding: Encoding): Buffer {
  const header = Buffer.alloc(8);
  tagOf(tag, encoding).copy(header, 0);
  writeUInt32(header, length, 4, encoding.big);
  return header;
}

/** Fragments after a basic offset table, one fragment per frame (PS3.5 annex A.4). */
function encapsulate(tag: string, frames: readonly Uint8Array[], encoding: Encoding): Buffer[] {
  const even = frames.map((frame) => (frame.length % 2 ? Buffer.concat([frame, Buffer.alloc(1)]) : Buffer.from(frame)));
  const offsets = Buffer.alloc(4 * even.length);
  let offset = 0;
  even.forEach((frame, index) => {
    offsets.writeUInt32LE(offset, 4 * index);
    offset += 8 + frame.length;
  });
  return [
    elementHeader(tag, 'OB', 0xffffffff, encoding),
    itemHeader('FFFEE000', offsets.length, encoding),
    offsets,
    ...even.flatMap((frame) => [itemHeader('FFFEE000', frame.length, encoding), frame]),
    itemHeader('FFFEE0DD', 0, encoding),
  ];
}

function valueBytes(vr: ValueRepresentation, value: DicomValue, encoding: Encoding): Buffer {
  if (value instanceof Uint8Array) {
    const even = value.length % 2 ? Buffer.concat([value, Buffer.alloc(1)]) : Buffer.from(value);
    return vr === 'OW' && encoding.big ? even.swap16() : even;
  }
  const values = (Array.isArray(value) ? value : [value]) as readonly (string | number)[];
  if (vr === 'AT') return Buffer.concat(values.map((tag) => tagOf(String(tag), encoding)));
  const width = BINARY_WIDTHS[vr];
  if (width === undefined) {
    const text = values.map((one) => (vr === 'DS' && typeof one === 'number' ? decimalString(one) : one)).join('\\');
    const bytes = Buffer.from(text, encoding.text ?? 'latin1');
    return bytes.length % 2 ? Buffer.concat([bytes, Buffer.from(vr === 'UI' ? '\0' : ' ', 'latin1')]) : bytes;
  }
  const bytes = Buffer.alloc(width * values.length);
  values.forEach((one, index) => {
    writeBinary(bytes, vr, Number(one), index * width, encoding.big);
  });
  return bytes;
}

const BINARY_WIDTHS: Partial<Record<ValueRepresentation, number>> = { US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8 };

function writeBinary(bytes: Buffer, vr: ValueRepresentation, value: number, offset: number, big: boolean): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (vr === 'US') view.setUint16(offset, value, !big);
  else if (vr === 'SS') view.setInt16(offset, value, !big);
  else if (vr === 'UL') view.setUint32(offset, value, !big);
  else if (vr === 'SL') view.setInt32(offset, value, !big);
  else if (vr === 'FL') view.setFloat32(offset, value, !big);
  else view.setFloat64(offset, value, !big);
}

/** A DS value: decimal text of at most 16 characters (PS3.5 section 6.2). */
export function decimalString(value: number): string {
  const plain = String(value);
  if (plain.length <= 16 && !plain.includes('e')) return plain;
  const whole = Math.trunc(Math.abs(value)).toString().length + (value < 0 ? 1 : 0);
  return value.toFixed(Math.max(0, Math.min(12, 15 - whole)));
}

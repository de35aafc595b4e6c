/**
 * Builds small DICOM files for tests, element by element, so that a file can be wrong in exactly one way. Nothing is
 * checked, sorted or completed.
 */

export type DicomValue = string | number | readonly number[] | Uint8Array | readonly DicomElement[][];

/**
 * Tag as `ggggeeee`, VR, value. The value of a sequence is its items. With the VR `raw`, the value is a whole element
 * with its head, and the tag only says where it belongs.
 */
export type DicomElement = readonly [tag: string, vr: string, value: DicomValue];

export interface DicomFile {
  readonly syntax?: string;
  readonly preamble?: boolean;
  /** Whether there is file meta information; `implicit` writes it without VRs. */
  readonly meta?: boolean | 'implicit';
  /** Elements of group 0002 in addition to TransferSyntaxUID. */
  readonly metaElements?: readonly DicomElement[];
  readonly elements: readonly DicomElement[];
  /** Bytes after the last element. */
  readonly tail?: Uint8Array;
  /** Whether sequences and items have undefined length and delimiters. */
  readonly undefinedLengths?: boolean;
  /** Changes the encoded data set, for example deflates it. */
  readonly transform?: (dataSet: Uint8Array) => Uint8Array;
}

export const SYNTAX = {
  implicit: '1.2.840.10008.1.2',
  explicit: '1.2.840.10008.1.2.1',
  bigEndian: '1.2.840.10008.1.2.2',
  deflated: '1.2.840.10008.1.2.1.99',
  jpegBaseline: '1.2.840.10008.1.2.4.50',
  jpegExtended: '1.2.840.10008.1.2.4.51',
  jpegLossless: '1.2.840.10008.1.2.4.57',
  jpegLosslessFirst: '1.2.840.10008.1.2.4.70',
  jpegLs: '1.2.840.10008.1.2.4.80',
  jpegLsNear: '1.2.840.10008.1.2.4.81',
  jpeg2000Lossless: '1.2.840.10008.1.2.4.90',
  jpeg2000: '1.2.840.10008.1.2.4.91',
  rle: '1.2.840.10008.1.2.5',
} as const;

const LONG_VRS = /^(OB|OD|OF|OL|OV|OW|SQ|SV|UC|UN|UR|UT|UV)$/;

/** How elements are written. */
export interface Encoding {
  readonly explicit: boolean;
  readonly little: boolean;
  readonly undefinedLengths: boolean;
}

/** The bytes of a file. */
export function dicomFile(file: DicomFile): Uint8Array<ArrayBuffer> {
  const syntax = file.syntax ?? SYNTAX.explicit;
  const encoding: Encoding = {
    explicit: syntax !== SYNTAX.implicit,
    little: syntax !== SYNTAX.bigEndian,
    undefinedLengths: file.undefinedLengths ?? false,
  };
  const meta: DicomElement[] = [...(file.metaElements ?? []), ['00020010', 'UI', syntax]];
  const metaEncoding = { explicit: file.meta !== 'implicit', little: true, undefinedLengths: false };
  const dataSet = Buffer.concat([...file.elements.map((one) => encode(one, encoding)), file.tail ?? new Uint8Array(0)]);
  const whole = Buffer.concat([
    file.preamble === false ? Buffer.alloc(0) : Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]),
    file.meta === false ? Buffer.alloc(0) : Buffer.concat(meta.map((one) => encode(one, metaEncoding))),
    file.transform ? file.transform(dataSet) : dataSet,
  ]);
  return Uint8Array.from(whole);
}

/** Elements to replace, by tag; `undefined` removes an element. */
export type Overrides = Readonly<Record<string, readonly [vr: string, value: DicomValue] | undefined>>;

/** The elements of a 16-bit signed image of 3 x 2 (rows x columns) without pixel data, in the order of tags. */
export function imageElements(overrides: Overrides = {}): DicomElement[] {
  const plain: Record<string, readonly [string, DicomValue] | undefined> = {
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.4'],
    '00080060': ['CS', 'MR'],
    '00200013': ['IS', '7'],
    '00280002': ['US', 1],
    '00280004': ['CS', 'MONOCHROME2'],
    '00280010': ['US', 3],
    '00280011': ['US', 2],
    '00280100': ['US', 16],
    '00280101': ['US', 16],
    '00280102': ['US', 15],
    '00280103': ['US', 1],
    ...overrides,
  };
  return Object.entries(plain)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([tag, element]) => (element ? [[tag, ...element] as const] : []));
}

/** Encapsulated pixel data: offset table, fragments, and the delimiter unless `cut`. */
export function encapsulated(
  fragments: readonly Uint8Array[],
  options: { offsets?: readonly number[]; cut?: boolean } = {},
): Uint8Array {
  const table = uint32s(options.offsets ?? [], true);
  const items = [table, ...fragments].flatMap((value) => {
    const padded = pad(value, 0);
    return [itemHead(0xe000, padded.length, true), padded];
  });
  const head = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x42, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  return Buffer.concat([head, ...items, ...(options.cut ? [] : [itemHead(0xe0dd, 0, true)])]);
}

/** Values as 16-bit little-endian words, for native pixel data. */
export function words(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * values.length));
  values.forEach((value, i) => {
    view.setUint16(2 * i, value & 0xffff, true);
  });
  return new Uint8Array(view.buffer);
}

/** The bytes of elements, for `raw`. */
export function elementBytes(elements: readonly DicomElement[], encoding: Partial<Encoding> = {}): Uint8Array {
  const whole: Encoding = { explicit: true, little: true, undefinedLengths: false, ...encoding };
  return Buffer.concat(elements.map((one) => encode(one, whole)));
}

function encode([tag, vr, value]: DicomElement, encoding: Encoding): Buffer {
  if (vr === 'raw') return Buffer.from(value as Uint8Array);
  const { little } = encoding;
  const body = encodeValue(vr, value, encoding);
  const undefinedLength = vr === 'SQ' && encoding.undefinedLengths;
  const length = undefinedLength ? 0xffffffff : body.length;
  const group = uint16s([Number.parseInt(tag.slice(0, 4), 16), Number.parseInt(tag.slice(4), 16)], little);
  const size = encoding.explicit
    ? LONG_VRS.test(vr)
      ? Buffer.concat([Buffer.from(`${vr}\0\0`), uint32s([length], little)])
      : Buffer.concat([Buffer.from(vr), uint16s([length], little)])
    : uint32s([length], little);
  return Buffer.concat([group, size, body, undefinedLength ? itemHead(0xe0dd, 0, little) : Buffer.alloc(0)]);
}

function encodeValue(vr: string, value: DicomValue, encoding: Encoding): Buffer {
  if (typeof value === 'string') return pad(Buffer.from(value, 'latin1'), vr === 'UI' ? 0 : 0x20);
  if (value instanceof Uint8Array) return pad(value, 0);
  if (vr === 'SQ') {
    return Buffer.concat((value as readonly DicomElement[][]).map((item) => encodeItem(item, encoding)));
  }
  const numbers = typeof value === 'number' ? [value] : (value as readonly number[]);
  if (vr === 'FD') return doubles(numbers, encoding.little);
  return vr === 'UL' ? uint32s(numbers, encoding.little) : uint16s(numbers, encoding.little);
}

function encodeItem(elements: readonly DicomElement[], encoding: Encoding): Buffer {
  const body = Buffer.concat(elements.map((one) => encode(one, encoding)));
  if (!encoding.undefinedLengths) return Buffer.concat([itemHead(0xe000, body.length, encoding.little), body]);
  return Buffer.concat([itemHead(0xe000, 0xffffffff, encoding.little), body, itemHead(0xe00d, 0, encoding.little)]);
}

function itemHead(element: number, length: number, little: boolean): Buffer {
  return Buffer.concat([uint16s([0xfffe, element], little), uint32s([length], little)]);
}

function pad(value: Uint8Array, filler: number): Buffer {
  return value.length % 2 === 0 ? Buffer.from(value) : Buffer.concat([value, Buffer.from([filler])]);
}

function uint16s(values: readonly number[], little: boolean): Buffer {
  const view = new DataView(new ArrayBuffer(2 * values.length));
  values.forEach((value, i) => {
    view.setUint16(2 * i, value, little);
  });
  return Buffer.from(view.buffer);
}

function uint32s(values: readonly number[], little: boolean): Buffer {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => {
    view.setUint32(4 * i, value, little);
  });
  return Buffer.from(view.buffer);
}

function doubles(values: readonly number[], little: boolean): Buffer {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  values.forEach((value, i) => {
    view.setFloat64(8 * i, value, little);
  });
  return Buffer.from(view.buffer);
}

/**
 * Reads the head of one element: tag, VR, length, and where the value begins (PS3.5 7.1).
 *
 * Some explicit files have two other bytes where a VR belongs. Such a head is read in each of the three forms that
 * writers use by mistake, and the first form counts after which other elements follow.
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import { printTag } from './attributes.ts';

/** How elements are written. */
export interface Encoding {
  readonly explicitVr: boolean;
  readonly bigEndian: boolean;
}

/** The bytes that a data set is read from. */
export class ByteSource {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Whether these are all bytes of the file, so that an element that reaches beyond them is cut off. */
  readonly whole: boolean;
  readonly context: ErrorContext;
  #lastNonZero: number | undefined;

  constructor(bytes: Uint8Array, whole: boolean, context: ErrorContext) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.whole = whole;
    this.context = context;
  }

  /** Position of the last byte other than 0; -1 if there is none. Looked for once, because files may be large. */
  get lastNonZero(): number {
    if (this.#lastNonZero === undefined) {
      let last = this.bytes.length - 1;
      while (last >= 0 && this.bytes[last] === 0) last -= 1;
      this.#lastNonZero = last;
    }
    return this.#lastNonZero;
  }
}

/** The head of an element. */
export interface ElementHead {
  /** Group and element in one number. */
  readonly tag: number;
  /** `undefined` if none is written, or no known one. */
  readonly vr: string | undefined;
  /** Byte position of the value. */
  readonly offset: number;
  /** Declared length of the value in bytes, not checked, or `UNDEFINED_LENGTH`. */
  readonly length: number;
}

export const UNDEFINED_LENGTH = 0xffffffff;
export const ITEM = 0xfffee000;
export const ITEM_DELIMITATION = 0xfffee00d;
export const SEQUENCE_DELIMITATION = 0xfffee0dd;

const SHORT_VRS = 'AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' ');
/** VRs with two reserved bytes and a length of 32 bits (PS3.5 7.1.2). */
const LONG_VRS = 'OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' ');
const codeOf = (vr: string) => (vr.charCodeAt(0) << 8) | vr.charCodeAt(1);
const VRS: ReadonlyMap<number, { readonly vr: string; readonly long: boolean }> = new Map(
  [...SHORT_VRS, ...LONG_VRS].map((vr) => [codeOf(vr), { vr, long: LONG_VRS.includes(vr) }] as const),
);

/** The tag at `position`, group and element in one number. */
export function tagAt({ view }: ByteSource, position: number, bigEndian: boolean): number {
  return view.getUint16(position, !bigEndian) * 0x10000 + view.getUint16(position + 2, !bigEndian);
}

/** Whether a known VR follows the tag at `position`. */
export function hasVr({ bytes }: ByteSource, position: number): boolean {
  return VRS.has((bytes[position + 4]! << 8) | bytes[position + 5]!);
}

/**
 * Reads the head at `position`.
 *
 * @param end where the level ends that holds the element; at least eight bytes after `position`
 * @throws {DicomError} `DICOM_TRUNCATED` if the file ends inside the head; `DICOM_ATTRIBUTE_INVALID` for an element
 *   without a valid VR that no other element follows in any of the three forms
 */
export function readHead(source: ByteSource, position: number, end: number, encoding: Encoding): ElementHead {
  const { bytes, view } = source;
  const little = !encoding.bigEndian;
  const tag = tagAt(source, position, encoding.bigEndian);
  // Items and delimiters have no VR in any encoding (PS3.5 7.5).
  if (!encoding.explicitVr || tag >= 0xfffe0000) {
    return { tag, vr: undefined, offset: position + 8, length: view.getUint32(position + 4, little) };
  }
  const known = VRS.get((bytes[position + 4]! << 8) | bytes[position + 5]!);
  if (known === undefined) return readOddHead(source, position, end, tag, encoding);
  if (!known.long) {
    return { tag, vr: known.vr, offset: position + 8, length: view.getUint16(position + 6, little) };
  }
  if (position + 12 > end) {
    throw new DicomError('DICOM_TRUNCATED', `the file ends inside element ${printTag(tag)}`, source.context);
  }
  return { tag, vr: known.vr, offset: position + 12, length: view.getUint32(position + 8, little) };
}

/** Forms of a head: with a VR and 16 bits of length, with a VR and 32 bits, or without a VR and with 32 bits. */
type Form = 'short' | 'long' | 'implicit';

/** Reads a head without a valid VR: the first form counts after which other elements follow. */
function readOddHead(source: ByteSource, position: number, end: number, tag: number, encoding: Encoding): ElementHead {
  const [first, second] = [source.bytes[position + 4]!, source.bytes[position + 5]!];
  const letters = first >= 0x41 && first <= 0x5a && second >= 0x41 && second <= 0x5a;
  // VRs that a later edition of the standard adds have 32 bits of length (PS3.5 7.1.2, note).
  const forms: readonly Form[] = letters ? ['long', 'short', 'implicit'] : ['short', 'implicit', 'long'];
  let goesBeyond = false;
  for (const form of forms) {
    const head = headIn(form, source, position, end, encoding);
    if (head === undefined) continue;
    const found = leadsOn(source, head, end, form, encoding);
    if (found === true) return head;
    if (found === 'beyond') goesBeyond = true;
  }
  if (goesBeyond && !source.whole) {
    throw new DicomError('DICOM_TRUNCATED', `the bytes end inside element ${printTag(tag)}`, source.context);
  }
  throw new DicomError('DICOM_ATTRIBUTE_INVALID', `element ${printTag(tag)} has no VR, and none follows it`, {
    ...source.context,
    expected: 'a VR of two letters, or a length after which the next element begins',
    found: `neither at byte ${position + 4}`,
  });
}

/** The head in one form; `undefined` if the bytes do not allow that form. */
function headIn(
  form: Form,
  source: ByteSource,
  position: number,
  end: number,
  { bigEndian }: Encoding,
): ElementHead | undefined {
  const tag = tagAt(source, position, bigEndian);
  const { view } = source;
  if (form === 'short') {
    return { tag, vr: undefined, offset: position + 8, length: view.getUint16(position + 6, !bigEndian) };
  }
  if (form === 'implicit') {
    return { tag, vr: undefined, offset: position + 8, length: view.getUint32(position + 4, !bigEndian) };
  }
  if (position + 12 > end || view.getUint16(position + 6) !== 0) return undefined;
  return { tag, vr: undefined, offset: position + 12, length: view.getUint32(position + 8, !bigEndian) };
}

/** This many elements, each of which ends where the next one begins, are proof of the form. */
const CONVINCING_ROW = 32;

/**
 * Whether an element with a VR, the end of the level, or a row of elements of the same form follows a head.
 *
 * @returns `beyond` if the bytes end before that is known
 */
function leadsOn(
  source: ByteSource,
  head: ElementHead,
  end: number,
  form: Form,
  encoding: Encoding,
): boolean | 'beyond' {
  const endIsKnown = source.whole || end < source.bytes.length;
  let { tag, offset, length } = head;
  for (let step = 0; step < CONVINCING_ROW; step++) {
    if (length === UNDEFINED_LENGTH) {
      if (offset + 8 > end) return 'beyond';
      const inner = tagAt(source, offset, false);
      return inner === ITEM || inner === SEQUENCE_DELIMITATION || tagAt(source, offset, true) === ITEM;
    }
    const position = offset + length;
    if (position > end) return 'beyond';
    if (position + 8 > end) return endIsKnown ? restIsZero(source, position, end) : 'beyond';
    const next = tagAt(source, position, encoding.bigEndian);
    if (next === ITEM_DELIMITATION || next === SEQUENCE_DELIMITATION) return true;
    if (next >= 0x00080000 && hasVr(source, position)) return true;
    if (next === 0 && restIsZero(source, position, end)) return true;
    // Items never follow an element directly. Bytes inside a value can look like one element, but hardly like a row of
    // elements of one group in ascending order.
    const strange =
      next >= ITEM || next <= tag || (form !== 'implicit' && next - (next % 0x10000) !== tag - (tag % 0x10000));
    const following = strange ? undefined : headIn(form, source, position, end, encoding);
    if (following === undefined) return false;
    ({ tag, offset, length } = following);
  }
  return true;
}

/** Whether all bytes from `position` to `end` are 0: some writers pad files and sequences with zeros. */
export function restIsZero(source: ByteSource, position: number, end: number): boolean {
  if (end < source.bytes.length) {
    // Inside a file, padding is short. The limit keeps the time for hostile files linear.
    if (end - position > 4096) return false;
    return source.bytes.subarray(position, end).every((byte) => byte === 0);
  }
  return position > source.lastNonZero;
}

/**
 * Whether elements without VR begin at `position`: each must end where one with a higher tag begins. If `bytes` are
 * only a part of the file, an element that reaches beyond them passes.
 */
export function beginsImplicit(source: ByteSource, position: number, end: number, bigEndian = false): boolean {
  const encoding = { explicitVr: false, bigEndian };
  const endIsKnown = source.whole || end < source.bytes.length;
  let previous = -1;
  let next = headIn('implicit', source, position, end, encoding);
  for (let step = 0; step < 4 && next !== undefined; step++) {
    if (next.tag >= 0xfffe0000) return step > 0;
    if (next.tag <= previous) return false;
    if (next.length === UNDEFINED_LENGTH) return true;
    const at: number = next.offset + next.length;
    if (at > end) return !endIsKnown && !hasVr(source, next.offset - 8);
    if (at + 8 > end) return true;
    previous = next.tag;
    next = headIn('implicit', source, at, end, encoding);
  }
  return true;
}

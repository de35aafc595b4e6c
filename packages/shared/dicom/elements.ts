/**
 * Reads the elements of a data set and keeps those that `attributes.ts` lists. All others, such as private elements,
 * are skipped and their values are not looked at. Each length is compared with the bytes of the file before it is used.
 *
 * Own code, because the package dicom-parser throws strings, always reads the whole file, does not know 64-bit VRs, and
 * gives up at the first element without a valid VR, where pydicom and DCMTK read on
 * (docs/decisions/0022-own-dicom-elements-and-jpeg-lossless.md).
 */

import { DicomError } from '../domain/index.ts';
import { AttributeValues, type Element } from './attribute-values.ts';
import { KEYWORD_OF, printTag, vrOf } from './attributes.ts';
import {
  type ByteSource,
  beginsImplicit,
  type ElementHead,
  type Encoding,
  hasVr,
  ITEM,
  ITEM_DELIMITATION,
  readHead,
  restIsZero,
  SEQUENCE_DELIMITATION,
  tagAt,
  UNDEFINED_LENGTH,
} from './element-head.ts';

/** Depth of nested sequences. No real data set nests this deep; a deeper one is an attack or damage. */
const DEEPEST = 64;

/** The top level of a data set. */
export interface TopLevel {
  readonly attributes: AttributeValues;
  /** The head of PixelData (7FE0,0010), at which reading ends. */
  readonly pixelData: ElementHead | undefined;
}

/** Called before each element of the top level, with the elements kept so far: `true` ends the reading there. */
export type Stop = (tag: number, kept: ReadonlyMap<number, Element>) => boolean;

const PIXEL_DATA = 0x7fe00010;

/**
 * Reads the top level of a data set, up to the pixel data, to where `stop` says, or to the end.
 *
 * @param start byte position of the first element
 * @param kept gets the elements, by tag; after an error it holds those before the error
 * @throws {DicomError} `DICOM_TRUNCATED`, `DICOM_ATTRIBUTE_INVALID`
 */
export function readTopLevel(
  source: ByteSource,
  start: number,
  encoding: Encoding,
  kept: Map<number, Element>,
  stop: Stop = () => false,
): TopLevel {
  const end = source.bytes.length;
  const attributes = new AttributeValues(source.bytes, source.view, encoding.bigEndian, kept);
  let position = start;
  // The shortest element has eight bytes. Fewer at the end are padding.
  while (position + 8 <= end) {
    const tag = tagAt(source, position, encoding.bigEndian);
    if (tag > PIXEL_DATA || stop(tag, kept)) return { attributes, pixelData: undefined };
    if (tag === 0 && restIsZero(source, position, end)) break;
    const head = readHead(source, position, end, encoding);
    if (tag === PIXEL_DATA) return { attributes, pixelData: head };
    position = readElement(source, head, end, encoding, kept, 0);
  }
  if (!source.whole) throw new DicomError('DICOM_TRUNCATED', 'the bytes end before the data set', source.context);
  return { attributes, pixelData: undefined };
}

/** Keeps an element if it is listed, and gives the position after it. Without `kept` everything is skipped. */
function readElement(
  source: ByteSource,
  head: ElementHead,
  end: number,
  encoding: Encoding,
  kept: Map<number, Element> | undefined,
  depth: number,
): number {
  const keyword = kept && KEYWORD_OF.get(head.tag);
  const after = head.length === UNDEFINED_LENGTH ? undefined : endOfValue(source, head, end);
  if (keyword === undefined && after !== undefined) return after;
  if (after === undefined || vrOf(keyword!) === 'SQ') {
    const items: AttributeValues[] | undefined = keyword === undefined ? undefined : [];
    const last = readItems(source, head, after ?? end, encoding, items, depth + 1);
    if (items) kept!.set(head.tag, { vr: head.vr, offset: head.offset, length: last - head.offset, items });
    return after ?? last;
  }
  kept!.set(head.tag, { vr: head.vr, offset: head.offset, length: head.length });
  return after;
}

/** The position after an element's value. */
function endOfValue(source: ByteSource, head: ElementHead, end: number): number {
  const after = head.offset + head.length;
  if (after <= end) return after;
  const inside = end < source.bytes.length;
  const than = inside ? 'the item that holds it' : 'the file';
  const code = inside ? 'DICOM_ATTRIBUTE_INVALID' : 'DICOM_TRUNCATED';
  throw new DicomError(code, `element ${printTag(head.tag)} is longer than ${than}`, {
    ...source.context,
    expected: `${head.length} bytes`,
    found: `${Math.max(0, end - head.offset)} bytes`,
  });
}

/**
 * Reads the items of a sequence (PS3.5 7.5), and gives the position after it.
 *
 * A value of undefined length that is not a sequence is skipped in the same way: encapsulated bytes are items, too.
 *
 * @param end where the sequence ends; if its length is undefined, where the level that holds it ends
 * @param items gets the items; undefined if they are skipped
 */
function readItems(
  source: ByteSource,
  head: ElementHead,
  end: number,
  encoding: Encoding,
  items: AttributeValues[] | undefined,
  depth: number,
): number {
  if (depth > DEEPEST) throw invalid(source, head, `is nested deeper than ${DEEPEST} sequences`);
  const open = head.length === UNDEFINED_LENGTH;
  const bigEndian = itemsAreBigEndian(source, head, end, encoding);
  let position = head.offset;
  while (open || position < end) {
    if (position + 8 > end) {
      if (!open && restIsZero(source, position, end)) return end;
      throw endsInside(source, head, end);
    }
    const tag = tagAt(source, position, bigEndian);
    if (tag === SEQUENCE_DELIMITATION) return position + 8;
    if (tag !== ITEM) {
      if (!open && restIsZero(source, position, end)) return end;
      throw invalid(source, head, 'holds what is no item');
    }
    const length = source.view.getUint32(position + 4, !bigEndian);
    const start = position + 8;
    const itemEnd = length === UNDEFINED_LENGTH ? undefined : start + length;
    if (itemEnd !== undefined && itemEnd > end) throw endsInside(source, head, end);
    if (itemEnd !== undefined && items === undefined) {
      position = itemEnd;
      continue;
    }
    const within = itemEncoding(source, head, start, itemEnd ?? end, { ...encoding, bigEndian });
    const kept: Map<number, Element> | undefined = items && new Map();
    position = readItem(source, head, start, itemEnd, end, within, kept, depth);
    if (kept) items!.push(new AttributeValues(source.bytes, source.view, within.bigEndian, kept));
  }
  return end;
}

/** Reads the elements of an item up to `itemEnd`; if that is undefined, up to the delimiter of the item. */
function readItem(
  source: ByteSource,
  sequence: ElementHead,
  start: number,
  itemEnd: number | undefined,
  end: number,
  encoding: Encoding,
  kept: Map<number, Element> | undefined,
  depth: number,
): number {
  const limit = itemEnd ?? end;
  let position = start;
  while (position + 8 <= limit) {
    const tag = tagAt(source, position, encoding.bigEndian);
    if (tag === ITEM_DELIMITATION) return itemEnd ?? position + 8;
    // The last item of the sequence lacks its delimiter.
    if (tag === SEQUENCE_DELIMITATION && itemEnd === undefined) return position;
    if (tag === 0 && itemEnd !== undefined && restIsZero(source, position, itemEnd)) return itemEnd;
    const head = readHead(source, position, limit, encoding);
    position = readElement(source, head, limit, encoding, kept, depth);
  }
  if (itemEnd === undefined) throw endsInside(source, sequence, end);
  return itemEnd;
}

/**
 * Whether the items of a sequence are big endian. A sequence as UN is little endian in every file (PS3.5 6.2.2), so in
 * a big-endian file the tag of the first item decides.
 */
function itemsAreBigEndian(source: ByteSource, head: ElementHead, end: number, encoding: Encoding): boolean {
  if (!encoding.bigEndian || head.offset + 8 > end) return encoding.bigEndian;
  return tagAt(source, head.offset, true) >= 0xfffe0000;
}

/**
 * How an item is written. The standard wants implicit VR inside a sequence as UN (PS3.5 6.2.2, CP-246), but several
 * writers use explicit VR there. Now and then items of other sequences differ from their file, too: explicit items in
 * an implicit file, and implicit items in a sequence as SQ.
 */
function itemEncoding(
  source: ByteSource,
  sequence: ElementHead,
  start: number,
  end: number,
  encoding: Encoding,
): Encoding {
  if (start + 8 > end || tagAt(source, start, encoding.bigEndian) >= 0xfffe0000) return encoding;
  if (hasVr(source, start)) {
    const fits = start + 8 + source.view.getUint32(start + 4, !encoding.bigEndian) <= end;
    const explicitVr =
      encoding.explicitVr && sequence.vr !== 'UN'
        ? true
        : !fits || !beginsImplicit(source, start, end, encoding.bigEndian);
    return { ...encoding, explicitVr };
  }
  // In a sequence as SQ the item stays explicit: `readHead` handles single elements without a VR.
  const implicit =
    !encoding.explicitVr || (sequence.vr !== 'SQ' && beginsImplicit(source, start, end, encoding.bigEndian));
  return { ...encoding, explicitVr: !implicit };
}

function endsInside(source: ByteSource, head: ElementHead, end: number): DicomError {
  if (end < source.bytes.length) return invalid(source, head, 'is longer than what holds it');
  const summary = `the file ends inside the sequence ${printTag(head.tag)}`;
  return new DicomError('DICOM_TRUNCATED', summary, source.context);
}

function invalid(source: ByteSource, head: ElementHead, what: string): DicomError {
  return new DicomError('DICOM_ATTRIBUTE_INVALID', `the sequence ${printTag(head.tag)} ${what}`, source.context);
}

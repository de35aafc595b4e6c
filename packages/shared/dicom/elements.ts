/**
 * Walks the elements of a data set and keeps those that are read; whatever else there is, private elements first of all,
 * is stepped over without a look inside. No length is believed before it is compared with the bytes that are there.
 *
 * This was dicom-parser's work. That package throws strings, takes a file apart as a whole, does not know 64-bit VRs, and
 * gives a file up at the first element whose VR is none, where pydicom and DCMTK read on.
 */

import { DicomError } from '../domain/index.ts';
import { Attributes, type Element } from './attributes.ts';
import { KEYWORD_OF, printTag, vrOf } from './dictionary.ts';
import { type ByteSource, beginsImplicit, type ElementHead, type Encoding, hasVr, ITEM, ITEM_DELIMITATION, readHead, restIsZero, SEQUENCE_DELIMITATION, tagAt, UNDEFINED_LENGTH } from './element-head.ts';

/** No data set nests deeper; a deeper one is hostile. */
const DEEPEST = 64;

/** What the top level of a data set holds. */
export interface TopLevel {
  readonly attributes: Attributes;
  /** The head of PixelData (7FE0,0010), at which reading ends. */
  readonly pixelData: ElementHead | undefined;
}

/** Asked at each element of the top level, with what was kept so far: whether reading ends before it. */
export type Stop = (tag: number, kept: ReadonlyMap<number, Element>) => boolean;

const PIXEL_DATA = 0x7fe00010;

/**
 * Reads the top level from `start` up to the pixel data, `stop`, or the end.
 *
 * @throws {DicomError} `DICOM_TRUNCATED`, `DICOM_ATTRIBUTE_INVALID`; what was kept until then is in `kept`.
 */
export function readTopLevel(
  source: ByteSource,
  start: number,
  encoding: Encoding,
  kept: Map<number, Element>,
  stop: Stop = () => false,
): TopLevel {
  const end = source.bytes.length;
  const attributes = new Attributes(source.bytes, source.view, encoding.bigEndian, kept);
  let position = start;
  // Fewer than eight bytes hold no element: padding to an even length.
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

/** Keeps an element if it is read, and gives the position after it. `kept` is undefined where all is stepped over. */
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
    const items: Attributes[] | undefined = keyword === undefined ? undefined : [];
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
 * A value of undefined length that is no sequence is stepped over in the same way: encapsulated bytes are items too.
 *
 * @param end where the sequence ends, or, if its length is undefined, the level that holds it
 * @param items where they go; undefined where they are stepped over
 */
function readItems(
  source: ByteSource,
  head: ElementHead,
  end: number,
  encoding: Encoding,
  items: Attributes[] | undefined,
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
    if (kept) items!.push(new Attributes(source.bytes, source.view, within.bigEndian, kept));
  }
  return end;
}

/** Reads the elements of an item up to `itemEnd`, or, if that is undefined, up to its delimiter. */
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
    // An item without its delimiter, at the end of its sequence.
    if (tag === SEQUENCE_DELIMITATION && itemEnd === undefined) return position;
    if (tag === 0 && itemEnd !== undefined && restIsZero(source, position, itemEnd)) return itemEnd;
    const head = readHead(source, position, limit, encoding);
    position = readElement(source, head, limit, encoding, kept, depth);
  }
  if (itemEnd === undefined) throw endsInside(source, sequence, end);
  return itemEnd;
}

/** What is written as UN is little endian whatever the file is (PS3.5 6.2.2): the first item shows it. */
function itemsAreBigEndian(source: ByteSource, head: ElementHead, end: number, encoding: Encoding): boolean {
  if (!encoding.bigEndian || head.offset + 8 > end) return encoding.bigEndian;
  return tagAt(source, head.offset, true) >= 0xfffe0000;
}

/**
 * How an item is written. A sequence as UN is implicit by the standard (PS3.5 6.2.2, CP-246), and explicit by several
 * writers; so is now and then an item of a sequence as SQ, or of one in an implicit file, the other way round.
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
  // In a sequence as SQ elements without VR are odd one by one; elsewhere it is the explicit ones that are odd.
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

/**
 * JPEG Lossless with Huffman coding (Process 14, all predictors), for one component of 2 to 16 bits. Sections and
 * tables in this file are those of ITU-T T.81.
 *
 * Own code (docs/decisions/0022-own-dicom-elements-and-jpeg-lossless.md): two npm packages read this format.
 * jpeg-lossless-decoder-js loses the last sample if its code ends at the end marker, reads zeros after the end of a cut
 * frame, and handles point transforms and restart markers wrongly. dcmjs-codecs converts whole data sets of its own
 * parser, with 4 MB of WebAssembly. The npm package of libjpeg-turbo is built without JPEG Lossless.
 */

import { CodecError } from './codec-error.ts';
import { type JpegHead, readJpegHead } from './codestream.ts';
import { assertComplete, assertImage, assertPlausible } from './frame-checks.ts';
import type { FrameSize, Samples } from './samples.ts';

/**
 * Decodes one JPEG Lossless frame (Annex H, F.2.2).
 *
 * @param bitsAllocated BitsAllocated of the header
 * @returns samples of 8 bits, or of 16 bits if the frame has more than 8 bits per sample
 * @throws {CodecError} for a damaged or cut frame, or one that does not fit the header
 */
export function decodeJpegLossless(frame: Uint8Array, size: FrameSize, bitsAllocated: number): Samples {
  const head = readJpegHead(frame);
  if (head?.startOfFrame !== 0xc3) throw damaged('the compressed frame is no JPEG Lossless frame');
  assertImage(head, size, bitsAllocated);
  // A sample takes at least one bit.
  assertPlausible(size, frame.length * 8, frame.length);
  assertComplete(head);
  assertScan(head);

  const { precision } = head;
  const values = precision > 8 ? new Uint16Array(size.rows * size.columns) : new Uint8Array(size.rows * size.columns);
  decodeScan(values, size, head, new BitReader(frame, head.scanStart), huffmanLookup(head));
  if (head.pointTransform > 0) {
    for (let i = 0; i < values.length; i++) values[i]! <<= head.pointTransform;
  }
  return { values, precision };
}

/** Checks the parameters of frame and scan (B.2.2, B.2.3, H.1.1). */
function assertScan({ precision, predictor, pointTransform, restartInterval, columns }: JpegHead): void {
  if (precision < 2) throw damaged('JPEG Lossless with fewer than 2 bits per sample');
  if (predictor < 1 || predictor > 7) throw damaged(`JPEG Lossless with predictor ${predictor}, not 1 to 7`);
  if (pointTransform >= precision) throw damaged('JPEG Lossless whose point transform leaves no bit');
  if (restartInterval % columns !== 0) throw damaged('JPEG Lossless whose restart intervals are no whole rows');
}

/** Decodes the scan row by row and undoes the prediction (H.1.2.1). The point transform is undone later. */
function decodeScan(
  values: Uint8Array | Uint16Array,
  { rows, columns }: FrameSize,
  head: JpegHead,
  bits: BitReader,
  lookup: Uint16Array,
): void {
  const { predictor } = head;
  const rowsAnInterval = head.restartInterval === 0 ? rows : head.restartInterval / columns;
  const middle = 1 << (head.precision - head.pointTransform - 1);
  for (let row = 0, at = 0; row < rows; row++) {
    const fresh = row % rowsAnInterval === 0;
    if (fresh && row > 0) bits.restart((row / rowsAnInterval - 1) % 8);
    for (let column = 0; column < columns; column++, at++) {
      let predicted: number;
      if (fresh) predicted = column === 0 ? middle : values[at - 1]!;
      else if (column === 0) predicted = values[at - columns]!;
      else predicted = predict(predictor, values[at - 1]!, values[at - columns]!, values[at - columns - 1]!);
      // Modulo 2^16 (H.1.2.1): the array wraps.
      values[at] = predicted + readDifference(bits, lookup);
    }
    if (bits.overrun) throw endsEarly();
  }
}

/** The prediction (Table H.1) from the samples on the left (Ra), above (Rb), and above on the left (Rc). */
function predict(predictor: number, left: number, above: number, corner: number): number {
  switch (predictor) {
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return corner;
    case 4:
      return left + above - corner;
    case 5:
      return left + ((above - corner) >> 1);
    case 6:
      return above + ((left - corner) >> 1);
    default:
      return (left + above) >> 1;
  }
}

/**
 * Reads a difference: a Huffman code for its number of bits, the category, and then that many bits (F.1.2.1, H.1.2.2).
 */
function readDifference(bits: BitReader, lookup: Uint16Array): number {
  const entry = lookup[bits.peek16()]!;
  if (entry === 0) throw bits.atEnd ? endsEarly() : damaged('the JPEG Lossless frame holds a code of no Huffman table');
  bits.skip(entry >> 8);
  const category = entry & 0xff;
  if (category === 0) return 0;
  if (category === 16) return 32768;
  const extra = bits.peek16() >> (16 - category);
  bits.skip(category);
  return extra < 1 << (category - 1) ? extra - (1 << category) + 1 : extra;
}

/**
 * The Huffman table of the scan as a lookup table, by the next 16 bits: length of the code << 8 | category; 0 if the
 * bits begin with no code (C.2, F.2.2.3).
 */
function huffmanLookup(head: JpegHead): Uint16Array {
  const lookup = new Uint16Array(0x10000);
  let found = false;
  for (const segment of head.huffmanTables) {
    for (let at = 0; at + 17 <= segment.length;) {
      const counts = segment.subarray(at + 1, at + 17);
      const total = counts.reduce((sum, count) => sum + count, 0);
      const categories = segment.subarray(at + 17, at + 17 + total);
      // Lossless scans use table class 0 (DC). If a table is defined twice, the last definition counts.
      if (segment[at] === head.huffmanTable) {
        lookup.fill(0);
        fillLookup(lookup, counts, categories);
        found = true;
      }
      at += 17 + total;
    }
  }
  if (!found) throw damaged('the JPEG Lossless frame lacks its Huffman table');
  return lookup;
}

/** Enters the codes of one table. @param counts number of codes of 1 to 16 bits @param categories one per code */
function fillLookup(lookup: Uint16Array, counts: Uint8Array, categories: Uint8Array): void {
  let code = 0;
  let next = 0;
  for (let length = 1; length <= 16; length++) {
    for (let i = 0; i < counts[length - 1]!; i++, code++) {
      const category = categories[next++];
      if (category === undefined || category > 16 || code >= 1 << length) throw damaged('a Huffman table is damaged');
      const from = code << (16 - length);
      lookup.fill((length << 8) | category, from, from + (1 << (16 - length)));
    }
    code <<= 1;
  }
}

/** Reads the entropy-coded bits up to the next marker, without the zero byte after each FF (F.1.2.3). */
class BitReader {
  readonly #bytes: Uint8Array;
  #position: number;
  #buffer = 0;
  /** Bits left in the buffer; below 0 if more bits were taken than there are. */
  #count = 0;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.#position = position;
  }

  /** Whether more bits were taken than there are. */
  get overrun(): boolean {
    return this.#count < 0;
  }

  /** Whether fewer than 16 bits are left. */
  get atEnd(): boolean {
    return this.#count < 16;
  }

  /** The next 16 bits; 0 for bits after the end of the data. */
  peek16(): number {
    if (this.#count < 16) this.#fill();
    const missing = 16 - this.#count;
    if (missing <= 0) return (this.#buffer >>> -missing) & 0xffff;
    return missing >= 16 ? 0 : (this.#buffer << missing) & 0xffff;
  }

  skip(count: number): void {
    this.#count -= count;
  }

  /** Continues after the restart marker RSTn. The bits before it are padding. @param index n, 0 to 7 */
  restart(index: number): void {
    const bytes = this.#bytes;
    let at = this.#position;
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at += 1;
    // The interval is damaged if more than the padding of one byte is left, or if another marker follows.
    if (this.#count < 0 || this.#count > 7 || bytes[at] !== 0xff || bytes[at + 1] !== 0xd0 + index) {
      throw damaged('the JPEG Lossless frame lacks a restart marker');
    }
    this.#position = at + 2;
    this.#buffer = 0;
    this.#count = 0;
  }

  #fill(): void {
    if (this.#count < 0) return;
    const bytes = this.#bytes;
    while (this.#count <= 24 && this.#position < bytes.length) {
      const byte = bytes[this.#position]!;
      if (byte === 0xff) {
        if (bytes[this.#position + 1] !== 0) return; // a marker, or fill bytes before it
        this.#position += 1;
      }
      this.#position += 1;
      this.#buffer = (this.#buffer << 8) | byte;
      this.#count += 8;
    }
  }
}

function endsEarly(): CodecError {
  return new CodecError('DICOM_TRUNCATED', 'the JPEG Lossless frame ends before all rows are there');
}

function damaged(message: string): CodecError {
  return new CodecError('DICOM_DECODE_FAILED', message);
}

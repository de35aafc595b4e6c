/**
 * JPEG Lossless with Huffman coding (Process 14, all predictors), ITU-T T.81 Annex H and F.2.2, one component of 2 to 16
 * bits.
 *
 * Own code: of the two packages on npm that read this, jpeg-lossless-decoder-js loses the last sample where its code runs
 * into the end marker, reads on with zeros where a frame is cut, and gets point transforms and restarts wrong; dcmjs-codecs
 * transcodes whole data sets of another parser, with 4 MB of WebAssembly. libjpeg-turbo's package is built without it.
 */

import { type JpegHead, readJpegHead } from '../codestream.ts';
import { CodecError, type FrameSize, type Samples } from './samples.ts';
import { assertComplete, assertImage, assertPlausible } from './wasm-codecs.ts';

/**
 * Decodes one JPEG Lossless frame.
 *
 * @throws {CodecError} for a damaged or cut frame, or one that is not the header's.
 */
export function decodeJpegLossless(frame: Uint8Array, size: FrameSize, bitsAllocated: number): Samples {
  const head = readJpegHead(frame);
  if (head?.startOfFrame !== 0xc3) throw damaged('the compressed frame is no JPEG Lossless frame');
  assertImage(head, size, bitsAllocated);
  // A sample takes one bit or more.
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

/** The limits of T.81 B.2.3 and H.1.1. */
function assertScan({ precision, predictor, pointTransform, restartInterval, columns }: JpegHead): void {
  if (precision < 2) throw damaged('JPEG Lossless with fewer than 2 bits a sample');
  if (predictor < 1 || predictor > 7) throw damaged(`JPEG Lossless with predictor ${predictor}, not 1 to 7`);
  if (pointTransform >= precision) throw damaged('JPEG Lossless whose point transform leaves no bit');
  if (restartInterval % columns !== 0) throw damaged('JPEG Lossless whose restart intervals are no whole rows');
}

/** Undoes the prediction, row by row (H.1.2.1); values are still without their point transform. */
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
      // Modulo 2^16 (H.1.2.1), which the array does.
      values[at] = predicted + readDifference(bits, lookup);
    }
    if (bits.overrun) throw endsEarly();
  }
}

/** T.81 Table H.1: from the samples to the left, above, and above the left. */
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

/** A category of bits, coded, and so many bits (F.1.2.1, H.1.2.2). */
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
 * The scan's Huffman table by the next 16 bits: length of the code << 8 | category, 0 for what is no code (C.2, F.2.2.3).
 */
function huffmanLookup(head: JpegHead): Uint16Array {
  const lookup = new Uint16Array(0x10000);
  let found = false;
  for (const segment of head.huffmanTables) {
    for (let at = 0; at + 17 <= segment.length; ) {
      const counts = segment.subarray(at + 1, at + 17);
      const total = counts.reduce((sum, count) => sum + count, 0);
      const categories = segment.subarray(at + 17, at + 17 + total);
      // Table class 0, as DC; a table that comes twice counts as it was last.
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

/** The entropy-coded bits, without the zero that is stuffed after FF, up to the next marker (F.1.2.3). */
class BitReader {
  readonly #bytes: Uint8Array;
  #position: number;
  #buffer = 0;
  /** Bits in the buffer; below zero for those that were taken beyond the marker. */
  #count = 0;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.#position = position;
  }

  /** Whether more bits were taken than are there. */
  get overrun(): boolean {
    return this.#count < 0;
  }

  /** Whether fewer than 16 bits are left. */
  get atEnd(): boolean {
    return this.#count < 16;
  }

  /** The next 16 bits; beyond the end of the data they are 0. */
  peek16(): number {
    if (this.#count < 16) this.#fill();
    const missing = 16 - this.#count;
    if (missing <= 0) return (this.#buffer >>> -missing) & 0xffff;
    return missing >= 16 ? 0 : (this.#buffer << missing) & 0xffff;
  }

  skip(count: number): void {
    this.#count -= count;
  }

  /** Goes on after the restart marker RSTn, `index` its n; bits before it are padding. */
  restart(index: number): void {
    const bytes = this.#bytes;
    let at = this.#position;
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at += 1;
    // More than the padding of one byte is left, or something else comes: the interval is not what it should be.
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
        if (bytes[this.#position + 1] !== 0) return; // a marker, or fill bytes before one
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

/**
 * Compressed frames: encapsulated pixel data is a basic offset table followed by fragments, and one or more fragments
 * make a frame (PS3.5 A.4). The Extended Offset Table or the basic one says which fragments belong to a frame. If both
 * are empty, a frame begins where a compressed image begins.
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import type { PixelData } from './pixel-data.ts';
import type { CompressedCodec } from './transfer-syntax.ts';

interface Fragment {
  /** Bytes from the first item after the basic offset table to this item. */
  readonly offset: number;
  /** Byte position and length of the value of the item. */
  readonly position: number;
  readonly length: number;
}

interface Encapsulation {
  readonly basicOffsets: readonly number[];
  readonly fragments: readonly Fragment[];
  /** How many fragments are certainly complete: another item or the end of the sequence follows them. */
  readonly confirmed: number;
  /** Whether the file has the sequence delimitation item. */
  readonly ended: boolean;
}

/** The fragments of a frame; `undefined` for a frame that is cut off. */
type FragmentRange = readonly [first: number, end: number] | undefined;

const ITEM = 0xe000fffe;
const SEQUENCE_DELIMITATION = 0xe0ddfffe;

/** The compressed frames of one image. */
export class EncapsulatedFrames {
  readonly #pixels: PixelData;
  readonly #numberOfFrames: number;
  readonly #codec: CompressedCodec;
  readonly #context: ErrorContext;
  #encapsulation: Encapsulation | undefined;

  constructor(pixels: PixelData, numberOfFrames: number, codec: CompressedCodec, context: ErrorContext) {
    this.#pixels = pixels;
    this.#numberOfFrames = numberOfFrames;
    this.#codec = codec;
    this.#context = context;
  }

  /**
   * The compressed bytes of one frame, its fragments joined.
   *
   * @param frame from 0
   * @throws {DicomError} `DICOM_TRUNCATED` if the frame is cut off, or, for the last frame, the sequence delimitation
   *   item; `DICOM_ATTRIBUTE_INVALID` if the fragments do not fit the number of frames
   */
  read(frame: number): Uint8Array {
    const [pixels, context] = [this.#pixels, this.#context];
    this.#encapsulation ??= readEncapsulation(pixels, context);
    const encapsulation = this.#encapsulation;
    const extended = extendedRange(pixels, encapsulation, this.#numberOfFrames, frame, context);
    if (extended) return extended;

    const { fragments, confirmed, ended } = encapsulation;
    const range = rangeOfFrame(pixels, encapsulation, this.#numberOfFrames, frame, this.#codec, context);
    if (range === undefined || range[0] >= range[1] || range[1] > confirmed) {
      throw new DicomError('DICOM_TRUNCATED', `the pixel data of frame ${frame} are not all there`, {
        ...context,
        expected: 'fragments up to the sequence delimitation item (FFFE,E0DD)',
        found: `${confirmed} whole fragments${ended ? '' : ' and no end'}`,
      });
    }
    return join(pixels.byteArray, fragments.slice(range[0], range[1]));
  }
}

/** Finds the fragments, and reads the basic offset table. */
function readEncapsulation(pixels: PixelData, context: ErrorContext): Encapsulation {
  const { byteArray, element } = pixels;
  const view = new DataView(byteArray.buffer, byteArray.byteOffset, byteArray.length);
  let position = element.offset;
  if (position + 8 > byteArray.length || view.getUint32(position, true) !== ITEM) {
    throw new DicomError('DICOM_TRUNCATED', 'the pixel data do not begin with a basic offset table', context);
  }
  const tableLength = view.getUint32(position + 4, true);
  position += 8;
  if (position + tableLength > byteArray.length) {
    throw new DicomError('DICOM_TRUNCATED', 'the basic offset table is longer than the file', context);
  }
  const basicOffsets = Array.from({ length: Math.floor(tableLength / 4) }, (_, i) =>
    view.getUint32(position + 4 * i, true),
  );
  position += tableLength;

  const base = position;
  const fragments: Fragment[] = [];
  while (position + 8 <= byteArray.length) {
    const tag = view.getUint32(position, true);
    const length = view.getUint32(position + 4, true);
    if (tag === SEQUENCE_DELIMITATION) return { basicOffsets, fragments, confirmed: fragments.length, ended: true };
    if (tag !== ITEM) break;
    if (position + 8 + length > byteArray.length) {
      return { basicOffsets, fragments, confirmed: fragments.length, ended: false };
    }
    fragments.push({ offset: position - base, position: position + 8, length });
    position += 8 + length;
  }
  return { basicOffsets, fragments, confirmed: Math.max(0, fragments.length - 1), ended: false };
}

/** A frame by the Extended Offset Table, which gives one fragment per frame; `undefined` if there is no such table. */
function extendedRange(
  pixels: PixelData,
  encapsulation: Encapsulation,
  numberOfFrames: number,
  frame: number,
  context: ErrorContext,
): Uint8Array | undefined {
  const { extendedOffsets, extendedLengths } = pixels;
  if (!extendedOffsets || extendedOffsets.length === 0) return undefined;
  const offset = uint64At(extendedOffsets, frame);
  const length = extendedLengths && uint64At(extendedLengths, frame);
  const fragment = encapsulation.fragments.find((one) => one.offset === offset);
  const sized = length === undefined || (fragment !== undefined && length <= fragment.length);
  if (extendedOffsets.length === 8 * numberOfFrames && fragment && sized) {
    const last = encapsulation.fragments.indexOf(fragment) >= encapsulation.confirmed;
    if (!last) return pixels.byteArray.subarray(fragment.position, fragment.position + (length ?? fragment.length));
  }
  if (!encapsulation.ended) {
    throw new DicomError('DICOM_TRUNCATED', `the pixel data of frame ${frame} are not all there`, context);
  }
  throw new DicomError('DICOM_ATTRIBUTE_INVALID', 'the Extended Offset Table does not fit the fragments', {
    ...context,
    expected: `${numberOfFrames} offsets of fragments`,
    found: `${extendedOffsets.length / 8}`,
  });
}

/** The fragments of a frame, by the basic offset table or by where images begin. */
function rangeOfFrame(
  pixels: PixelData,
  encapsulation: Encapsulation,
  numberOfFrames: number,
  frame: number,
  codec: CompressedCodec,
  context: ErrorContext,
): FragmentRange {
  const { basicOffsets, fragments, ended } = encapsulation;
  if (numberOfFrames > 1 && basicOffsets.length === numberOfFrames) {
    const range = rangeByTable(encapsulation, frame);
    if (range !== 'unfit') return range;
  }
  // There is no table, it does not fit, or it is that of a single frame, which says nothing new.
  const starts = fragments.flatMap((one, index) => (beginsFrame(pixels.byteArray, one, codec) ? [index] : []));
  if (numberOfFrames === 1 && starts.length <= 1) return ended ? [0, fragments.length] : undefined;
  // A file that is cut off has fewer beginnings than frames, in the order of the frames.
  if (starts[0] === 0 && (starts.length === numberOfFrames || (!ended && starts.length < numberOfFrames))) {
    const first = starts[frame];
    return first === undefined ? undefined : [first, starts[frame + 1] ?? fragments.length];
  }
  throw new DicomError('DICOM_ATTRIBUTE_INVALID', 'NumberOfFrames and the encapsulated pixel data disagree', {
    ...context,
    expected: `${numberOfFrames} frames`,
    found: `${fragments.length} fragments, ${basicOffsets.length} offsets, ${starts.length} beginnings of images`,
  });
}

/** The fragments of a frame by the basic offset table; `unfit` if the table does not point at fragments. */
function rangeByTable(encapsulation: Encapsulation, frame: number): FragmentRange | 'unfit' {
  const { basicOffsets, fragments, ended } = encapsulation;
  const start = basicOffsets[frame]!;
  const next = basicOffsets[frame + 1];
  const first = indexAtOrAfter(fragments, start);
  const end = next === undefined ? fragments.length : indexAtOrAfter(fragments, next);
  if (first === fragments.length) return ended ? 'unfit' : undefined;
  if (fragments[first]!.offset !== start || end <= first) return 'unfit';
  const last = fragments[end - 1]!;
  if (next === undefined) return ended ? [first, end] : undefined;
  if (last.offset + 8 + last.length === next) return [first, end];
  return ended ? 'unfit' : undefined;
}

/** Index of the first fragment at `offset` or after it, by bisection. */
function indexAtOrAfter(fragments: readonly Fragment[], offset: number): number {
  let low = 0;
  let high = fragments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fragments[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Whether a fragment is the first of a frame. In RLE every fragment is (PS3.5 A.4.2); otherwise the first bytes show
 * it: SOC for JPEG 2000, or the signature box of JP2, which some writers leave in; SOI for all other JPEG syntaxes.
 */
function beginsFrame(bytes: Uint8Array, { position, length }: Fragment, codec: CompressedCodec): boolean {
  if (codec === 'rle') return true;
  const head = bytes.subarray(position, position + Math.min(length, 12));
  if (codec !== 'jpeg-2000') return head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff;
  const bare = head[0] === 0xff && head[1] === 0x4f && head[2] === 0xff && head[3] === 0x51;
  return bare || (head[4] === 0x6a && head[5] === 0x50 && head[6] === 0x20 && head[7] === 0x20);
}

function join(bytes: Uint8Array, fragments: readonly Fragment[]): Uint8Array {
  const parts = fragments.map((one) => bytes.subarray(one.position, one.position + one.length));
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

function uint64At(table: Uint8Array, index: number): number | undefined {
  if (8 * index + 8 > table.length) return undefined;
  return Number(new DataView(table.buffer, table.byteOffset, table.length).getBigUint64(8 * index, true));
}

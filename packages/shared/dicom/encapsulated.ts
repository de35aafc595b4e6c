/**
 * Encapsulated pixel data: a basic offset table and fragments, of which one or several make a frame (PS3.5 A.4). Which
 * fragments are a frame's is told by the Extended Offset Table, the basic one, or, where both are empty, by where
 * compressed images begin.
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import type { PixelSource } from './pixel-data.ts';
import type { PixelCodec } from './transfer-syntax.ts';

interface Fragment {
  /** From the first byte of the first item after the basic offset table to this item's first byte. */
  readonly offset: number;
  /** Byte position and length of the item's value. */
  readonly position: number;
  readonly length: number;
}

interface Encapsulation {
  readonly basicOffsets: readonly number[];
  readonly fragments: readonly Fragment[];
  /** Fragments after which another item or the end of the sequence begins; fewer than all if the file was cut. */
  readonly confirmed: number;
  /** Whether the sequence delimitation item is there. */
  readonly ended: boolean;
}

/** A frame's fragments, `undefined` for a frame that was cut off. */
type FragmentRange = readonly [first: number, end: number] | undefined;

const ITEM = 0xe000fffe;
const SEQUENCE_DELIMITATION = 0xe0ddfffe;

const encapsulations = new WeakMap<PixelSource, Encapsulation>();

/**
 * The compressed bytes of one frame, its fragments joined.
 *
 * @throws {DicomError} `DICOM_TRUNCATED` if the frame, or the sequence delimitation item after the last one, is cut
 *   off; `DICOM_ATTRIBUTE_INVALID` if the fragments cannot be shared out to `numberOfFrames` frames.
 */
export function readEncapsulatedFrame(
  pixels: PixelSource,
  numberOfFrames: number,
  frame: number,
  codec: PixelCodec,
  context: ErrorContext,
): Uint8Array {
  let encapsulation = encapsulations.get(pixels);
  if (!encapsulation) {
    encapsulation = readEncapsulation(pixels, context);
    encapsulations.set(pixels, encapsulation);
  }
  const extended = extendedRange(pixels, encapsulation, numberOfFrames, frame, context);
  if (extended) return extended;

  const { fragments, confirmed, ended } = encapsulation;
  const range = rangeOfFrame(pixels, encapsulation, numberOfFrames, frame, codec, context);
  if (range === undefined || range[0] >= range[1] || range[1] > confirmed) {
    throw new DicomError('DICOM_TRUNCATED', `the pixel data of frame ${frame} are not all there`, {
      ...context,
      expected: 'fragments up to the sequence delimitation item (FFFE,E0DD)',
      found: `${confirmed} whole fragments${ended ? '' : ' and no end'}`,
    });
  }
  return join(pixels.byteArray, fragments.slice(range[0], range[1]));
}

function readEncapsulation(pixels: PixelSource, context: ErrorContext): Encapsulation {
  const { byteArray, element } = pixels;
  if (!element) throw new DicomError('DICOM_ATTRIBUTE_MISSING', 'no pixel data (7FE0,0010)', context);
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

/** A frame by the Extended Offset Table, where each frame is one fragment and has its length without padding. */
function extendedRange(
  pixels: PixelSource,
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

function rangeOfFrame(
  pixels: PixelSource,
  encapsulation: Encapsulation,
  numberOfFrames: number,
  frame: number,
  codec: PixelCodec,
  context: ErrorContext,
): FragmentRange {
  const { basicOffsets, fragments, ended } = encapsulation;
  if (numberOfFrames > 1 && basicOffsets.length === numberOfFrames) {
    const range = rangeByTable(encapsulation, frame);
    if (range !== 'unfit') return range;
  }
  // No table, or one that does not fit; a single frame's says nothing that is not known.
  const starts = fragments.flatMap((one, index) => (beginsFrame(pixels.byteArray, one, codec) ? [index] : []));
  if (numberOfFrames === 1 && starts.length <= 1) return ended ? [0, fragments.length] : undefined;
  // A cut file has fewer beginnings than frames; those that are there are in order.
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

/** A frame's fragments by the basic offset table, or `unfit` where the table does not point at fragments. */
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

/** Index of the first fragment at `offset` or after, by bisection. */
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

/** Whether a fragment is the first of a frame: always for RLE (PS3.5 A.4.2), by the codestream's marker otherwise. */
function beginsFrame(bytes: Uint8Array, { position, length }: Fragment, codec: PixelCodec): boolean {
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

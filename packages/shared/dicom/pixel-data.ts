/**
 * Where the bytes of each frame are in a file, compared with what the header claims before anything is allocated.
 * Native pixel data is one block; encapsulated pixel data is `encapsulated.ts`.
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import { type DataSet, type PixelDataElement, readDataSet } from './data-set.ts';
import type { DicomHeader } from './header.ts';
import type { TransferSyntax } from './transfer-syntax.ts';

/** The pixel data of a file, located and not yet read. */
export interface PixelSource {
  readonly transferSyntax: TransferSyntax;
  /** The file, or for a deflated one what it inflates to. */
  readonly byteArray: Uint8Array;
  readonly element: PixelDataElement | undefined;
  /** Of undefined length, in fragments (PS3.5 A.4). */
  readonly encapsulated: boolean;
  /** Bytes of the element's value that are really there. */
  readonly available: number;
  /** Values of the Extended Offset Table and its lengths, 64-bit little-endian (PS3.3 C.7.6.3.1.8). */
  readonly extendedOffsets: Uint8Array | undefined;
  readonly extendedLengths: Uint8Array | undefined;
}

/** Finds the pixel data of a data set; a data set without any has a source of which nothing is available. */
export function locatePixels(dataSet: DataSet): PixelSource {
  const { byteArray, transferSyntax, attributes, pixelData: element } = dataSet;
  const rest = element ? Math.max(0, byteArray.length - element.offset) : 0;
  return {
    transferSyntax,
    byteArray,
    element,
    encapsulated: element !== undefined && element.length === undefined,
    available: Math.min(rest, element?.length ?? rest),
    extendedOffsets: attributes.bytesOf('ExtendedOffsetTable'),
    extendedLengths: attributes.bytesOf('ExtendedOffsetTableLengths'),
  };
}

/** So that the frames of a file are decoded without parsing it again, and a deflated one is inflated once. */
const located = new WeakMap<Uint8Array, PixelSource>();

/** Keeps where the pixels of `bytes` are for as long as `bytes` lives; each reading of the header renews it. */
export function rememberPixels(bytes: Uint8Array, pixels: PixelSource): void {
  located.set(bytes, pixels);
}

/** The pixel data of a file whose header has been read, if need be on another thread. */
export function pixelsOf(bytes: Uint8Array, context: ErrorContext): PixelSource {
  const known = located.get(bytes);
  if (known) return known;
  const pixels = locatePixels(readDataSet(bytes, context));
  rememberPixels(bytes, pixels);
  return pixels;
}

/** Bytes of one native frame of `rows` x `columns` samples of `bitsAllocated` bits. */
export function nativeFrameBytes(header: Pick<DicomHeader, 'rows' | 'columns' | 'bitsAllocated'>): number {
  return header.rows * header.columns * (header.bitsAllocated / 8);
}

/**
 * The samples of one native frame as they are stored.
 *
 * @returns [rows * columns], unsigned, as wide as BitsAllocated (8, 16 or 32), unused bits included.
 * @throws {DicomError} `DICOM_TRUNCATED` if the frame is not all there.
 */
export function readNativeFrame(
  pixels: PixelSource,
  header: DicomHeader,
  frame: number,
  context: ErrorContext,
): Uint8Array | Uint16Array | Uint32Array {
  const frameBytes = nativeFrameBytes(header);
  const start = frame * frameBytes;
  if (pixels.element === undefined || start + frameBytes > pixels.available) {
    throw new DicomError('DICOM_TRUNCATED', `the pixel data of frame ${frame} are not all there`, {
      ...context,
      expected: `${start + frameBytes} bytes`,
      found: `${pixels.available}`,
    });
  }
  const { byteArray, transferSyntax, element } = pixels;
  const { bigEndian } = transferSyntax;
  const count = header.rows * header.columns;
  const from = element.offset + start;
  if (header.bitsAllocated === 8) {
    if (!(bigEndian && element.vr === 'OW')) return byteArray.subarray(from, from + count);
    return swappedBytes(byteArray, element.offset, start, count, pixels.available);
  }
  const view = new DataView(byteArray.buffer, byteArray.byteOffset + from, frameBytes);
  if (header.bitsAllocated === 16) {
    const samples = new Uint16Array(count);
    for (let i = 0; i < count; i++) samples[i] = view.getUint16(2 * i, !bigEndian);
    return samples;
  }
  const samples = new Uint32Array(count);
  for (let i = 0; i < count; i++) samples[i] = view.getUint32(4 * i, !bigEndian);
  return samples;
}

/** 8-bit samples in 16-bit words of a big-endian file: the first sample is the low, second, byte (PS3.5 8.1.1, D). */
function swappedBytes(bytes: Uint8Array, base: number, start: number, count: number, available: number): Uint8Array {
  const samples = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const place = (start + i) ^ 1;
    // An odd number of bytes leaves the last sample of the file without its neighbour.
    samples[i] = bytes[base + (place < available ? place : start + i)]!;
  }
  return samples;
}

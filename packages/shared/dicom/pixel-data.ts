/** Where the pixel data are in a file, and how many bytes of them are really there. Nothing is decoded here. */

import type { DataSet, PixelDataElement } from './data-set.ts';
import type { TransferSyntax } from './transfer-syntax.ts';

/** The pixel data of a file, located but not read. */
export interface PixelData {
  readonly transferSyntax: TransferSyntax;
  /** The file, or the inflated data set of a deflated file. */
  readonly byteArray: Uint8Array;
  readonly element: PixelDataElement;
  /** Whether the element has undefined length and consists of fragments (PS3.5 A.4). */
  readonly encapsulated: boolean;
  /** Bytes of the value that the file really has. */
  readonly available: number;
  /** Values of the Extended Offset Table and its lengths, 64-bit little-endian (PS3.3 C.7.6.3.1.8). */
  readonly extendedOffsets: Uint8Array | undefined;
  readonly extendedLengths: Uint8Array | undefined;
}

/** Finds the pixel data of a data set; `undefined` if it has none. */
export function locatePixelData(dataSet: DataSet): PixelData | undefined {
  const { byteArray, transferSyntax, attributes, pixelData: element } = dataSet;
  if (element === undefined) return undefined;
  const rest = Math.max(0, byteArray.length - element.offset);
  return {
    transferSyntax,
    byteArray,
    element,
    encapsulated: element.length === undefined,
    available: Math.min(rest, element.length ?? rest),
    extendedOffsets: attributes.bytesOf('ExtendedOffsetTable'),
    extendedLengths: attributes.bytesOf('ExtendedOffsetTableLengths'),
  };
}

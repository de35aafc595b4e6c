/** The data set of a file: its attributes, and where its pixel data begin (PS3.5 section 7). Pixels are not touched. */

import type { ErrorContext } from '../domain/index.ts';
import type { AttributeValues, Element } from './attribute-values.ts';
import { UNDEFINED_LENGTH } from './element-head.ts';
import { readTopLevel, type Stop, type TopLevel } from './elements.ts';
import { type FileStart, readFileStart } from './file-start.ts';
import type { TransferSyntax } from './transfer-syntax.ts';

/** Where the value of PixelData (7FE0,0010) begins, and how long it claims to be. */
export interface PixelDataElement {
  readonly vr: string | undefined;
  /** Byte position of the value in `DataSet.byteArray`. */
  readonly offset: number;
  /** Declared length in bytes, not checked; `undefined` for the undefined length of encapsulated pixel data. */
  readonly length: number | undefined;
}

/** A data set without its pixel data. */
export interface DataSet {
  readonly transferSyntax: TransferSyntax;
  /** The file, or the inflated data set of a deflated file. */
  readonly byteArray: Uint8Array;
  readonly attributes: AttributeValues;
  readonly pixelData: PixelDataElement | undefined;
}

/**
 * Reads a DICOM file, with or without preamble and file meta information, up to its pixel data.
 *
 * @param bytes the whole file
 * @throws {DicomError} as `readFileStart` and `readTopLevel`
 */
export function readDataSet(bytes: Uint8Array, context: ErrorContext = {}): DataSet {
  const start = readFileStart(bytes, true, context);
  const { attributes, pixelData } = readElements(start, new Map());
  return {
    transferSyntax: start.transferSyntax,
    byteArray: start.source.bytes,
    attributes,
    pixelData: pixelData && {
      vr: pixelData.vr,
      offset: pixelData.offset,
      length: pixelData.length === UNDEFINED_LENGTH ? undefined : pixelData.length,
    },
  };
}

/** Reads the elements after the start of a file into `kept`, up to the pixel data or to where `stop` says. */
export function readElements(start: FileStart, kept: Map<number, Element>, stop?: Stop): TopLevel {
  return readTopLevel(start.source, start.position, start.transferSyntax, kept, stop);
}

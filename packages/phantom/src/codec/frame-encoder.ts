/**
 * Encodes one frame of 16-bit pixels in an encapsulated transfer syntax. CharLS and OpenJPEG encode JPEG-LS and JPEG
 * 2000; RLE and JPEG Lossless are implemented here.
 */

import { createRequire } from 'node:module';
import type { TransferSyntax } from '../transfer-syntaxes.ts';
import { encodeJpegLossless } from './jpeg-lossless.ts';
import { encodeRle } from './rle.ts';

export interface FrameFormat {
  readonly rows: number;
  readonly columns: number;
  readonly bitsStored: number;
  readonly signed: boolean;
}

/** @param pixels little-endian 16-bit words, row by row. */
export async function encodeFrame(
  pixels: Uint8Array,
  format: FrameFormat,
  syntax: TransferSyntax,
): Promise<Uint8Array> {
  switch (syntax) {
    case 'rle':
      return encodeRle(pixels, format.columns);
    case 'jpeg_lossless':
      // Signed words need all 16 bits: with fewer the sign extension would not fit the precision.
      return encodeJpegLossless(pixels, format.rows, format.columns, format.signed ? 16 : format.bitsStored);
    case 'jpeg_ls':
      return encodeJpegLs(pixels, format);
    case 'jpeg_2000':
      return encodeJpeg2000(pixels, format);
    default:
      throw new RangeError(`transfer syntax ${syntax} has no encapsulated frames`);
  }
}

interface FrameInfo {
  width: number;
  height: number;
  bitsPerSample: number;
  componentCount: number;
  isSigned: boolean;
}
interface Encoder {
  getDecodedBuffer(info: FrameInfo): Uint8Array;
  getEncodedBuffer(): Uint8Array;
  encode(): void;
  delete(): void;
}
interface JpegLsEncoder extends Encoder {
  setNearLossless(allowed: number): void;
}
interface Jpeg2000Encoder extends Encoder {
  setQuality(lossless: boolean, rate: number): void;
}
type CharLs = { JpegLSEncoder: new () => JpegLsEncoder };
type OpenJpeg = { J2KEncoder: new () => Jpeg2000Encoder };

// The packages are CommonJS builds of C++ without type declarations.
const require = createRequire(import.meta.url);
let charLs: Promise<CharLs> | undefined;
let openJpeg: Promise<OpenJpeg> | undefined;

async function encodeJpegLs(pixels: Uint8Array, format: FrameFormat): Promise<Uint8Array> {
  charLs ??= (require('@cornerstonejs/codec-charls/wasmjs') as () => Promise<CharLs>)();
  const encoder = new (await charLs).JpegLSEncoder();
  encoder.setNearLossless(0);
  return encodeWith(encoder, pixels, { ...infoOf(format), bitsPerSample: format.signed ? 16 : format.bitsStored });
}

async function encodeJpeg2000(pixels: Uint8Array, format: FrameFormat): Promise<Uint8Array> {
  openJpeg ??= (require('@cornerstonejs/codec-openjpeg/wasmjs') as () => Promise<OpenJpeg>)();
  const encoder = new (await openJpeg).J2KEncoder();
  encoder.setQuality(true, 0);
  return encodeWith(encoder, pixels, infoOf(format));
}

function infoOf(format: FrameFormat): FrameInfo {
  return {
    width: format.columns,
    height: format.rows,
    bitsPerSample: format.bitsStored,
    componentCount: 1,
    isSigned: format.signed,
  };
}

function encodeWith(encoder: Encoder, pixels: Uint8Array, info: FrameInfo): Uint8Array {
  try {
    encoder.getDecodedBuffer(info).set(pixels);
    encoder.encode();
    return Uint8Array.from(encoder.getEncodedBuffer());
  } finally {
    encoder.delete();
  }
}

/**
 * The codecs that are WebAssembly: OpenJPEG for JPEG 2000, CharLS for JPEG-LS, libjpeg-turbo for baseline JPEG. Each
 * frame's own head is compared with the header before the codec sees it, and what comes out is compared again.
 */

import charls from '@cornerstonejs/codec-charls/decodewasmjs';
import libjpegTurbo from '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs';
import openjpeg from '@cornerstonejs/codec-openjpeg/decodewasmjs';
import { type CodestreamImage, readJpeg2000Head, readJpegHead, unwrapJpeg2000 } from '../codestream.ts';
import { CodecError, type FrameSize, type Samples } from './samples.ts';
import { type WasmDecode, wasmDecode } from './wasm-module.ts';

const openjpegDecode = wasmDecode(openjpeg, (module) => new module.J2KDecoder());
const charlsDecode = wasmDecode(charls, (module) => new module.JpegLSDecoder());
const turboDecode = wasmDecode(libjpegTurbo, (module) => new module.JPEGDecoder());

/** Decodes a JPEG 2000 frame of up to 16 bits, reversible or not. */
export async function decodeJpeg2000(frame: Uint8Array, size: FrameSize, bitsAllocated: number): Promise<Samples> {
  const codestream = unwrapJpeg2000(frame);
  const head = readJpeg2000Head(codestream);
  if (!head) throw notA('JPEG 2000 codestream');
  assertImage(head, size, bitsAllocated);
  if (!head.plainGrid) {
    throw new CodecError('DICOM_UNSUPPORTED', 'the JPEG 2000 image is offset or subsampled on its grid');
  }
  assertComplete(head);
  if (!head.signed) return decodeWith(openjpegDecode, codestream, size, head.precision);

  // The codec package clips signed samples of up to 8 bits to 0..255. The sign is nothing but a level shift at the
  // very end (T.800 G.1): decoded as unsigned, samples come out 2^(precision-1) higher, and none is clipped.
  const unsigned = Uint8Array.from(codestream);
  unsigned[head.ssizPosition]! &= 0x7f;
  const { values, precision } = await decodeWith(openjpegDecode, unsigned, size, head.precision);
  const shift = 2 ** (precision - 1);
  for (let i = 0; i < values.length; i++) values[i]! -= shift; // wraps into two's complement
  return { values, precision };
}

/** Decodes a JPEG-LS frame, lossless or near-lossless. */
export async function decodeJpegLs(frame: Uint8Array, size: FrameSize, bitsAllocated: number): Promise<Samples> {
  const head = readJpegHead(frame);
  if (head?.startOfFrame !== 0xf7) throw notA('JPEG-LS frame');
  assertImage(head, size, bitsAllocated);
  // CharLS 2.4 runs on for 2^31 bits, seconds, past the end of a buffer without a last marker.
  assertComplete(head);
  return decodeWith(charlsDecode, frame, size, head.precision);
}

/** Decodes a baseline JPEG frame (Process 1): 8 bits, grey. */
export async function decodeJpegBaseline(frame: Uint8Array, size: FrameSize, bitsAllocated: number): Promise<Samples> {
  const head = readJpegHead(frame);
  if (head?.startOfFrame !== 0xc0) throw notA('baseline JPEG frame');
  assertImage(head, size, bitsAllocated);
  // A block of 64 samples takes two bits or more.
  assertPlausible(size, frame.length * 256, frame.length);
  assertComplete(head);
  return decodeWith(turboDecode, frame, size, head.precision);
}

/**
 * Compares a codestream's own account with the header.
 *
 * @throws {CodecError} if size or components differ, or if it has more bits a sample than BitsAllocated.
 */
export function assertImage(image: CodestreamImage, size: FrameSize, bitsAllocated: number): void {
  if (image.rows !== size.rows || image.columns !== size.columns) {
    throw new CodecError('DICOM_ATTRIBUTE_INVALID', 'the compressed frame is not of Rows x Columns', {
      expected: `${size.rows}x${size.columns}`,
      found: `${image.rows}x${image.columns}`,
    });
  }
  if (image.components !== 1) {
    throw new CodecError('DICOM_ATTRIBUTE_INVALID', 'the compressed frame is not of one component', {
      expected: '1',
      found: `${image.components}`,
    });
  }
  if (image.precision > bitsAllocated) {
    throw new CodecError('DICOM_ATTRIBUTE_INVALID', 'the compressed frame has more bits a sample than BitsAllocated', {
      expected: `at most ${bitsAllocated}`,
      found: `${image.precision}`,
    });
  }
  if (image.precision < 1 || image.precision > 16) {
    throw new CodecError('DICOM_UNSUPPORTED', `compressed samples of ${image.precision} bits are not read`);
  }
}

/** Refuses a frame that its own markers show to be cut. */
export function assertComplete(head: { readonly complete: boolean }): void {
  if (!head.complete) throw new CodecError('DICOM_TRUNCATED', 'the compressed frame ends early');
}

/** Refuses a frame whose bytes cannot hold its samples, whatever they are. */
export function assertPlausible(size: FrameSize, most: number, length: number): void {
  if (size.rows * size.columns <= most) return;
  throw new CodecError('DICOM_TRUNCATED', 'the compressed frame is too short for its rows and columns', {
    expected: `${size.rows}x${size.columns} samples`,
    found: `${length} bytes`,
  });
}

async function decodeWith(
  decode: WasmDecode,
  codestream: Uint8Array,
  size: FrameSize,
  precision: number,
): Promise<Samples> {
  const { bytes, rows, columns } = await decode(codestream);
  const count = size.rows * size.columns;
  const width = precision > 8 ? 2 : 1;
  if (rows !== size.rows || columns !== size.columns || bytes.length !== count * width) {
    throw new CodecError('DICOM_DECODE_FAILED', 'the codec gave another image than the codestream promises', {
      expected: `${size.rows}x${size.columns}, ${count * width} bytes`,
      found: `${rows}x${columns}, ${bytes.length} bytes`,
    });
  }
  // WebAssembly is little-endian, and so is every machine that Node and ONNX Runtime run on.
  return { values: width === 1 ? bytes : new Uint16Array(bytes.buffer, bytes.byteOffset, count), precision };
}

function notA(what: string): CodecError {
  return new CodecError('DICOM_DECODE_FAILED', `the compressed frame is no ${what}`);
}

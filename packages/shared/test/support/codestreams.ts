/**
 * Compressed frames for tests. The codec packages encode some formats; small encoders here do RLE and JPEG Lossless.
 */

import charls from '@cornerstonejs/codec-charls/wasmjs';
import libjpegTurbo from '@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs';
import openjpeg from '@cornerstonejs/codec-openjpeg/wasmjs';

/** A grey image to compress; samples [rows * columns] as numbers. */
export interface GreyImage {
  readonly rows: number;
  readonly columns: number;
  readonly bits: number;
  readonly signed?: boolean;
  readonly samples: ArrayLike<number>;
}

interface FrameInfo {
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: number;
  readonly componentCount: number;
  readonly isSigned: boolean;
}

interface Encoder {
  getDecodedBuffer(info: FrameInfo): Uint8Array;
  getEncodedBuffer(): Uint8Array;
  encode(): void;
  delete(): void;
  setQuality?(first: boolean | number, layers?: number): void;
  setCompressionRatio?(layer: number, ratio: number): void;
  setDecompositions?(levels: number): void;
  setNearLossless?(near: number): void;
  setProgressive?(progressive: boolean): void;
}
type EncoderModule = Record<'J2KEncoder' | 'JpegLSEncoder' | 'JPEGEncoder', new () => Encoder>;

/** Loads a new module each time, because Emscripten stores the module in the object that it gets. */
const load = (factory: unknown) =>
  (factory as (options: object) => Promise<EncoderModule>)({ print: () => undefined, printErr: () => undefined });

export async function jpeg2000(image: GreyImage, options: { lossy?: boolean } = {}): Promise<Uint8Array> {
  const encoder = new (await load(openjpeg)).J2KEncoder();
  encoder.setDecompositions?.(2);
  encoder.setQuality?.(!options.lossy, 1);
  if (options.lossy) encoder.setCompressionRatio?.(0, 8);
  if (!image.signed || image.bits > 8) return encodeWith(encoder, image);
  // The package treats 8-bit samples as unsigned. A sign is a level shift and a bit in SIZ (T.800 G.1, A.5.1).
  const half = 2 ** (image.bits - 1);
  const lifted = Array.from(image.samples, (value) => value + half);
  const codestream = encodeWith(encoder, { ...image, signed: false, samples: lifted });
  codestream[42]! |= 0x80;
  return codestream;
}

export async function jpegLs(image: GreyImage, options: { near?: number } = {}): Promise<Uint8Array> {
  const encoder = new (await load(charls)).JpegLSEncoder();
  encoder.setNearLossless?.(options.near ?? 0);
  return encodeWith(encoder, image);
}

export async function jpegBaseline(image: GreyImage, options: { quality?: number } = {}): Promise<Uint8Array> {
  const encoder = new (await load(libjpegTurbo)).JPEGEncoder();
  encoder.setProgressive?.(false);
  encoder.setQuality?.(options.quality ?? 95);
  return encodeWith(encoder, image);
}

function encodeWith(encoder: Encoder, { rows, columns, bits, signed = false, samples }: GreyImage): Uint8Array {
  const buffer = encoder.getDecodedBuffer({
    width: columns,
    height: rows,
    bitsPerSample: bits,
    componentCount: 1,
    isSigned: signed,
  });
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  for (let i = 0; i < samples.length; i++) {
    if (bits <= 8) view.setUint8(i, samples[i]!);
    else view.setUint16(2 * i, samples[i]!, true);
  }
  encoder.encode();
  const encoded = Uint8Array.from(encoder.getEncodedBuffer());
  encoder.delete();
  return encoded;
}

/** RLE Lossless with literal runs and repeats, as PS3.5 G.3.1. */
export function rle({ samples, bits }: GreyImage): Uint8Array {
  const planes = bits / 8;
  const segments = Array.from({ length: planes }, (_, plane) =>
    packBits(Array.from(samples, (sample) => (sample >> (8 * (planes - 1 - plane))) & 0xff)),
  );
  const header = new DataView(new ArrayBuffer(64));
  header.setUint32(0, planes, true);
  let offset = 64;
  segments.forEach((segment, i) => {
    header.setUint32(4 + 4 * i, offset, true);
    offset += segment.length;
  });
  return Buffer.concat([new Uint8Array(header.buffer), ...segments]);
}

function packBits(bytes: readonly number[]): Uint8Array {
  const packed: number[] = [];
  for (let i = 0; i < bytes.length;) {
    let run = 1;
    while (run < 128 && bytes[i + run] === bytes[i]) run += 1;
    if (run > 1) packed.push(257 - run, bytes[i]!);
    else packed.push(0, bytes[i]!);
    i += run;
  }
  if (packed.length % 2) packed.push(128); // a no-operation, as padding
  return Uint8Array.from(packed);
}

/**
 * JPEG Lossless, Process 14 (T.81 Annex H), with one Huffman code of five bits for each of the 17 categories.
 *
 * @param predictor T.81 Table H.1, 1 to 7
 * @param restartRows rows between restart markers, 0 for none
 * @param pointTransform bits that are dropped from every sample
 */
export function jpegLossless(image: GreyImage, predictor = 1, restartRows = 0, pointTransform = 0): Uint8Array {
  const { rows, columns, bits, samples } = image;
  const modulus = 2 ** 16;
  const at = (y: number, x: number) => (samples[y * columns + x]! & (2 ** bits - 1)) >> pointTransform;
  const out: number[] = [0xff, 0xd8];
  out.push(0xff, 0xc3, 0, 11, bits, rows >> 8, rows & 255, columns >> 8, columns & 255, 1, 1, 0x11, 0);
  // 17 codes of length 5: 00000 to 10000, for categories 0 to 16
  out.push(0xff, 0xc4, 0, 2 + 17 + 17, 0x00, 0, 0, 0, 0, 17, ...new Array(11).fill(0), ...Array(17).keys());
  if (restartRows) out.push(0xff, 0xdd, 0, 4, (restartRows * columns) >> 8, (restartRows * columns) & 255);
  out.push(0xff, 0xda, 0, 8, 1, 1, 0x00, predictor, 0, pointTransform);

  let bitBuffer = '';
  const flush = () => {
    for (let i = 0; i < bitBuffer.length; i += 8) {
      const byte = Number.parseInt(bitBuffer.slice(i, i + 8).padEnd(8, '1'), 2);
      out.push(byte);
      if (byte === 0xff) out.push(0);
    }
    bitBuffer = '';
  };
  for (let y = 0; y < rows; y++) {
    const restarted = restartRows > 0 && y % restartRows === 0;
    if (restarted && y > 0) {
      flush();
      out.push(0xff, 0xd0 + ((y / restartRows - 1) % 8));
    }
    for (let x = 0; x < columns; x++) {
      const first = y === 0 || restarted;
      const a = x > 0 ? at(y, x - 1) : 0;
      const b = y > 0 ? at(y - 1, x) : 0;
      const c = x > 0 && y > 0 ? at(y - 1, x - 1) : 0;
      const predicted =
        first && x === 0 ? 2 ** (bits - pointTransform - 1) : first ? a : x === 0 ? b : predict(predictor, a, b, c);
      let difference = (at(y, x) - predicted + 2 * modulus) % modulus;
      if (difference > modulus / 2) difference -= modulus;
      const category = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1;
      bitBuffer += category.toString(2).padStart(5, '0');
      if (category > 0 && category < 16) {
        const extra = difference > 0 ? difference : difference + 2 ** category - 1;
        bitBuffer += extra.toString(2).padStart(category, '0');
      }
    }
  }
  flush();
  out.push(0xff, 0xd9);
  return Uint8Array.from(out);
}

function predict(predictor: number, a: number, b: number, c: number): number {
  return [0, a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1), (a + b) >> 1][predictor]!;
}

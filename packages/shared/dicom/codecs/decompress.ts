/** Which codec decodes which kind of compressed pixel data. */

import type { CompressedCodec } from '../transfer-syntax.ts';
import { decodeJpeg2000 } from './jpeg-2000.ts';
import { decodeJpegBaseline } from './jpeg-baseline.ts';
import { decodeJpegLossless } from './jpeg-lossless.ts';
import { decodeJpegLs } from './jpeg-ls.ts';
import { decodeRle } from './rle.ts';
import type { FrameSize, Samples } from './samples.ts';

/** Decodes one compressed frame, and checks it against the size and BitsAllocated of the header. */
type Decode = (frame: Uint8Array, size: FrameSize, bitsAllocated: number) => Samples | Promise<Samples>;

const CODECS: Readonly<Record<CompressedCodec, Decode>> = {
  rle: decodeRle,
  'jpeg-baseline': decodeJpegBaseline,
  'jpeg-lossless': decodeJpegLossless,
  'jpeg-ls': decodeJpegLs,
  'jpeg-2000': decodeJpeg2000,
};

/**
 * Decodes one compressed frame.
 *
 * @param size the size that the header promises
 * @param bitsAllocated BitsAllocated of the header
 * @throws {CodecError} if the frame is damaged, cut off, or does not fit the header
 * @throws {CodecUnavailableError} if the codec cannot be loaded
 */
export async function decompress(
  codec: CompressedCodec,
  frame: Uint8Array,
  size: FrameSize,
  bitsAllocated: number,
): Promise<Samples> {
  return CODECS[codec](frame, size, bitsAllocated);
}

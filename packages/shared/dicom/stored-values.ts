/**
 * Stored values: the numbers that a file holds for its pixels, before rescaling. Checks that the frame can be decoded,
 * gets its samples from the native or the compressed pixel data, and takes the bits that count.
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import { CodecError } from './codecs/codec-error.ts';
import { decompress } from './codecs/decompress.ts';
import type { Samples } from './codecs/samples.ts';
import { readDataSet } from './data-set.ts';
import { asDicomError } from './dicom-error.ts';
import { EncapsulatedFrames } from './encapsulated-frames.ts';
import { type DicomHeader, readHeader } from './header.ts';
import { readNativeFrame } from './native-frames.ts';
import { locatePixelData, type PixelData } from './pixel-data.ts';
import { type CompressedCodec, type PixelCodec, transferSyntaxOf } from './transfer-syntax.ts';

/**
 * Samples per compressed frame, at most: 8192 x 8192. No MR slice is larger than 2048 x 2048. The size of a compressed
 * frame cannot be checked against its bytes, so a hostile header could claim any size.
 */
const MOST_SAMPLES = 2 ** 26;

/** The samples of a frame, and which of their bits are the stored value. */
export interface StoredFrame {
  /** [rows * columns], row by row, unsigned; may be a view into the file. */
  readonly samples: Samples['values'];
  /** The stored value is `(sample << left) >> right` if PixelRepresentation is signed, else `(sample << left) >>> right`. */
  readonly left: number;
  readonly right: number;
  /** Whether samples are whole allocated words. Otherwise a codec has dropped the bits above BitsStored. */
  readonly wholeWords: boolean;
}

/** An image whose frames are decoded to samples. */
export interface StoredImage {
  readonly header: DicomHeader;
  /**
   * Decodes one frame, so that its stored values are known.
   *
   * The BitsStored bits up to HighBit count, and their sign if PixelRepresentation is signed; all other bits are
   * ignored (PS3.5 8.1.1). If a compressed frame has fewer bits per sample than BitsStored, its own number of bits
   * counts. Its own sign is ignored: PixelRepresentation decides.
   *
   * @param index place of the frame in the pixel data, from 0
   * @throws {DicomError} `DICOM_TRUNCATED`, `DICOM_UNSUPPORTED`, `DICOM_DECODE_FAILED`; `DICOM_ATTRIBUTE_MISSING`
   *   without pixel data; `DICOM_ATTRIBUTE_INVALID` if header and pixel data contradict each other, or there is no such
   *   frame
   * @throws {CodecUnavailableError} if a codec cannot be loaded, which is not the fault of the file
   */
  stored(index: number): Promise<StoredFrame>;
}

/** Opens an image: see `openImage` for parameters and errors. */
export function openStored(bytes: Uint8Array, context: ErrorContext = {}): StoredImage {
  try {
    const dataSet = readDataSet(bytes, context);
    const pixels = locatePixelData(dataSet);
    const header = readHeader(dataSet, pixels, context);
    const decoder = new FrameDecoder(header, pixels, context);
    return { header, stored: (index) => decoder.decode(index) };
  } catch (error) {
    throw asDicomError(error, 'the header cannot be read', context);
  }
}

/** Decodes the frames of one image. The fragments of compressed pixel data are found once, for the first frame. */
class FrameDecoder {
  readonly #header: DicomHeader;
  readonly #pixels: PixelData | undefined;
  readonly #context: ErrorContext;
  #encapsulated: EncapsulatedFrames | undefined;

  constructor(header: DicomHeader, pixels: PixelData | undefined, context: ErrorContext) {
    this.#header = header;
    this.#pixels = pixels;
    this.#context = context;
  }

  async decode(index: number): Promise<StoredFrame> {
    try {
      return await this.#decode(index);
    } catch (error) {
      throw asDicomError(error, `frame ${index} cannot be decoded`, this.#context);
    }
  }

  async #decode(index: number): Promise<StoredFrame> {
    const [header, context] = [this.#header, this.#context];
    if (!Number.isInteger(index) || index < 0 || index >= header.frames.length) {
      throw new DicomError('DICOM_ATTRIBUTE_INVALID', `there is no frame ${index}`, {
        ...context,
        expected: `0 to ${header.frames.length - 1}`,
      });
    }
    const codec = codecFor(header, context);
    const pixels = this.#pixels;
    if (pixels === undefined) {
      throw new DicomError('DICOM_ATTRIBUTE_MISSING', 'no pixel data (7FE0,0010)', context);
    }
    const wantsFragments = codec !== 'native';
    if (pixels.encapsulated !== wantsFragments) {
      throw new DicomError('DICOM_ATTRIBUTE_INVALID', 'transfer syntax and pixel data contradict each other', {
        ...context,
        expected: `${wantsFragments ? 'encapsulated' : 'native'} pixel data for ${header.transferSyntaxUid}`,
        found: pixels.encapsulated ? 'encapsulated' : 'native',
      });
    }
    const shift = header.highBit + 1 - header.bitsStored;
    if (codec === 'native') {
      const samples = readNativeFrame(pixels, header, index, context);
      return storedFrame(samples, shift, header.bitsStored, true, header, context);
    }
    if (header.rows * header.columns > MOST_SAMPLES) {
      throw new DicomError('DICOM_UNSUPPORTED', `a compressed frame of ${header.rows}x${header.columns}`, {
        ...context,
        expected: `at most ${MOST_SAMPLES} samples`,
      });
    }
    const { values, precision } = await this.#decompress(pixels, codec, index);
    // RLE keeps whole allocated words, so HighBit counts. The samples of all other codecs begin at bit 0.
    if (codec === 'rle') return storedFrame(values, shift, header.bitsStored, true, header, context);
    return storedFrame(values, 0, Math.min(precision, header.bitsStored), false, header, context);
  }

  async #decompress(pixels: PixelData, codec: CompressedCodec, index: number): Promise<Samples> {
    const [header, context] = [this.#header, this.#context];
    this.#encapsulated ??= new EncapsulatedFrames(pixels, header.frames.length, codec, context);
    const compressed = this.#encapsulated.read(index);
    try {
      return await decompress(codec, compressed, header, header.bitsAllocated);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      const { code, message, expected, found } = error;
      throw new DicomError(code, `frame ${index}: ${message}`, { ...context, expected, found }, { cause: error });
    }
  }
}

/**
 * The codec that the frames of an image need.
 *
 * @throws {DicomError} `DICOM_UNSUPPORTED` for images that are not read at all
 */
function codecFor(header: DicomHeader, context: ErrorContext): PixelCodec {
  const syntax = transferSyntaxOf(header.transferSyntaxUid);
  if (!syntax.codec) {
    throw new DicomError('DICOM_UNSUPPORTED', `transfer syntax ${syntax.uid} (${syntax.name}) is not read`, context);
  }
  if (header.samplesPerPixel !== 1) {
    const found = `${header.samplesPerPixel}`;
    throw new DicomError('DICOM_UNSUPPORTED', 'SamplesPerPixel (0028,0002)', { ...context, expected: '1', found });
  }
  if (!/^MONOCHROME[12]$/.test(header.photometricInterpretation)) {
    throw new DicomError('DICOM_UNSUPPORTED', 'PhotometricInterpretation (0028,0004)', {
      ...context,
      expected: 'MONOCHROME1 or MONOCHROME2',
      found: header.photometricInterpretation.slice(0, 16),
    });
  }
  if (![8, 16, 32].includes(header.bitsAllocated)) {
    throw new DicomError('DICOM_UNSUPPORTED', 'BitsAllocated (0028,0100)', {
      ...context,
      expected: '8, 16 or 32',
      found: `${header.bitsAllocated}`,
    });
  }
  return syntax.codec;
}

/** Bits `shift` to `shift + bits - 1` of every sample are its stored value. */
function storedFrame(
  samples: Samples['values'],
  shift: number,
  bits: number,
  wholeWords: boolean,
  { signed }: DicomHeader,
  context: ErrorContext,
): StoredFrame {
  // Only 32 unsigned bits do not fit int32.
  if (bits === 32 && !signed && samples.some((sample) => sample > 0x7fffffff)) {
    throw new DicomError('DICOM_UNSUPPORTED', 'stored values beyond 2147483647', context);
  }
  return { samples, left: 32 - bits - shift, right: 32 - bits, wholeWords };
}

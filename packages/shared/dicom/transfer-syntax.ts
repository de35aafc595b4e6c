/**
 * Which transfer syntaxes spineline reads: how the data set is written and which codec the frames need, by UID (PS3.5
 * section 10 and Annex A, PS3.6 Annex A). The codecs are in `codecs/`; `codecs/decompress.ts` lists them.
 */

/** How the pixel data of a frame are stored. */
export type PixelCodec = 'native' | 'rle' | 'jpeg-baseline' | 'jpeg-lossless' | 'jpeg-ls' | 'jpeg-2000';

/** The codecs of compressed, that is encapsulated, pixel data. */
export type CompressedCodec = Exclude<PixelCodec, 'native'>;

/** How a data set and its pixel data are written. */
export interface TransferSyntax {
  readonly uid: string;
  readonly name: string;
  /** Whether elements carry their VR. */
  readonly explicitVr: boolean;
  readonly bigEndian: boolean;
  /** Whether the data set after the file meta information is one raw deflate stream. */
  readonly deflated: boolean;
  /** `undefined` if spineline cannot decode the pixel data; it can still read the header. */
  readonly codec: PixelCodec | undefined;
}

export const IMPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2';
export const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
export const EXPLICIT_BIG_ENDIAN = '1.2.840.10008.1.2.2';
const DEFLATED_EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1.99';

const UNCOMPRESSED: readonly TransferSyntax[] = [
  syntax(IMPLICIT_LITTLE_ENDIAN, 'Implicit VR Little Endian', 'native', { explicitVr: false }),
  syntax(EXPLICIT_LITTLE_ENDIAN, 'Explicit VR Little Endian', 'native'),
  syntax(EXPLICIT_BIG_ENDIAN, 'Explicit VR Big Endian', 'native', { bigEndian: true }),
  syntax(DEFLATED_EXPLICIT_LITTLE_ENDIAN, 'Deflated Explicit VR Little Endian', 'native', { deflated: true }),
];

const ENCAPSULATED: readonly TransferSyntax[] = [
  syntax('1.2.840.10008.1.2.4.50', 'JPEG Baseline (Process 1)', 'jpeg-baseline'),
  syntax('1.2.840.10008.1.2.4.57', 'JPEG Lossless (Process 14)', 'jpeg-lossless'),
  syntax('1.2.840.10008.1.2.4.70', 'JPEG Lossless (Process 14, Selection Value 1)', 'jpeg-lossless'),
  syntax('1.2.840.10008.1.2.4.80', 'JPEG-LS Lossless', 'jpeg-ls'),
  syntax('1.2.840.10008.1.2.4.81', 'JPEG-LS Near-Lossless', 'jpeg-ls'),
  syntax('1.2.840.10008.1.2.4.90', 'JPEG 2000 Lossless Only', 'jpeg-2000'),
  syntax('1.2.840.10008.1.2.4.91', 'JPEG 2000', 'jpeg-2000'),
  syntax('1.2.840.10008.1.2.5', 'RLE Lossless', 'rle'),
];

/** Names of common syntaxes that spineline does not read, for the error message. */
const NOT_READ: Readonly<Record<string, string>> = {
  '1.2.840.10008.1.2.4.51': 'JPEG Extended (Process 2 & 4)',
  '1.2.840.10008.1.2.4.92': 'JPEG 2000 Part 2 Multi-component Lossless Only',
  '1.2.840.10008.1.2.4.93': 'JPEG 2000 Part 2 Multi-component',
  '1.2.840.10008.1.2.4.100': 'MPEG2 Main Profile / Main Level',
  '1.2.840.10008.1.2.4.102': 'MPEG-4 AVC/H.264 High Profile / Level 4.1',
  '1.2.840.10008.1.2.4.110': 'JPEG XL Lossless',
  '1.2.840.10008.1.2.4.112': 'JPEG XL',
  '1.2.840.10008.1.2.4.201': 'High-Throughput JPEG 2000 Lossless Only',
  '1.2.840.10008.1.2.4.203': 'High-Throughput JPEG 2000',
  '1.2.840.10008.1.2.8.1': 'Deflated Image Frame Compression',
  '1.2.840.113619.5.2': 'GE private implicit VR with big-endian pixel data',
};

const BY_UID = new Map([...UNCOMPRESSED, ...ENCAPSULATED].map((one) => [one.uid, one]));

/**
 * The transfer syntax of a UID.
 *
 * An unknown UID counts as a compression without codec. All compressed syntaxes are explicit VR little endian outside
 * of the pixel data (PS3.5 A.4), so the header can be read.
 */
export function transferSyntaxOf(uid: string): TransferSyntax {
  return BY_UID.get(uid) ?? syntax(uid, NOT_READ[uid] ?? 'unknown', undefined);
}

function syntax(
  uid: string,
  name: string,
  codec: PixelCodec | undefined,
  encoding: Partial<Pick<TransferSyntax, 'explicitVr' | 'bigEndian' | 'deflated'>> = {},
): TransferSyntax {
  return { uid, name, codec, explicitVr: true, bigEndian: false, deflated: false, ...encoding };
}

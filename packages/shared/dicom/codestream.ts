/**
 * What a compressed frame says of itself, read from its markers before a codec is given it: kind, size, precision, and
 * whether it is all there. Sources: ITU-T T.81 Annex B (JPEG), T.87 Annex C (JPEG-LS), T.800 Annex A (JPEG 2000).
 */

/** A codestream's own account of its image. */
export interface CodestreamImage {
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  /** Bits a sample. */
  readonly precision: number;
}

/** The head of a JPEG or JPEG-LS frame. */
export interface JpegHead extends CodestreamImage {
  /** Second byte of the SOF marker: C0 baseline, C3 lossless, F7 JPEG-LS. */
  readonly startOfFrame: number;
  /** Lossless: predictor, T.81 Table H.1. */
  readonly predictor: number;
  /** Lossless: bits dropped from every sample, Al. */
  readonly pointTransform: number;
  /** MCUs between restart markers, 0 for none. */
  readonly restartInterval: number;
  /** Huffman tables, DHT: the bytes after each one's length (T.81 B.2.4.2). */
  readonly huffmanTables: readonly Uint8Array[];
  /** Huffman table of the scan's first component, Td. */
  readonly huffmanTable: number;
  /** Position of the first entropy-coded byte. */
  readonly scanStart: number;
  /** Whether an end of image, EOI, follows the first scan; compressed data cannot look like it. */
  readonly complete: boolean;
}

/** Reads the markers of a JPEG or JPEG-LS frame up to its first scan; `undefined` if they do not lead there. */
export function readJpegHead(bytes: Uint8Array): JpegHead | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let frame: (CodestreamImage & Pick<JpegHead, 'startOfFrame'>) | undefined;
  const huffmanTables: Uint8Array[] = [];
  let restartInterval = 0;
  let position = 2;
  while (position + 4 <= bytes.length) {
    if (bytes[position] !== 0xff) return undefined;
    const marker = bytes[position + 1]!;
    if (marker === 0xff) {
      position += 1; // fill byte, T.81 B.1.1.2
      continue;
    }
    const length = view.getUint16(position + 2);
    const end = position + 2 + length;
    if (length < 2 || end > bytes.length) return undefined;
    if (isStartOfFrame(marker)) {
      if (length < 8) return undefined;
      frame = {
        startOfFrame: marker,
        precision: bytes[position + 4]!,
        rows: view.getUint16(position + 5),
        columns: view.getUint16(position + 7),
        components: bytes[position + 9]!,
      };
    } else if (marker === 0xc4) {
      huffmanTables.push(bytes.subarray(position + 4, end));
    } else if (marker === 0xdd && length === 4) {
      restartInterval = view.getUint16(position + 4);
    } else if (marker === 0xda) {
      if (!frame || length < 6) return undefined;
      const complete = holdsEndOfImage(bytes.subarray(end));
      const [predictor, pointTransform] = [bytes[end - 3]!, bytes[end - 1]! & 0x0f];
      const huffmanTable = bytes[position + 6]! >> 4;
      const scan = { huffmanTables, huffmanTable, scanStart: end };
      return { ...frame, ...scan, restartInterval, predictor, pointTransform, complete };
    }
    position = end;
  }
  return undefined;
}

/** C0 to CF but for DHT (C4), JPG (C8) and DAC (CC); F7 is JPEG-LS. */
function isStartOfFrame(marker: number): boolean {
  return (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) || marker === 0xf7;
}

function holdsEndOfImage(scan: Uint8Array): boolean {
  // From the end, where it is but for padding.
  for (let at = scan.lastIndexOf(0xd9); at > 0; at = scan.lastIndexOf(0xd9, at - 1)) {
    if (scan[at - 1] === 0xff) return true;
  }
  return false;
}

/** The head of a JPEG 2000 codestream. */
export interface Jpeg2000Head extends CodestreamImage {
  readonly signed: boolean;
  /** Component 0 is sampled at every point of a grid that begins at 0, 0: what DICOM asks for, and codecs assume. */
  readonly plainGrid: boolean;
  /** Position of component 0's Ssiz, whose high bit is the sign. */
  readonly ssizPosition: number;
  /** Every tile-part is as long as it says. */
  readonly complete: boolean;
}

/**
 * The codestream itself: DICOM wants it bare (PS3.5 A.4.4), some writers leave it in its JP2 boxes (T.800 Annex I).
 */
export function unwrapJpeg2000(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === 0xff || bytes.length < 12) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let position = 0;
  while (position + 8 <= bytes.length) {
    const length = view.getUint32(position);
    if (view.getUint32(position + 4) === 0x6a703263) return bytes.subarray(position + (length === 1 ? 16 : 8));
    if (length < 8) return bytes;
    position += length;
  }
  return bytes;
}

/** Reads the SIZ marker and steps through the tile-parts; `undefined` if this is no JPEG 2000 codestream. */
export function readJpeg2000Head(bytes: Uint8Array): Jpeg2000Head | undefined {
  if (bytes.length < 45) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0) !== 0xff4fff51 || view.getUint16(4) < 41) return undefined;
  const [left, top] = [view.getUint32(16), view.getUint32(20)];
  const ssiz = bytes[42]!;
  return {
    columns: view.getUint32(8) - left,
    rows: view.getUint32(12) - top,
    components: view.getUint16(40),
    precision: (ssiz & 0x7f) + 1,
    signed: (ssiz & 0x80) !== 0,
    ssizPosition: 42,
    plainGrid: left === 0 && top === 0 && bytes[43] === 1 && bytes[44] === 1,
    complete: tilePartsComplete(view),
  };
}

/** OpenJPEG fills what a cut codestream lacks with something; so lengths are compared here (T.800 A.4.2). */
function tilePartsComplete(view: DataView): boolean {
  let position = 2;
  while (position + 4 <= view.byteLength && view.getUint16(position) !== 0xff90) {
    const marker = view.getUint16(position);
    if (marker < 0xff00) return false;
    position += 2 + view.getUint16(position + 2);
  }
  while (position + 12 <= view.byteLength && view.getUint16(position) === 0xff90) {
    const length = view.getUint32(position + 6);
    if (length === 0) return endsWithEoc(view); // the last tile-part runs up to the end of codestream
    if (length < 14) return false;
    position += length;
  }
  return position + 2 <= view.byteLength && view.getUint16(position) === 0xffd9;
}

/** Whether the codestream ends with EOC, but for padding. */
function endsWithEoc(view: DataView): boolean {
  let end = view.byteLength;
  while (end > 2 && view.getUint8(end - 1) === 0) end -= 1;
  return view.getUint16(end - 2) === 0xffd9;
}

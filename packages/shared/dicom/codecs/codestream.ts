/**
 * What a compressed frame says about itself in its markers: kind, size, precision, and whether it is complete. This is
 * read before a codec gets the frame. Sources: ITU-T T.81 Annex B (JPEG), T.87 Annex C (JPEG-LS), T.800 Annex A (JPEG
 * 2000).
 */

/** What a codestream says about its image. */
export interface CodestreamImage {
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  /** Bits per sample. */
  readonly precision: number;
}

/** The head of a JPEG or JPEG-LS frame. */
export interface JpegHead extends CodestreamImage {
  /** Second byte of the SOF marker: C0 baseline, C3 lossless, F7 JPEG-LS. */
  readonly startOfFrame: number;
  /** JPEG Lossless: predictor (T.81 Table H.1). */
  readonly predictor: number;
  /** JPEG Lossless: bits dropped from every sample (Al). */
  readonly pointTransform: number;
  /** Number of MCUs between restart markers; 0 if there are none. */
  readonly restartInterval: number;
  /** DHT segments without marker and length; each holds one or more Huffman tables (T.81 B.2.4.2). */
  readonly huffmanTables: readonly Uint8Array[];
  /** Number of the Huffman table for the first component of the scan (Td). */
  readonly huffmanTable: number;
  /** Byte position of the first entropy-coded byte. */
  readonly scanStart: number;
  /** Whether an end-of-image marker (EOI) follows. Entropy-coded data never contain its bytes. */
  readonly complete: boolean;
}

/** Reads the markers of a JPEG or JPEG-LS frame up to its first scan; `undefined` if there is no valid way to it. */
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
      position += 1; // fill byte (T.81 B.1.1.2)
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

/** SOF markers: C0 to CF without DHT (C4), JPG (C8) and DAC (CC); F7 is that of JPEG-LS. */
function isStartOfFrame(marker: number): boolean {
  return (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) || marker === 0xf7;
}

function holdsEndOfImage(scan: Uint8Array): boolean {
  // Searched from the end, where only padding may follow it.
  for (let at = scan.lastIndexOf(0xd9); at > 0; at = scan.lastIndexOf(0xd9, at - 1)) {
    if (scan[at - 1] === 0xff) return true;
  }
  return false;
}

/** The head of a JPEG 2000 codestream. */
interface Jpeg2000Head extends CodestreamImage {
  readonly signed: boolean;
  /** Whether the image begins at 0, 0 of its grid and component 0 has a sample at every point, as the codec assumes. */
  readonly plainGrid: boolean;
  /** Byte position of Ssiz of component 0; its high bit is the sign. */
  readonly ssizPosition: number;
  /** Whether all tile-parts have the length that they declare. */
  readonly complete: boolean;
}

/**
 * The codestream without JP2 boxes (T.800 Annex I). DICOM forbids the boxes (PS3.5 A.4.4), but some writers keep them.
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

/** Reads the SIZ marker and the lengths of the tile-parts; `undefined` if this is not a JPEG 2000 codestream. */
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

/**
 * Whether all tile-parts are complete (T.800 A.4.2). This must be checked, because OpenJPEG does not refuse a
 * codestream that is cut: it makes up the missing pixels.
 */
function tilePartsComplete(view: DataView): boolean {
  let position = 2;
  while (position + 4 <= view.byteLength && view.getUint16(position) !== 0xff90) {
    const marker = view.getUint16(position);
    if (marker < 0xff00) return false;
    position += 2 + view.getUint16(position + 2);
  }
  while (position + 12 <= view.byteLength && view.getUint16(position) === 0xff90) {
    const length = view.getUint32(position + 6);
    if (length === 0) return endsWithEoc(view); // the last tile-part goes on to the end of the codestream
    if (length < 14) return false;
    position += length;
  }
  return position + 2 <= view.byteLength && view.getUint16(position) === 0xffd9;
}

/** Whether the codestream ends with EOC; zeros may follow as padding. */
function endsWithEoc(view: DataView): boolean {
  let end = view.byteLength;
  while (end > 2 && view.getUint8(end - 1) === 0) end -= 1;
  return view.getUint16(end - 2) === 0xffd9;
}

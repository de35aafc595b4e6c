/**
 * Encodes 16-bit words as JPEG Lossless, process 14, selection value 1. All images use one Huffman table, which costs
 * at most a few bits per pixel more than a fitted one.
 *
 * Source: ITU-T T.81, annexes F.1.2.1 and H.1.2.
 */

/** Lengths of the 17 code words, one per difference category, in order of code. */
const CODE_LENGTHS = [3, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];

interface HuffmanTable {
  readonly order: readonly number[];
  readonly counts: readonly number[];
  readonly codes: readonly number[];
  readonly lengths: readonly number[];
}

/** Noise gives differences of 4 to 128: those categories get the short codes. */
const TABLE = buildTable([5, 6, 4, 7, 3, 8, 2, 1, 9, 0, 10, 11, 12, 13, 14, 15, 16]);

/**
 * @param pixels little-endian 16-bit words, row by row.
 * @param precision bits per sample in the frame header, 2..16; words must fit when read as unsigned.
 */
export function encodeJpegLossless(pixels: Uint8Array, rows: number, columns: number, precision: number): Uint8Array {
  const bits = new BitWriter(pixels.length * 2 + 1024);
  const initial = 1 << (precision - 1);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = 2 * (row * columns + column);
      const value = pixels[at]! | (pixels[at + 1]! << 8);
      // H.1.2.1: the first row predicts from the left, each later row's first sample from above.
      const before = column > 0 ? at - 2 : row > 0 ? at - 2 * columns : -1;
      const predicted = before < 0 ? initial : pixels[before]! | (pixels[before + 1]! << 8);
      writeDifference(bits, value - predicted);
    }
  }
  return Buffer.concat([header(rows, columns, precision), bits.finish(), Buffer.from([0xff, 0xd9])]);
}

/** Differences are modulo 2^16 (H.1.2.1); category 16 stands for 32768 alone and has no extra bits. */
function writeDifference(bits: BitWriter, difference: number): void {
  const wrapped = (difference << 16) >> 16;
  if (wrapped === -32768) {
    bits.write(TABLE.codes[16]!, TABLE.lengths[16]!);
    return;
  }
  const category = wrapped === 0 ? 0 : 32 - Math.clz32(Math.abs(wrapped));
  bits.write(TABLE.codes[category]!, TABLE.lengths[category]!);
  if (category > 0) bits.write(wrapped > 0 ? wrapped : wrapped + (1 << category) - 1, category);
}

function buildTable(order: readonly number[]): HuffmanTable {
  const counts = new Array<number>(16).fill(0);
  const codes: number[] = [];
  const lengths: number[] = [];
  let code = 0;
  let length = CODE_LENGTHS[0]!;
  order.forEach((category, index) => {
    const wanted = CODE_LENGTHS[index]!;
    code <<= wanted - length;
    length = wanted;
    counts[length - 1]!++;
    codes[category] = code++;
    lengths[category] = length;
  });
  return { order, counts, codes, lengths };
}

function header(rows: number, columns: number, precision: number): Buffer {
  const { counts, order } = TABLE;
  return Buffer.from([
    ...[0xff, 0xd8],
    ...[0xff, 0xc3, 0, 11, precision, rows >> 8, rows & 255, columns >> 8, columns & 255, 1, 1, 0x11, 0],
    ...[0xff, 0xc4, 0, 19 + order.length, 0, ...counts, ...order],
    ...[0xff, 0xda, 0, 8, 1, 1, 0, 1, 0, 0],
  ]);
}

/** Writes bits, most significant first, with a zero byte after each 0xFF (T.81 F.1.2.3). */
class BitWriter {
  #bytes: Buffer;
  #length = 0;
  #pending = 0;
  #count = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.alloc(capacity);
  }

  write(value: number, length: number): void {
    for (let left = length; left > 0;) {
      const take = Math.min(left, 8 - this.#count);
      this.#pending = (this.#pending << take) | ((value >> (left - take)) & ((1 << take) - 1));
      this.#count += take;
      left -= take;
      if (this.#count === 8) this.#flush();
    }
  }

  finish(): Buffer {
    if (this.#count > 0) this.write((1 << (8 - this.#count)) - 1, 8 - this.#count);
    return this.#bytes.subarray(0, this.#length);
  }

  #flush(): void {
    if (this.#length + 2 > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)]);
    }
    this.#bytes[this.#length++] = this.#pending;
    if (this.#pending === 0xff) this.#bytes[this.#length++] = 0;
    this.#pending = 0;
    this.#count = 0;
  }
}

/**
 * Exact percentiles of millions of float32 values in two passes. The bits of each value are mapped to an integer in the
 * same order. The first pass counts the upper 16 bits; the second counts the lower 16 bits in the few bins that hold a
 * wanted rank.
 *
 * The definition is that of `numpy.percentile(..., method='linear')`: the value at rank (n - 1) * p / 100 of the sorted
 * values, with linear interpolation between two ranks. Source: docs/pipeline.md, "Normalising and resizing".
 */

const HALF = 1 << 16;
const EXPONENT = 0x7f800000;

/**
 * Two percentiles over all values of all stacks together. Values that are not finite are not counted. Without any
 * finite value the result is { low: 0, high: 0 }.
 *
 * @param low percentile in [0, 100].
 * @param high percentile in [low, 100].
 * @param distributionOf returns the `Distribution` of a stack. Pass it to reuse distributions of stacks that are
 *   measured more than once.
 * @throws {RangeError} if the percentiles are not in that order and range.
 */
export function percentiles(
  stacks: readonly Float32Array[],
  low: number,
  high: number,
  distributionOf = (stack: Float32Array): Distribution => new Distribution(stack),
): { low: number; high: number } {
  if (!(low >= 0 && high >= low && high <= 100)) {
    throw new RangeError(`percentiles run from 0 to 100 in rising order; found ${low} and ${high}`);
  }
  const distributions = stacks.map(distributionOf);
  const upper = new Uint32Array(HALF);
  for (const { histogram } of distributions) {
    for (let bin = 0; bin < HALF; bin++) upper[bin]! += histogram[bin]!;
  }
  let count = 0;
  for (let bin = 0; bin < HALF; bin++) count += upper[bin]!;
  if (count === 0) return { low: 0, high: 0 };

  const ranks = [low, high].map((percentile) => ((count - 1) * percentile) / 100);
  const wanted = ranks.flatMap((rank) => [Math.floor(rank), Math.ceil(rank)]).map((rank) => locate(upper, rank));

  // Lower halves of the few bins that hold a wanted rank.
  const lower = new Map(wanted.map(({ bin }) => [bin, new Uint32Array(HALF)]));
  for (const [bin, histogram] of lower) {
    for (const distribution of distributions) {
      for (const half of distribution.lowerHalves(bin)) histogram[half]!++;
    }
  }
  const values = wanted.map(({ bin, rank }) => floatOfKey((bin << 16) | locate(lower.get(bin)!, rank).bin | 0));
  return {
    low: between(values[0]!, values[1]!, ranks[0]! % 1),
    high: between(values[2]!, values[3]!, ranks[1]! % 1),
  };
}

/** The finite values of a stack by the upper halves of their keys. */
export class Distribution {
  /** How many values each upper half has: uint32 [65536]. */
  readonly histogram = new Uint32Array(HALF);
  /** End of each bin in `#lower`. */
  readonly #ends = new Uint32Array(HALF);
  /** Lower halves, bin by bin, in the order of the stack. */
  readonly #lower: Uint16Array;

  constructor(stack: Float32Array) {
    const words = bitsOf(stack);
    countUpperHalves(words, this.histogram);
    let total = 0;
    for (let bin = 0; bin < HALF; bin++) {
      this.#ends[bin] = total;
      total += this.histogram[bin]!;
    }
    this.#lower = new Uint16Array(total);
    // The starts become the ends.
    groupLowerHalves(words, this.#ends, this.#lower);
  }

  /** The lower halves of the values in a bin. */
  lowerHalves(bin: number): Uint16Array {
    const end = this.#ends[bin]!;
    return this.#lower.subarray(end - this.histogram[bin]!, end);
  }
}

function countUpperHalves(words: Int32Array, histogram: Uint32Array): void {
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if ((word & EXPONENT) !== EXPONENT) histogram[risingKey(word) >>> 16]!++;
  }
}

function groupLowerHalves(words: Int32Array, next: Uint32Array, out: Uint16Array): void {
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if ((word & EXPONENT) === EXPONENT) continue;
    const key = risingKey(word);
    out[next[key >>> 16]!++] = key;
  }
}

/** The same memory as 32-bit integers: Float32Arrays are aligned to four bytes. */
function bitsOf(stack: Float32Array): Int32Array {
  return new Int32Array(stack.buffer, stack.byteOffset, stack.length);
}

/** Maps the bits of a float32 to an unsigned integer, so that integers are ordered as the floats are. */
function risingKey(word: number): number {
  return word ^ ((word >> 31) | 0x80000000);
}

const asWord = new Int32Array(1);
const asFloat = new Float32Array(asWord.buffer);

/** Inverse of `risingKey`, as a number. */
function floatOfKey(key: number): number {
  asWord[0] = key < 0 ? key ^ 0x80000000 : ~key;
  return asFloat[0]!;
}

/** The bin that holds a rank (from 0), and the rank within it. */
function locate(histogram: Uint32Array, rank: number): { bin: number; rank: number } {
  let left = rank;
  for (let bin = 0; bin < histogram.length; bin++) {
    if (left < histogram[bin]!) return { bin, rank: left };
    left -= histogram[bin]!;
  }
  throw new RangeError(`rank ${rank} lies beyond the histogram`);
}

function between(a: number, b: number, fraction: number): number {
  return a + (b - a) * fraction;
}

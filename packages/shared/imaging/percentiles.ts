/**
 * Exact percentiles of millions of float32 values in two passes and without sorting: the bits of a float32, turned so
 * that they count upwards, are histogrammed by their upper and then by their lower 16 bits.
 *
 * The definition is that of `numpy.percentile(..., method='linear')`: the value at rank (n - 1) * p / 100 of the sorted
 * values, between two ranks by linear interpolation.
 */

const HALF = 1 << 16;
const EXPONENT = 0x7f800000;

/**
 * Two percentiles over all values of all stacks together. Values that are not finite do not count; without any finite
 * value the result is { low: 0, high: 0 }.
 *
 * @param low percentile in [0, 100].
 * @param high percentile in [low, 100].
 * @param histogramOf gives `upperHistogram` of a stack, for stacks that are asked for more than once.
 * @throws {RangeError} if the percentiles are not in that order and range.
 */
export function percentiles(
  stacks: readonly Float32Array[],
  low: number,
  high: number,
  histogramOf: (stack: Float32Array) => Uint32Array = upperHistogram,
): { low: number; high: number } {
  if (!(low >= 0 && high >= low && high <= 100)) {
    throw new RangeError(`percentiles run from 0 to 100 in rising order; found ${low} and ${high}`);
  }
  const upper = new Uint32Array(HALF);
  for (const stack of stacks) {
    const histogram = histogramOf(stack);
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
    for (const stack of stacks) countLowerHalves(bitsOf(stack), bin, histogram);
  }
  const values = wanted.map(({ bin, rank }) => floatOfKey((bin << 16) | locate(lower.get(bin)!, rank).bin | 0));
  return {
    low: between(values[0]!, values[1]!, ranks[0]! % 1),
    high: between(values[2]!, values[3]!, ranks[1]! % 1),
  };
}

/** How many finite values of a stack have each of the upper halves of their bits: uint32 [65536]. */
export function upperHistogram(stack: Float32Array): Uint32Array {
  const words = bitsOf(stack);
  const histogram = new Uint32Array(HALF);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if ((word & EXPONENT) !== EXPONENT) histogram[risingKey(word) >>> 16]!++;
  }
  return histogram;
}

/** Adds the lower halves of the keys in an upper bin; a bin that is wanted holds finite values alone. */
function countLowerHalves(words: Int32Array, bin: number, histogram: Uint32Array): void {
  for (let i = 0; i < words.length; i++) {
    const key = risingKey(words[i]!);
    if (key >>> 16 === bin) histogram[key & (HALF - 1)]!++;
  }
}

/** Float32Arrays are aligned to four bytes, so their bits can be looked at in place. */
function bitsOf(stack: Float32Array): Int32Array {
  return new Int32Array(stack.buffer, stack.byteOffset, stack.length);
}

/** The bits of a float32 as an integer whose unsigned order is the order of the floats. */
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

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
 * @throws {RangeError} if the percentiles are not in that order and range.
 */
export function percentiles(stacks: readonly Float32Array[], low: number, high: number): { low: number; high: number } {
  if (!(low >= 0 && high >= low && high <= 100)) {
    throw new RangeError(`percentiles run from 0 to 100 in rising order; found ${low} and ${high}`);
  }
  // Float32Arrays are aligned to four bytes, so their bits can be looked at in place.
  const bits = stacks.map((stack) => new Int32Array(stack.buffer, stack.byteOffset, stack.length));

  const upper = new Uint32Array(HALF);
  let count = 0;
  for (const words of bits) {
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      if ((word & EXPONENT) === EXPONENT) continue;
      upper[risingKey(word) >>> 16]!++;
      count++;
    }
  }
  if (count === 0) return { low: 0, high: 0 };

  const ranks = [low, high].map((percentile) => ((count - 1) * percentile) / 100);
  const wanted = ranks.flatMap((rank) => [Math.floor(rank), Math.ceil(rank)]).map((rank) => locate(upper, rank));

  // Lower halves of the few bins that hold a wanted rank.
  const lower = new Map(wanted.map(({ bin }) => [bin, new Uint32Array(HALF)]));
  const histogramOf = Array.from({ length: HALF }, (_, bin) => lower.get(bin));
  for (const words of bits) {
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      if ((word & EXPONENT) === EXPONENT) continue;
      const key = risingKey(word);
      const histogram = histogramOf[key >>> 16];
      if (histogram) histogram[key & (HALF - 1)]!++;
    }
  }
  const values = wanted.map(({ bin, rank }) => floatOfKey((bin << 16) | locate(lower.get(bin)!, rank).bin | 0));
  return {
    low: between(values[0]!, values[1]!, ranks[0]! % 1),
    high: between(values[2]!, values[3]!, ranks[1]! % 1),
  };
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

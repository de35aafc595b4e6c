/**
 * Exact percentiles of millions of float32 values in two passes. The first pass counts the upper 16 bits of the values;
 * the second counts the lower 16 bits of those values whose upper bits are those of a wanted rank.
 *
 * The definition is that of `numpy.percentile(..., method='linear')`: the value at rank (n - 1) * p / 100 of the sorted
 * values, with linear interpolation between two ranks. Source: docs/pipeline.md, "Normalising and resizing".
 */

import { type Address, type KernelMemory, withKernels } from './kernel-memory.ts';

/** How many values 16 bits have. */
const HALF = 1 << 16;
/** Values of an array that are copied into the memory of the kernels at a time: a slice of 512 x 512. */
const PART = 1 << 18;
/** Histograms that the first pass counts in turns. */
const TURNS = 4;

/** `count` float32 values in the memory of the kernels. */
export interface StoredValues {
  readonly at: Address;
  readonly count: number;
}

type Values = Float32Array | StoredValues;

/** A histogram of 16 bits, without its empty bins. */
interface Histogram {
  readonly bins: Uint16Array;
  readonly counts: Uint32Array;
}

// Upper halves of the bits of float32. From 0 the values rise with the bits, from -0 they fall.
const INFINITE = 0x7f80;
const NEGATIVE = 0x8000;
const NEGATIVE_INFINITE = 0xff80;

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
export function percentiles<V extends Values>(
  stacks: readonly V[],
  low: number,
  high: number,
  distributionOf = (stack: V): Distribution => new Distribution(stack),
): { low: number; high: number } {
  if (!(low >= 0 && high >= low && high <= 100)) {
    throw new RangeError(`percentiles run from 0 to 100 in rising order; found ${low} and ${high}`);
  }
  const distributions = stacks.map(distributionOf);
  const upper = finiteInOrder(sumOf(distributions.map(({ upperHalves }) => upperHalves)));
  const count = upper.counts.reduce((sum, one) => sum + one, 0);
  if (count === 0) return { low: 0, high: 0 };

  const ranks = [low, high].map((percentile) => ((count - 1) * percentile) / 100);
  const wanted = ranks.flatMap((rank) => [Math.floor(rank), Math.ceil(rank)]).map((rank) => locate(upper, rank));
  const uppers = [...new Set(wanted.map(({ bin }) => bin))];
  const lower = distributions.map((distribution) => distribution.lowerHalves(uppers));
  const lowerOf = new Map(
    uppers.map((bin, i) => {
      const sum = sumOf(lower.map((histograms) => histograms[i]!));
      return [bin, bin >= NEGATIVE ? reversed(sum) : sum];
    }),
  );
  const values = wanted.map(({ bin, rank }) => floatOf(bin, locate(lowerOf.get(bin)!, rank).bin));
  return {
    low: mix(values[0]!, values[1]!, ranks[0]! % 1),
    high: mix(values[2]!, values[3]!, ranks[1]! % 1),
  };
}

/** The values of a stack by their bits, in rising order of the bits. */
export class Distribution {
  /** How many values have each upper half. */
  readonly upperHalves: Histogram;
  readonly #stack: Values;
  /** By upper half. */
  readonly #lower = new Map<number, Histogram>();

  constructor(stack: Values) {
    this.#stack = stack;
    this.upperHalves = withKernels((memory) => {
      const histograms = emptyHistograms(memory, TURNS);
      forEachPart(memory, stack, (at, count) => memory.run.countUpperHalves(at, count, histograms));
      return listBins(memory, histograms, TURNS);
    });
  }

  /** For each upper half, how many of its values have each lower half. */
  lowerHalves(uppers: readonly number[]): Histogram[] {
    const missing = uppers.filter((upper) => !this.#lower.has(upper));
    // The kernel counts for two at a time.
    for (let i = 0; i < missing.length; i += 2) this.#countLower(missing[i]!, missing[i + 1]);
    return uppers.map((upper) => this.#lower.get(upper)!);
  }

  #countLower(one: number, other = one): void {
    withKernels((memory) => {
      const histograms = emptyHistograms(memory, 2);
      forEachPart(memory, this.#stack, (at, count) => memory.run.countLowerHalves(at, count, one, other, histograms));
      this.#lower.set(other, listBins(memory, histograms + 4 * HALF, 1));
      // Where both are the same, this is the histogram that holds all.
      this.#lower.set(one, listBins(memory, histograms, 1));
    });
  }
}

/** Calls `count` with the values of a stack, part by part. */
function forEachPart(memory: KernelMemory, stack: Values, count: (at: Address, count: number) => void): void {
  if (!(stack instanceof Float32Array)) {
    count(stack.at, stack.count);
    return;
  }
  const at = memory.area(4 * Math.min(stack.length, PART));
  for (let from = 0; from < stack.length; from += PART) {
    const part = stack.subarray(from, from + PART);
    memory.float32(at, part.length).set(part);
    count(at, part.length);
  }
}

function emptyHistograms(memory: KernelMemory, count: number): Address {
  const histograms = memory.area(4 * HALF * count);
  memory.uint32(histograms, HALF * count).fill(0);
  return histograms;
}

/** The sum of histograms in the memory of the kernels: bins in rising order. */
function listBins(memory: KernelMemory, histograms: Address, copies: number): Histogram {
  const bins = memory.area(2 * HALF);
  const counts = memory.area(4 * HALF);
  const found = memory.run.listBins(histograms, copies, bins, counts);
  return { bins: memory.uint16(bins, found).slice(), counts: memory.uint32(counts, found).slice() };
}

function sumOf(histograms: readonly Histogram[]): Histogram {
  if (histograms.length === 1) return histograms[0]!;
  return withKernels((memory) => {
    const at = emptyHistograms(memory, 1);
    const sum = memory.uint32(at, HALF);
    for (const { bins, counts } of histograms) {
      for (let i = 0; i < bins.length; i++) sum[bins[i]!]! += counts[i]!;
    }
    return listBins(memory, at, 1);
  });
}

/** Upper halves in rising order of the values, without those that are not finite. */
function finiteInOrder(upper: Histogram): Histogram {
  const positive = between(upper, 0, INFINITE);
  const negative = reversed(between(upper, NEGATIVE, NEGATIVE_INFINITE));
  if (negative.bins.length === 0) return positive;
  return {
    bins: new Uint16Array([...negative.bins, ...positive.bins]),
    counts: new Uint32Array([...negative.counts, ...positive.counts]),
  };
}

/** The bins from `begin` to before `end`. */
function between({ bins, counts }: Histogram, begin: number, end: number): Histogram {
  const firstAtLeast = (limit: number) => {
    const found = bins.findIndex((bin) => bin >= limit);
    return found < 0 ? bins.length : found;
  };
  const range = [firstAtLeast(begin), firstAtLeast(end)] as const;
  return { bins: bins.subarray(...range), counts: counts.subarray(...range) };
}

function reversed({ bins, counts }: Histogram): Histogram {
  return { bins: bins.toReversed(), counts: counts.toReversed() };
}

/** The bin that holds a rank (from 0), and the rank within it. */
function locate({ bins, counts }: Histogram, rank: number): { bin: number; rank: number } {
  let left = rank;
  for (let i = 0; i < bins.length; i++) {
    if (left < counts[i]!) return { bin: bins[i]!, rank: left };
    left -= counts[i]!;
  }
  throw new RangeError(`rank ${rank} lies beyond the histogram`);
}

const asWord = new Uint32Array(1);
const asFloat = new Float32Array(asWord.buffer);

/** The value with these bits, as a number. */
function floatOf(upper: number, lower: number): number {
  asWord[0] = upper * HALF + lower;
  return asFloat[0]!;
}

function mix(a: number, b: number, fraction: number): number {
  return a + (b - a) * fraction;
}

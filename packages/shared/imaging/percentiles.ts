/**
 * Exact percentiles of millions of float32 values.
 *
 * 1. A sample says between which two values the middle of the distribution lies, generously. Only values outside are
 *    kept: a few per cent.
 * 2. The upper 16 bits of the kept values are counted. If a wanted rank is not among them, because the sample misled,
 *    all values are kept after all.
 * 3. The lower 16 bits of those values whose upper bits are those of a wanted rank are counted.
 *
 * The definition is that of `numpy.percentile(..., method='linear')`: the value at rank (n - 1) * p / 100 of the sorted
 * values, with linear interpolation between two ranks. Source: docs/pipeline.md, "Normalising and resizing".
 */

import { type PixelData, pixelCount } from '../domain/index.ts';
import { type Address, type KernelMemory, withKernels } from './kernel-memory.ts';

/** How many values 16 bits have. */
const HALF = 1 << 16;
/** Values of an array that are copied into the memory of the kernels at a time: a slice of 512 x 512. */
const PART = 1 << 18;
/** Histograms in which upper halves are counted in turns. */
const TURNS = 4;
/** Values of a sample. A sample of fewer than 8 times as many values saves nothing. */
const SAMPLE = 2048;

// Upper halves of the bits of float32, the bins of the first count. From 0 the values rise with the bits, from -0 they fall.
const INFINITE = 0x7f80;
const NEGATIVE = 0x8000;
const NEGATIVE_INFINITE = 0xff80;

/** `count` float32 values in the memory of the kernels. */
export interface StoredValues {
  readonly at: Address;
  readonly count: number;
}

type Values = PixelData | StoredValues;

/** A histogram of 16 bits, without its empty bins. */
interface Histogram {
  readonly bins: Uint16Array;
  readonly counts: Uint32Array;
}

/** The values of two bins of upper halves and what lies outside them are kept; what lies between the bins is not. */
interface KeptBins {
  /** Bin of the highest values below the gap. */
  readonly lower: number;
  /** Bin of the lowest values above the gap. */
  readonly higher: number;
}

/**
 * Two percentiles over all values of all stacks together. Values that are not finite are not counted. Without any
 * finite value the result is { low: 0, high: 0 }.
 *
 * @param low percentile in [0, 100].
 * @param high percentile in [low, 100].
 * @throws {RangeError} if the percentiles are not in that order and range.
 */
export function percentiles(stacks: readonly Values[], low: number, high: number): { low: number; high: number } {
  if (!(low >= 0 && high >= low && high <= 100)) {
    throw new RangeError(`percentiles run from 0 to 100 in rising order; found ${low} and ${high}`);
  }
  return withKernels((memory) => {
    const guess = guessBins(sampleOf(memory, stacks), low / 100, high / 100);
    const found = guess && measure(memory, stacks, low, high, guess);
    return found ?? measure(memory, stacks, low, high)!;
  });
}

/** Finite values at regular distances, sorted; none if there are too few values to save anything. */
function sampleOf(memory: KernelMemory, stacks: readonly Values[]): Float32Array {
  const total = sum(stacks.map(countOf));
  if (total < 8 * SAMPLE) return new Float32Array(0);
  // Odd, so that the values are not all of a few columns.
  const step = Math.floor(total / SAMPLE) | 1;
  const sample = new Float32Array(SAMPLE + stacks.length);
  let taken = 0;
  for (const stack of stacks) {
    const count = countOf(stack);
    const valueAt = readerOf(memory, stack);
    for (let i = 0; i < count && taken < sample.length; i += step) {
      sample[taken] = valueAt(i);
      if (Number.isFinite(sample[taken])) taken++;
    }
  }
  return sample.subarray(0, taken).sort();
}

/** A function that gives the values of a stack one by one. Those of samples are not yet rounded to float32. */
function readerOf(memory: KernelMemory, stack: Values): (index: number) => number {
  if ('samples' in stack) {
    const { samples, signed, left, right, slope, intercept } = stack;
    if (signed) return (i) => slope * ((samples[i]! << left) >> right) + intercept;
    return (i) => slope * ((samples[i]! << left) >>> right) + intercept;
  }
  const values = stack instanceof Float32Array ? stack : memory.float32(stack.at, stack.count);
  return (i) => values[i]!;
}

/** Bins that lie inside of the two percentiles (fractions) by four standard deviations of their ranks in the sample. */
function guessBins(sample: Float32Array, low: number, high: number): KeptBins | undefined {
  const count = sample.length;
  const margin = (fraction: number) => 4 * Math.sqrt(count * fraction * (1 - fraction)) + 4;
  const lower = sample[Math.ceil(count * low + margin(low))];
  const higher = sample[Math.floor(count * high - margin(high))];
  if (lower === undefined || higher === undefined) return undefined;
  const lowerBin = upperHalfOf(lower);
  // 0 is kept with -0, since comparisons take them as equal.
  const bins = { lower: lowerBin === NEGATIVE ? 0 : lowerBin, higher: upperHalfOf(higher) };
  return lastOf(bins.lower) < firstOf(bins.higher) ? bins : undefined;
}

/**
 * The percentiles from the values that are kept.
 *
 * @param bins default: all values are kept.
 * @returns `undefined` if a wanted rank is not among them.
 */
function measure(
  memory: KernelMemory,
  stacks: readonly Values[],
  low: number,
  high: number,
  bins?: KeptBins,
): { low: number; high: number } | undefined {
  const kept = keep(memory, stacks, bins);
  const omitted = sum(stacks.map(countOf)) - kept.count;

  const histograms = emptyHistograms(memory, TURNS);
  memory.run.countUpperHalves(kept.at, kept.count, histograms);
  const upper = finiteInOrder(listBins(memory, histograms, TURNS));
  const count = sum(upper.counts) + omitted;
  if (count === 0) return { low: 0, high: 0 };

  const gap = bins ? countUpTo(upper, bins.lower) : 0;
  const ranks = [low, high].map((percentile) => ((count - 1) * percentile) / 100);
  const whole = ranks.flatMap((rank) => [Math.floor(rank), Math.ceil(rank)]);
  if (whole.some((rank) => rank >= gap && rank < gap + omitted)) return undefined;
  const wanted = whole.map((rank) => locate(upper, rank < gap ? rank : rank - omitted));

  const lower = lowerHalves(memory, kept, [...new Set(wanted.map(({ bin }) => bin))]);
  const values = wanted.map(({ bin, rank }) => floatOf(bin, locate(lower.get(bin)!, rank).bin));
  return {
    low: mix(values[0]!, values[1]!, ranks[0]! % 1),
    high: mix(values[2]!, values[3]!, ranks[1]! % 1),
  };
}

/** Copies the values that are kept into one area. */
function keep(memory: KernelMemory, stacks: readonly Values[], bins: KeptBins | undefined): StoredValues {
  // Nothing lies above infinity.
  const [above, below] = bins ? [lastOf(bins.lower), firstOf(bins.higher)] : [Infinity, Infinity];
  const at = memory.area(4 * (sum(stacks.map(countOf)) + 4));
  const shuffles = memory.copyOf(SHUFFLES);
  const part = memory.area(4 * PART);
  let end = at;
  for (const stack of stacks) {
    if ('count' in stack) {
      end = memory.run.keepOutside(stack.at, stack.count, above, below, shuffles, end);
      continue;
    }
    const total = pixelCount(stack);
    for (let from = 0; from < total; from += PART) {
      const count = Math.min(PART, total - from);
      memory.writePixels(stack, from, count, part);
      end = memory.run.keepOutside(part, count, above, below, shuffles, end);
    }
  }
  return { at, count: (end - at) / 4 };
}

/** For each set of four lanes, as bits: the bytes of the other lanes, moved to the front. */
const SHUFFLES = Uint8Array.from({ length: 16 }, (_, dropped) => dropped).reduce(
  (table, dropped) => {
    const bytes = [0, 1, 2, 3]
      .filter((lane) => !(dropped & (1 << lane)))
      .flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte));
    table.set(bytes, 16 * dropped);
    return table;
  },
  new Uint8Array(16 * 16),
);

/** For each upper half, how many of its values have each lower half, in rising order of the values. */
function lowerHalves(memory: KernelMemory, { at, count }: StoredValues, uppers: readonly number[]) {
  const found = new Map<number, Histogram>();
  // The kernel counts for two at a time.
  for (let i = 0; i < uppers.length; i += 2) {
    const pair = uppers.slice(i, i + 2);
    const histograms = emptyHistograms(memory, 2);
    memory.run.countLowerHalves(at, count, pair[0]!, pair[1] ?? pair[0]!, histograms);
    pair.forEach((upper, place) => {
      const histogram = listBins(memory, histograms + 4 * HALF * place, 1);
      found.set(upper, upper < NEGATIVE ? histogram : reversed(histogram));
    });
  }
  return found;
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

/** Upper halves in rising order of the values, without those that are not finite. */
function finiteInOrder(upper: Histogram): Histogram {
  const positive = binsBetween(upper, 0, INFINITE);
  const negative = reversed(binsBetween(upper, NEGATIVE, NEGATIVE_INFINITE));
  if (negative.bins.length === 0) return positive;
  return {
    bins: new Uint16Array([...negative.bins, ...positive.bins]),
    counts: new Uint32Array([...negative.counts, ...positive.counts]),
  };
}

/** The bins from `begin` to before `end`. */
function binsBetween({ bins, counts }: Histogram, begin: number, end: number): Histogram {
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

/** How many values there are up to and including an upper half. */
function countUpTo({ bins, counts }: Histogram, last: number): number {
  return sum(counts.subarray(0, bins.findLastIndex((bin) => firstOf(bin) <= firstOf(last)) + 1));
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

function upperHalfOf(value: number): number {
  asFloat[0] = value;
  return asWord[0]! >>> 16;
}

/** The lowest value with an upper half, and the highest. */
function firstOf(upper: number): number {
  return floatOf(upper, upper < NEGATIVE ? 0 : HALF - 1);
}
function lastOf(upper: number): number {
  return floatOf(upper, upper < NEGATIVE ? HALF - 1 : 0);
}

function countOf(stack: Values): number {
  return 'count' in stack ? stack.count : pixelCount(stack);
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

function mix(a: number, b: number, fraction: number): number {
  return a + (b - a) * fraction;
}

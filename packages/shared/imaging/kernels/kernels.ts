/**
 * The inner loops of imaging/, in AssemblyScript: typed like TypeScript, compiled to WebAssembly with SIMD. The compiled
 * file is kernels.wasm; `npm run kernels` makes it (docs/decisions/0028-kernels-in-webassembly.md).
 *
 * All arguments are addresses in bytes and counts of elements. No kernel allocates, and none reads what neither the
 * caller nor itself wrote, so that nothing depends on what an earlier call left in memory. The caller (memory.ts) owns
 * the memory.
 *
 * Sums of resizing are float64 and in a fixed order, and each result is rounded to float32 once, as in JavaScript.
 * Normalising is float32. So results are the same, bit by bit, as those of plain loops over Float32Arrays.
 */

// --- Pixel types ----------------------------------------------------------------------------------------------------

/**
 * Stored uint16 -> float32: slope * v + intercept in float64, where v is `(word << left) >> right`, with the sign of
 * the word if `signed`. The words may be the last `2 * count` bytes of the result, which overwrites them.
 */
export function widen16(
  from: usize,
  count: i32,
  signed: bool,
  left: i32,
  right: i32,
  slope: f64,
  intercept: f64,
  to: usize,
): void {
  const slopes = f64x2.splat(slope);
  const intercepts = f64x2.splat(intercept);
  const isRescaled = slope != 1 || intercept != 0;
  let i = 0;
  for (; i <= count - 4; i += 4) {
    const shifted = i32x4.shl(v128.load16x4_u(from), left);
    const words = signed ? i32x4.shr_s(shifted, right) : i32x4.shr_u(shifted, right);
    if (isRescaled) {
      const lower = f64x2.convert_low_i32x4_s(words);
      const upper = f64x2.convert_low_i32x4_s(v128.shuffle<i64>(words, words, 1, 1));
      v128.store(
        to,
        v128.shuffle<i64>(
          f32x4.demote_f64x2_zero(f64x2.add(f64x2.mul(lower, slopes), intercepts)),
          f32x4.demote_f64x2_zero(f64x2.add(f64x2.mul(upper, slopes), intercepts)),
          0,
          2,
        ),
      );
    } else {
      v128.store(to, f32x4.convert_i32x4_s(words));
    }
    from += 8;
    to += 16;
  }
  for (; i < count; i++) {
    store<f32>(to, widened(load<u16>(from), signed, left, right, slope, intercept));
    from += 2;
    to += 4;
  }
}

/** As `widen16`, for uint8, which may be the last `count` bytes of the result. */
export function widen8(
  from: usize,
  count: i32,
  signed: bool,
  left: i32,
  right: i32,
  slope: f64,
  intercept: f64,
  to: usize,
): void {
  for (let i = 0; i < count; i++) {
    store<f32>(to + ((<usize>i) << 2), widened(load<u8>(from + i), signed, left, right, slope, intercept));
  }
}

function widened(word: u32, signed: bool, left: i32, right: i32, slope: f64, intercept: f64): f32 {
  const shifted = word << left;
  const value = signed ? <f64>(<i32>shifted >> right) : <f64>(shifted >> right);
  return <f32>(slope * value + intercept);
}

// --- Resizing -------------------------------------------------------------------------------------------------------

/**
 * Resizes along rows: float32 [height, width] -> float32 [height, outputs].
 *
 * @param first int32 [outputs]: the first input of each output.
 * @param weights float64 [outputs, taps].
 * @param strip scratch, float64 [width, 4]: four rows at a time, with the pixels of one column side by side.
 */
export function resizeRows(
  from: usize,
  height: i32,
  width: i32,
  first: usize,
  weights: usize,
  taps: i32,
  outputs: i32,
  strip: usize,
  to: usize,
): void {
  const last = height - 1;
  for (let row = 0; row < height; row += 4) {
    // Beyond the last row, the last row again: it is computed and written more than once, with the same values.
    const row1 = min(row + 1, last);
    const row2 = min(row + 2, last);
    const row3 = min(row + 3, last);
    interleave(
      from + ((<usize>row * width) << 2),
      from + ((<usize>row1 * width) << 2),
      from + ((<usize>row2 * width) << 2),
      from + ((<usize>row3 * width) << 2),
      width,
      strip,
    );
    let to0 = to + ((<usize>row * outputs) << 2);
    let to1 = to + ((<usize>row1 * outputs) << 2);
    let to2 = to + ((<usize>row2 * outputs) << 2);
    let to3 = to + ((<usize>row3 * outputs) << 2);
    let weight = weights;
    const step = (<usize>taps) << 3;
    let x = 0;
    for (; x <= outputs - 4; x += 4) {
      const at = first + ((<usize>x) << 2);
      const a = mixed(strip + ((<usize>load<i32>(at)) << 5), weight, taps);
      const b = mixed(strip + ((<usize>load<i32>(at, 4)) << 5), weight + step, taps);
      const c = mixed(strip + ((<usize>load<i32>(at, 8)) << 5), weight + 2 * step, taps);
      const d = mixed(strip + ((<usize>load<i32>(at, 12)) << 5), weight + 3 * step, taps);
      weight += 4 * step;
      const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
      const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
      v128.store(to0, v128.shuffle<i64>(ab, cd, 0, 2));
      v128.store(to1, v128.shuffle<i64>(ab, cd, 1, 3));
      const abLater = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
      const cdLater = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
      v128.store(to2, v128.shuffle<i64>(abLater, cdLater, 0, 2));
      v128.store(to3, v128.shuffle<i64>(abLater, cdLater, 1, 3));
      to0 += 16;
      to1 += 16;
      to2 += 16;
      to3 += 16;
    }
    for (; x < outputs; x++) {
      const all = mixed(strip + ((<usize>load<i32>(first + ((<usize>x) << 2))) << 5), weight, taps);
      weight += step;
      store<f32>(to0, f32x4.extract_lane(all, 0));
      store<f32>(to1, f32x4.extract_lane(all, 1));
      store<f32>(to2, f32x4.extract_lane(all, 2));
      store<f32>(to3, f32x4.extract_lane(all, 3));
      to0 += 4;
      to1 += 4;
      to2 += 4;
      to3 += 4;
    }
  }
}

/** Four rows of float32 [width] -> float64 [width, 4]. */
function interleave(row0: usize, row1: usize, row2: usize, row3: usize, width: i32, strip: usize): void {
  let to = strip;
  let offset: usize = 0;
  let x = 0;
  for (; x <= width - 4; x += 4) {
    const a = v128.load(row0 + offset);
    const b = v128.load(row1 + offset);
    const c = v128.load(row2 + offset);
    const d = v128.load(row3 + offset);
    const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const abLater = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    const cdLater = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    v128.store(to, f64x2.promote_low_f32x4(ab));
    v128.store(to, f64x2.promote_low_f32x4(cd), 16);
    v128.store(to, f64x2.promote_low_f32x4(v128.shuffle<i64>(ab, ab, 1, 1)), 32);
    v128.store(to, f64x2.promote_low_f32x4(v128.shuffle<i64>(cd, cd, 1, 1)), 48);
    v128.store(to, f64x2.promote_low_f32x4(abLater), 64);
    v128.store(to, f64x2.promote_low_f32x4(cdLater), 80);
    v128.store(to, f64x2.promote_low_f32x4(v128.shuffle<i64>(abLater, abLater, 1, 1)), 96);
    v128.store(to, f64x2.promote_low_f32x4(v128.shuffle<i64>(cdLater, cdLater, 1, 1)), 112);
    to += 128;
    offset += 16;
  }
  for (; x < width; x++) {
    store<f64>(to, <f64>load<f32>(row0 + offset));
    store<f64>(to, <f64>load<f32>(row1 + offset), 8);
    store<f64>(to, <f64>load<f32>(row2 + offset), 16);
    store<f64>(to, <f64>load<f32>(row3 + offset), 24);
    to += 32;
    offset += 4;
  }
}

/** The weighted sums of `taps` neighbours in the strip, of all four rows: float32 [4]. */
function mixed(at: usize, weight: usize, taps: i32): v128 {
  let upper = f64x2.splat(0);
  let lower = f64x2.splat(0);
  for (let tap = 0; tap < taps; tap++) {
    const factor = v128.load64_splat(weight);
    upper = f64x2.add(upper, f64x2.mul(factor, v128.load(at)));
    lower = f64x2.add(lower, f64x2.mul(factor, v128.load(at, 16)));
    weight += 8;
    at += 32;
  }
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(upper), f32x4.demote_f64x2_zero(lower), 0, 2);
}

/** Resizes along columns: float32 [inputs, columns] -> float32 [outputs, columns]. Otherwise as `resizeRows`. */
export function resizeColumns(
  from: usize,
  columns: i32,
  first: usize,
  weights: usize,
  taps: i32,
  outputs: i32,
  to: usize,
): void {
  const stride = (<usize>columns) << 2;
  let weight = weights;
  for (let y = 0; y < outputs; y++) {
    let at = from + <usize>load<i32>(first + ((<usize>y) << 2)) * stride;
    const end = to + stride;
    for (; to + 32 <= end; to += 32) {
      // Two columns each.
      let a = f64x2.splat(0);
      let b = f64x2.splat(0);
      let c = f64x2.splat(0);
      let d = f64x2.splat(0);
      let pixel = at;
      for (let tap = 0; tap < taps; tap++) {
        const factor = v128.load64_splat(weight + ((<usize>tap) << 3));
        a = f64x2.add(a, f64x2.mul(factor, f64x2.promote_low_f32x4(v128.load64_zero(pixel))));
        b = f64x2.add(b, f64x2.mul(factor, f64x2.promote_low_f32x4(v128.load64_zero(pixel, 8))));
        c = f64x2.add(c, f64x2.mul(factor, f64x2.promote_low_f32x4(v128.load64_zero(pixel, 16))));
        d = f64x2.add(d, f64x2.mul(factor, f64x2.promote_low_f32x4(v128.load64_zero(pixel, 24))));
        pixel += stride;
      }
      v128.store(to, v128.shuffle<i64>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 2));
      v128.store(to, v128.shuffle<i64>(f32x4.demote_f64x2_zero(c), f32x4.demote_f64x2_zero(d), 0, 2), 16);
      at += 32;
    }
    for (; to < end; to += 4) {
      let sum: f64 = 0;
      for (let tap = 0; tap < taps; tap++) {
        sum += load<f64>(weight + ((<usize>tap) << 3)) * <f64>load<f32>(at + <usize>tap * stride);
      }
      store<f32>(to, <f32>sum);
      at += 4;
    }
    weight += (<usize>taps) << 3;
  }
}

/** Makes float32 `data` NaN where float32 `share` is at least `limit`. */
export function markPadding(share: usize, count: i32, limit: f32, data: usize): void {
  const nan = f32x4.splat(NaN);
  const limits = f32x4.splat(limit);
  let i = 0;
  for (; i <= count - 4; i += 4) {
    const offset = (<usize>i) << 2;
    const isPadding = f32x4.ge(v128.load(share + offset), limits);
    v128.store(data + offset, v128.bitselect(nan, v128.load(data + offset), isPadding));
  }
  for (; i < count; i++) {
    const offset = (<usize>i) << 2;
    if (load<f32>(share + offset) >= limit) store<f32>(data + offset, NaN);
  }
}

// --- Percentiles ----------------------------------------------------------------------------------------------------

/**
 * Appends those of `count` float32 to `to` that are not between `above` and `below` (both excluded). NaN is not between.
 *
 * @param shuffles uint8 [16, 16]: for each set of lanes that are between, as bits, the shuffle of bytes that moves the
 *   other lanes to the front.
 * @param to the caller leaves room for `count` + 4 values.
 * @returns the address after the last value that was appended.
 */
export function keepOutside(from: usize, count: i32, above: f32, below: f32, shuffles: usize, to: usize): usize {
  const aboves = f32x4.splat(above);
  const belows = f32x4.splat(below);
  let i = 0;
  for (; i <= count - 4; i += 4) {
    const values = v128.load(from);
    const between = i32x4.bitmask(v128.and(f32x4.gt(values, aboves), f32x4.lt(values, belows)));
    // Writes four values; the next ones overwrite those that are not kept.
    v128.store(to, v128.swizzle(values, v128.load(shuffles + ((<usize>between) << 4))));
    to += 16 - (popcnt(between) << 2);
    from += 16;
  }
  for (; i < count; i++) {
    const value = load<f32>(from);
    if (!(value > above && value < below)) {
      store<f32>(to, value);
      to += 4;
    }
    from += 4;
  }
  return to;
}

/** Bytes of a histogram of 16 bits, uint32 [65536]. */
const HISTOGRAM: usize = 4 << 16;

function increment(bin: usize): void {
  store<u32>(bin, load<u32>(bin) + 1);
}

/**
 * Adds the upper 16 bits of `count` float32 to four histograms, uint32 [4, 65536], in turns: neighbours are often equal,
 * and to increment one counter twice is slower than to increment two.
 */
export function countUpperHalves(from: usize, count: i32, histograms: usize): void {
  let i = 0;
  for (; i <= count - 4; i += 4) {
    increment(histograms + ((<usize>load<u16>(from, 2)) << 2));
    increment(histograms + HISTOGRAM + ((<usize>load<u16>(from, 6)) << 2));
    increment(histograms + 2 * HISTOGRAM + ((<usize>load<u16>(from, 10)) << 2));
    increment(histograms + 3 * HISTOGRAM + ((<usize>load<u16>(from, 14)) << 2));
    from += 16;
  }
  for (; i < count; i++) {
    increment(histograms + ((<usize>load<u16>(from, 2)) << 2));
    from += 4;
  }
}

/**
 * Adds the lower 16 bits of those of `count` float32 whose upper 16 bits are `one` or `other` to histograms,
 * uint32 [2, 65536]: first those of `one`, then those of `other`. If both are the same, all are in the first.
 */
export function countLowerHalves(from: usize, count: i32, one: u32, other: u32, histograms: usize): void {
  const ones = i32x4.splat(one);
  const others = i32x4.splat(other);
  let i = 0;
  for (; i <= count - 4; i += 4) {
    const words = v128.load(from);
    const halves = i32x4.shr_u(words, 16);
    if (v128.any_true(v128.or(i32x4.eq(halves, ones), i32x4.eq(halves, others)))) {
      const first = load<u32>(from);
      if (i32x4.all_true(i32x4.eq(words, i32x4.splat(first)))) {
        // Four equal values, as in the air of many images.
        countLowerHalf(first, one, other, histograms, 4);
      } else {
        countLowerHalf(first, one, other, histograms, 1);
        countLowerHalf(load<u32>(from, 4), one, other, histograms, 1);
        countLowerHalf(load<u32>(from, 8), one, other, histograms, 1);
        countLowerHalf(load<u32>(from, 12), one, other, histograms, 1);
      }
    }
    from += 16;
  }
  for (; i < count; i++) {
    countLowerHalf(load<u32>(from), one, other, histograms, 1);
    from += 4;
  }
}

function countLowerHalf(word: u32, one: u32, other: u32, histograms: usize, times: u32): void {
  const upper = word >> 16;
  if (upper != one) {
    if (upper != other) return;
    histograms += HISTOGRAM;
  }
  const bin = histograms + ((<usize>(word & 0xffff)) << 2);
  store<u32>(bin, load<u32>(bin) + times);
}

/**
 * Lists the bins that are not empty in the sum of several histograms, uint32 [copies, 65536], in rising order.
 *
 * @param bins uint16, and `counts` uint32: room for 65536 each.
 * @returns how many there are.
 */
export function listBins(histograms: usize, copies: i32, bins: usize, counts: usize): i32 {
  const end = histograms + <usize>copies * HISTOGRAM;
  let found = 0;
  for (let bin = 0; bin < 0x10000; bin += 4) {
    let sums = i32x4.splat(0);
    for (let at = histograms + ((<usize>bin) << 2); at < end; at += HISTOGRAM) sums = i32x4.add(sums, v128.load(at));
    if (!v128.any_true(sums)) continue;
    found = listBin(bin, i32x4.extract_lane(sums, 0), bins, counts, found);
    found = listBin(bin + 1, i32x4.extract_lane(sums, 1), bins, counts, found);
    found = listBin(bin + 2, i32x4.extract_lane(sums, 2), bins, counts, found);
    found = listBin(bin + 3, i32x4.extract_lane(sums, 3), bins, counts, found);
  }
  return found;
}

function listBin(bin: i32, count: u32, bins: usize, counts: usize, found: i32): i32 {
  if (count == 0) return found;
  store<u16>(bins + ((<usize>found) << 1), <u16>bin);
  store<u32>(counts + ((<usize>found) << 2), count);
  return found + 1;
}

// --- Normalising ----------------------------------------------------------------------------------------------------

/**
 * (v - low) / range of float32 [rows, columns], at most 1, as float32. What is not above 0 or not finite becomes 0.
 *
 * In float32. `low` is the sum of two of them, so that subtracting loses nothing where v is near low.
 *
 * @param stride how far the rows of the input are apart, in elements; `toStride` likewise. `to` may be `from`.
 */
export function normalise(
  from: usize,
  stride: i32,
  rows: i32,
  columns: i32,
  low: f64,
  range: f64,
  to: usize,
  toStride: i32,
): void {
  const lows = f32x4.splat(<f32>low);
  const rests = f32x4.splat(<f32>(low - <f64>(<f32>low)));
  const ranges = f32x4.splat(<f32>range);
  for (let row = 0; row < rows; row++) {
    let at = from + ((<usize>row * stride) << 2);
    let out = to + ((<usize>row * toStride) << 2);
    let x = 0;
    for (; x <= columns - 4; x += 4) {
      v128.store(out, scaled(v128.load(at), lows, rests, ranges));
      at += 16;
      out += 16;
    }
    for (; x < columns; x++) {
      store<f32>(out, f32x4.extract_lane(scaled(v128.load32_zero(at), lows, rests, ranges), 0));
      at += 4;
      out += 4;
    }
  }
}

function scaled(values: v128, lows: v128, rests: v128, ranges: v128): v128 {
  const quotients = f32x4.div(f32x4.sub(f32x4.sub(values, lows), rests), ranges);
  // NaN fails both comparisons.
  const kept = v128.and(f32x4.gt(quotients, f32x4.splat(0)), f32x4.lt(values, f32x4.splat(Infinity)));
  return v128.and(kept, f32x4.pmin(quotients, f32x4.splat(1)));
}

/** float32 in [0, 1] -> uint16: floor(v * one + 0.5). */
export function quantise(from: usize, count: i32, one: f64, to: usize): void {
  const ones = f64x2.splat(one);
  let i = 0;
  for (; i <= count - 4; i += 4) {
    const four = v128.shuffle<i64>(
      quantised(v128.load64_zero(from), ones),
      quantised(v128.load64_zero(from, 8), ones),
      0,
      2,
    );
    v128.store64_lane(to, i16x8.narrow_i32x4_u(four, four), 0);
    from += 16;
    to += 8;
  }
  for (; i < count; i++) {
    store<u16>(to, <u16>(<f64>load<f32>(from) * one + 0.5));
    from += 4;
    to += 2;
  }
}

/** Two float32 -> two int32. */
function quantised(values: v128, ones: v128): v128 {
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(values), ones), f64x2.splat(0.5)));
}

/** uint16 [rows, columns] -> float32: number / one. Strides as in `normalise`. */
export function dequantise(
  from: usize,
  stride: i32,
  rows: i32,
  columns: i32,
  one: f64,
  to: usize,
  toStride: i32,
): void {
  const ones = f64x2.splat(one);
  for (let row = 0; row < rows; row++) {
    let at = from + ((<usize>row * stride) << 1);
    let out = to + ((<usize>row * toStride) << 2);
    let x = 0;
    for (; x <= columns - 4; x += 4) {
      const numbers = v128.load16x4_u(at);
      const left = f64x2.div(f64x2.convert_low_i32x4_s(numbers), ones);
      const right = f64x2.div(f64x2.convert_low_i32x4_s(v128.shuffle<i64>(numbers, numbers, 1, 1)), ones);
      v128.store(out, v128.shuffle<i64>(f32x4.demote_f64x2_zero(left), f32x4.demote_f64x2_zero(right), 0, 2));
      at += 8;
      out += 16;
    }
    for (; x < columns; x++) {
      store<f32>(out, <f32>(<f64>load<u16>(at) / one));
      at += 2;
      out += 4;
    }
  }
}

// --- Twelve bits ----------------------------------------------------------------------------------------------------

/**
 * `pairs` pairs of uint16 from 0 to 4095 -> three bytes per pair (twelve-bits.ts).
 *
 * @param to the caller leaves room for 4 bytes more.
 */
export function packPairs(from: usize, pairs: i32, to: usize): void {
  let i = 0;
  for (; i <= pairs - 4; i += 4) {
    const words = v128.load(from);
    const packed = v128.or(v128.and(words, i32x4.splat(0xfff)), v128.and(i32x4.shr_u(words, 4), i32x4.splat(0xfff000)));
    // Of each four bytes the first three. The next pairs overwrite the last four.
    v128.store(to, v128.swizzle(packed, i8x16(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 16, 16, 16)));
    from += 16;
    to += 12;
  }
  for (; i < pairs; i++) {
    const word = load<u32>(from);
    const packed = (word & 0xfff) | ((word >> 4) & 0xfff000);
    store<u16>(to, <u16>packed);
    store<u8>(to, <u8>(packed >> 16), 2);
    from += 4;
    to += 3;
  }
}

/** The opposite of `packPairs`. */
export function unpackPairs(from: usize, pairs: i32, to: usize): void {
  let i = 0;
  // Sixteen bytes are read, of which twelve count: they must be there.
  for (; i <= pairs - 6; i += 4) {
    const packed = v128.swizzle(v128.load(from), i8x16(0, 1, 2, 16, 3, 4, 5, 16, 6, 7, 8, 16, 9, 10, 11, 16));
    v128.store(
      to,
      v128.or(v128.and(packed, i32x4.splat(0xfff)), i32x4.shl(v128.and(packed, i32x4.splat(0xfff000)), 4)),
    );
    from += 12;
    to += 16;
  }
  for (; i < pairs; i++) {
    const packed = <u32>load<u16>(from) | ((<u32>load<u8>(from, 2)) << 16);
    store<u32>(to, (packed & 0xfff) | ((packed & 0xfff000) << 4));
    from += 3;
    to += 4;
  }
}

/** Crops in 12 bits: bytes, regions that windows share, and windows cut from them. */

import { describe, expect, it } from 'vitest';
import { cutCrop, cutRegion, cropOf, insideSpace, joinBoxes, placeIn, windowOf } from '../imaging/index.ts';
import { packedBytes, packTwelveBits, unpackTwelveBits } from '../imaging/twelve-bits.ts';
import { largestDifference, randomImage, randomNumbers, TWELVE_BITS, unquantisedCrop } from './imaging-reference.ts';

describe('numbers of 12 bits', () => {
  it('take three bytes for two, the lower bits first', () => {
    expect([...packTwelveBits(Uint16Array.of(0x123, 0xabc))]).toEqual([0x23, 0xc1, 0xab]);
    expect([...packTwelveBits(Uint16Array.of(0, 0xabc, 0x123))]).toEqual([0, 0xc0, 0xab, 0x23, 1, 0]);
    expect([0, 1, 2, 3].map(packedBytes)).toEqual([0, 3, 3, 6]);
  });

  it('have the bits of the rule, however many there are', () => {
    const random = randomNumbers(12);
    for (let count = 0; count < 60; count++) {
      const numbers = Uint16Array.from({ length: count }, () => Math.floor(random() * 4096));
      // Each number as 12 bits, the lowest first: then eight bits each, the lowest first.
      const bits = [...numbers, ...(count % 2 ? [0] : [])].flatMap((number) =>
        Array.from({ length: 12 }, (_, bit) => (number >> bit) & 1),
      );
      const bytes = Array.from({ length: bits.length / 8 }, (_, at) =>
        bits.slice(8 * at, 8 * at + 8).reduce((byte, bit, place) => byte | (bit << place), 0),
      );
      expect([...packTwelveBits(numbers)]).toEqual(bytes);
      expect(unpackTwelveBits(Uint8Array.from(bytes), count)).toEqual(numbers);
    }
  });

  it.each([4096, 4095])('are the same again, all of them: %i', (count) => {
    const numbers = Uint16Array.from({ length: count }, (_, i) => (i * 2731) % 4096);
    expect(unpackTwelveBits(packTwelveBits(numbers), count)).toEqual(numbers);
  });

  it('are refused if bytes are missing or left', () => {
    expect(() => unpackTwelveBits(new Uint8Array(3), 3)).toThrow('3 numbers of 12 bits take 6 bytes; found 3');
    expect(() => unpackTwelveBits(new Uint8Array(6), 2)).toThrow(RangeError);
  });

  it('stand for the nearest of 4096 values from 0 to 1', () => {
    const all = Uint16Array.from({ length: 4096 }, (_, number) => number);
    const whole = { numbers: all, slices: 1, height: 1, width: 4096 };
    const values = cropOf(whole, { x: 0, y: 0, height: 1, width: 4096 }, [1, 4096], true);
    expect(values).toEqual(Float32Array.from(all, (number) => number / 4095));
    const slice = Float32Array.from({ length: 10_000 }, (_, i) => (i / 9999) * 300 - 100);
    const space = { slices: [slice], space: 100, low: -100, high: 200, constant: false };
    const { numbers } = cutRegion(space, { x0: 0, y0: 0, x1: 100, y1: 100 });
    const worst = slice.reduce((most, value, i) => {
      return Math.max(most, Math.abs((value + 100) / 300 - values[numbers[i]!]!));
    }, 0);
    expect(worst).toBeLessThanOrEqual(1 / 8190 + 1e-7);
    expect(worst).toBeGreaterThan(1 / 8400);
  });
});

describe('regions', () => {
  const box = (x0: number, y0: number, x1: number, y1: number) => ({ x0, y0, x1, y1 });

  it('hold boxes together if their bounding box is no larger than they are', () => {
    const boxes = [box(0, 0, 10, 10), box(5, 0, 15, 10), box(40, 0, 50, 10), box(2, 2, 4, 4), box(9, 9, 19, 19)];
    expect(joinBoxes(boxes)).toEqual({
      regions: [box(0, 0, 15, 10), box(40, 0, 50, 10), box(9, 9, 19, 19)],
      regionOf: [0, 0, 1, 0, 2],
    });
    // Side by side: as large together as apart.
    expect(joinBoxes([box(0, 0, 10, 10), box(10, 0, 20, 10)]).regions).toEqual([box(0, 0, 20, 10)]);
    expect(joinBoxes([])).toEqual({ regions: [], regionOf: [] });
  });

  it('never take more than the boxes apart, and hold each box', () => {
    const random = randomNumbers(3);
    const area = ({ x0, y0, x1, y1 }: ReturnType<typeof box>) => (x1 - x0) * (y1 - y0);
    const sum = (boxes: readonly ReturnType<typeof box>[]) => boxes.reduce((all, one) => all + area(one), 0);
    for (let i = 0; i < 200; i++) {
      const boxes = Array.from({ length: 6 }, () => {
        const [x, y] = [Math.floor(60 * random()), Math.floor(60 * random())];
        return insideSpace(box(x - 20, y - 20, x + 20, y + 10), 50);
      });
      const { regions, regionOf } = joinBoxes(boxes);
      expect(sum(regions)).toBeLessThanOrEqual(sum(boxes));
      boxes.forEach((one, place) => {
        const region = regions[regionOf[place]!]!;
        expect([region.x0 <= one.x0, region.y0 <= one.y0, region.x1 >= one.x1, region.y1 >= one.y1]).not.toContain(
          false,
        );
      });
    }
  });
});

describe('a crop', () => {
  const random = randomNumbers(7);
  const slices = Array.from({ length: 3 }, () => randomImage(random, 64, 64).data);
  slices[1]![700] = Number.NaN;
  const space = { slices, space: 64, low: 20, high: 1300, constant: false };
  const cases = [
    { what: 'in the middle, enlarged', at: [30.4, 31.5], reach: [12, 8, 10, 6], to: [32, 40] },
    { what: 'as large as its window', at: [40, 20], reach: [8, 8, 8, 8], to: [16, 16] },
    { what: 'made smaller', at: [32, 32], reach: [30, 30, 25, 25], to: [17, 23] },
    { what: 'beyond a corner', at: [1, 62], reach: [12, 8, 10, 6], to: [32, 40] },
    { what: 'larger than the image', at: [30, 30], reach: [50, 50, 50, 50], to: [100, 50] },
    { what: 'outside the image', at: [-40, 30], reach: [12, 8, 10, 6], to: [32, 40] },
  ] as const;
  const windowed = ({ at: [x, y], reach: [left, right, top, bottom], to }: (typeof cases)[number]) =>
    [
      { x, y },
      { left, right, top, bottom, to },
    ] as const;

  it.each(cases)('is what it would be without quantising, within half a step: $what', (one) => {
    for (const antialias of [true, false]) {
      const [centre, window] = windowed(one);
      const found = cutCrop(space, centre, window, antialias);
      expect(largestDifference(found, unquantisedCrop(space, centre, window, antialias))).toBeLessThan(TWELVE_BITS);
      expect(found.some((value) => value > 0.01)).toBe(one.what !== 'outside the image');
    }
  });

  it('is the same, bit for bit, from a region that it shares with others', () => {
    const boxes = cases.map((one) => windowOf(...windowed(one)));
    const region = { x0: 0, y0: 0, x1: 64, y1: 64 };
    const whole = cutRegion(space, region);
    const stored = { ...whole, numbers: unpackTwelveBits(packTwelveBits(whole.numbers), whole.numbers.length) };
    cases.forEach((one, i) => {
      const [centre, window] = windowed(one);
      const shared = cropOf(stored, placeIn(region, boxes[i]!), window.to, true);
      const alone = cutCrop(space, centre, window, true);
      expect(Buffer.compare(Buffer.from(shared.buffer), Buffer.from(alone.buffer)), one.what).toBe(0);
    });
  });
});

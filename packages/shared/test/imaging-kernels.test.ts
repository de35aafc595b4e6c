/** The kernels in WebAssembly give the bits of plain loops, whatever earlier calls left in their memory. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { PixelData } from '../domain/index.ts';
import {
  CropSpaces,
  cutCrop,
  type Image,
  normaliseInPlace,
  percentiles,
  resizeBilinear,
  turnImage,
  volumeTensor,
  xyTensor,
} from '../imaging/index.ts';
import { type KernelMemory, withKernels } from '../imaging/kernel-memory.ts';
import { normaliseInto } from '../imaging/normalise.ts';
import { stackResizer } from '../imaging/resize.ts';
import { largestDifference, randomImage, randomNumbers } from './imaging-reference.ts';
import { exactNormalise, plainNormalise, plainPercentile, plainResize, plainTurn } from './support/plain-imaging.ts';
import { plainValues } from './support/plain-pixels.ts';

const random = randomNumbers(28);
const upTo = (limit: number) => 1 + Math.floor(random() * limit);

/** Values that arithmetic may treat in an own way. */
const ODD = [0, -0, 1, -1, 1e-45, -1e-45, 1e-38, 1e38, -1e38, 3.4e38, -3.4e38, 65_535, Infinity, -Infinity, Number.NaN];

/** How the pixels of an image are made. */
const VALUES = {
  'whole numbers': () => Math.floor(random() * 4096),
  'numbers of every size': () => (random() - 0.5) * 10 ** (random() * 60 - 30),
  'zeros of both signs': () => (random() < 0.5 ? 0 : -0),
  'odd values': () => (random() < 0.1 ? ODD[Math.floor(random() * ODD.length)]! : random()),
  'one value': () => 1234.5,
} as const;
const KINDS = Object.entries(VALUES);

function image(value: () => number, height = upTo(40), width = upTo(40)): Image {
  return { data: Float32Array.from({ length: height * width }, () => value()), height, width };
}

/** The bits; all NaN are alike. */
function bitsOf(values: Float32Array): number[] {
  return [...new Uint32Array(values.slice().buffer)].map((word, i) => (Number.isNaN(values[i]!) ? -1 : word));
}

/** For large arrays, whose differences nobody reads. */
function haveSameBits(one: Float32Array, other: Float32Array): boolean {
  return Buffer.from(one.buffer).equals(Buffer.from(other.buffer));
}

/** Fills the memory that the next calls use. */
function leave(byte: number): void {
  withKernels((memory: KernelMemory) => {
    const at = memory.area(8 * 2 ** 20);
    memory.uint8(at, 8 * 2 ** 20).fill(byte);
  });
}

// All ones: NaN as a float, and the largest number of a counter.
beforeEach(() => leave(0xff));

describe('resizing', () => {
  it.each(KINDS)('gives the bits of plain loops: %s', (_, value) => {
    for (let round = 0; round < 60; round++) {
      const source = image(value);
      const to = [upTo(40), upTo(40)] as const;
      for (const antialias of [true, false]) {
        const found = resizeBilinear(source, ...to, { antialias });
        expect(bitsOf(found), `${source.height} x ${source.width} to ${to.join(' x ')}`).toEqual(
          bitsOf(plainResize(source, to, antialias)),
        );
      }
    }
  });

  it('gives the bits of plain loops at the sizes of a study', () => {
    for (const [height, width, to] of [
      [512, 512, [384, 384]],
      [640, 330, [384, 384]],
      [80, 128, [128, 224]],
      [192, 192, [256, 256]],
    ] as const) {
      const source = randomImage(random, height, width);
      const found = resizeBilinear(source, to[0], to[1], { antialias: true });
      expect(haveSameBits(found, plainResize(source, to, true))).toBe(true);
    }
  });

  /** Samples of an image, of which `bits` bits count, of every size and sign. */
  const SAMPLES = [Uint8Array, Uint16Array].flatMap((Samples) =>
    [false, true].flatMap((signed) =>
      [8 * Samples.BYTES_PER_ELEMENT, 7].flatMap((bits) =>
        [
          { slope: 1, intercept: 0 },
          { slope: 0.1, intercept: -3.7 },
          { slope: -1e38, intercept: 5 },
        ].map((rescale) => ({ Samples, signed, bits, shift: bits === 7 ? 1 : 0, ...rescale })),
      ),
    ),
  );

  it.each(SAMPLES)('takes samples as what they mean: %o', ({ Samples, bits, shift, ...rest }) => {
    const square = { space: 24, normalise: { low: 1, high: 99 }, resize: { antialias: true } };
    const sized = { ...square, size: [17, 23], slices: 3 } as const;
    const window = { left: 9, right: 8, top: 5, bottom: 9, to: [13, 22] } as const;
    for (const [height, width] of [
      [1, 1],
      [5, 7],
      [24, 24],
      [150, 133],
    ] as const) {
      const samples = new Samples(height * width).map(() => Math.floor(random() * 2 ** 16));
      const data = { samples, left: 32 - bits - shift, right: 32 - bits, ...rest };
      const stored = { data, height, width };
      const floats = { data: plainValues(data), height, width };
      for (const [toHeight, toWidth] of [[11, 5] as const, [height, width] as const]) {
        const resized = (image: Image<PixelData>) => resizeBilinear(image, toHeight, toWidth, { antialias: true });
        expect(bitsOf(resized(stored))).toEqual(bitsOf(resized(floats)));
      }
      const all = (image: Image<PixelData>) => {
        const turned = turnImage(image, { transpose: true, flipX: false, flipY: true });
        const space = new CropSpaces(square).of([image, turned]);
        return [
          volumeTensor([image, turned], sized).tensor,
          xyTensor([image, turned, image], sized).tensor,
          cutCrop(space, { x: 12, y: 11 }, window, true),
          Object.values(percentiles([image.data, image.data, turned.data], 3, 91)),
        ];
      };
      expect(all(stored)).toEqual(all(floats));
    }
  });

  it('with one resizer does not depend on the images before', () => {
    const resize = stackResizer(7, 9, true);
    for (let round = 0; round < 30; round++) {
      const source = image(VALUES['whole numbers']);
      const out = new Float32Array(7 * 9 + 2).fill(-5);
      resize(source, out, 1);
      expect(bitsOf(out.subarray(1, -1))).toEqual(bitsOf(plainResize(source, [7, 9], true)));
      expect([out[0], out.at(-1)]).toEqual([-5, -5]);
    }
  });
});

describe('percentiles', () => {
  it.each(KINDS)('are those of the sorted values: %s', (_, value) => {
    for (let round = 0; round < 40; round++) {
      const stacks = Array.from({ length: upTo(3) }, () => image(value).data);
      for (const [low, high] of [
        [1, 99],
        [0, 100],
        [100 * random() ** 2, 100],
      ] as const) {
        const expected = { low: plainPercentile(stacks, low), high: plainPercentile(stacks, high) };
        expect(percentiles(stacks, low, high)).toEqual(expected);
      }
    }
  });

  it.each([
    ...KINDS,
    ['a scan', () => Math.floor((random() < 0.3 ? 900 : 40) * (0.5 + random()))],
    ['air of zeros', () => Math.max(0, Math.floor(random() * 100 - 60))],
    ['numbers around zero', () => Math.round(random() * 4 - 2) * 1e-45],
    ['numbers below zero', () => -Math.floor(random() * 4096)],
  ] as const)('are those of the sorted values where a sample is taken: %s', (_, value) => {
    for (const length of [16_384, 50_003]) {
      const values = Float32Array.from({ length }, () => value());
      const stacks = [values.subarray(0, 20), values.subarray(20, 9001), values.subarray(9001)];
      for (const [low, high] of [
        [1, 99],
        [0, 100],
        [30, 70],
        [50, 50],
      ] as const) {
        const expected = { low: plainPercentile([values], low), high: plainPercentile([values], high) };
        expect(percentiles(stacks, low, high)).toEqual(expected);
      }
    }
  });

  it('are exact where a sample misleads', () => {
    // Every 19th value is in the sample. A tenth of them is far below all others, and a tenth far above.
    const values = Float32Array.from({ length: 40_000 }, (_, i) => {
      const place = i % 19 === 0 ? (i / 19) % 10 : 5;
      return place === 0 ? -1000 - i : place === 1 ? 9000 + i : random() * 100;
    });
    const expected = { low: plainPercentile([values], 1), high: plainPercentile([values], 99) };
    expect(expected.low).toBeGreaterThan(0);
    expect(percentiles([values], 1, 99)).toEqual(expected);
  });

  it('are exact for stacks that are copied in parts', () => {
    const values = Float32Array.from({ length: 600_001 }, (_, i) => ((i * 7919) % 600_001) - 1000);
    // The values -1000 .. 599000, in another order.
    expect(percentiles([values], 1, 99)).toEqual({ low: 5000, high: 593_000 });
  });
});

describe('normalising', () => {
  it.each(KINDS)('gives the bits of plain loops: %s', (_, value) => {
    for (let round = 0; round < 40; round++) {
      const { data } = image(value);
      for (const [low, high] of [
        [0, 1],
        [random() * 100, 100 + random() * 1000],
        [-1e38, 1e38],
        [5, 5],
        [7, 6],
      ] as const) {
        const copy = data.slice();
        normaliseInPlace(copy, low, high);
        expect(bitsOf(copy)).toEqual(bitsOf(plainNormalise(data, low, high)));
      }
    }
  });

  it.each([
    ['the values of a scan', 20.25, 1320.6],
    ['a narrow range far from zero', 61_234.7, 61_236.1],
    ['a range around zero', -1024.9, 3071.3],
    ['values that are all far from low', 0.1, 5],
  ])('differs from float64 by less than 2e-7: %s', (_, low, high) => {
    const data = Float32Array.from({ length: 20_000 }, () => low + (random() * 1.2 - 0.1) * (high - low));
    const found = data.slice();
    normaliseInPlace(found, low, high);
    expect(largestDifference(found, exactNormalise(data, low, high))).toBeLessThan(2e-7);
  });

  it('writes only where it was told to, also in parts', () => {
    const data = Float32Array.from({ length: 200_003 }, () => random() * 10);
    const out = new Float32Array(200_003).fill(-5);
    normaliseInto(data, 3, 200_000, out, 2, 1, 9);
    expect(haveSameBits(out.slice(2, -1), plainNormalise(data.slice(3), 1, 9))).toBe(true);
    expect([out[0], out[1], out.at(-1)]).toEqual([-5, -5, -5]);
  });
});

describe('turning', () => {
  const TURNS = [false, true].flatMap((transpose) =>
    [false, true].flatMap((flipX) => [false, true].map((flipY) => ({ transpose, flipX, flipY }))),
  );

  it.each(TURNS)('moves every pixel and its padding: %o', (turn) => {
    for (let round = 0; round < 20; round++) {
      const source = image(VALUES['whole numbers']);
      const padding = Uint8Array.from(source.data, (value) => value % 2);
      const found = turnImage({ ...source, padding }, turn);
      expect(found.data).toEqual(plainTurn(source, turn));
      expect(found.padding).toEqual(Uint8Array.from(found.data, (value) => value % 2));
      expect([found.height, found.width]).toEqual(
        turn.transpose ? [source.width, source.height] : [source.height, source.width],
      );
    }
  });
});

describe('the memory of the kernels', () => {
  const NORMALISE = { low: 1, high: 99 };
  const RESIZE = { antialias: true };
  const slices = [32, 20, 51].map((size) => {
    const slice = randomImage(randomNumbers(size), size, 30);
    return { ...slice, padding: Uint8Array.from(slice.data, (_, i) => Number(i % 30 < 4)) };
  });
  const whole = slices.map(({ padding: _, ...slice }) => slice);

  /** What every function of the pipeline makes of the slices. */
  function all(): Float32Array[] {
    const square = { space: 24, normalise: NORMALISE, resize: RESIZE };
    const window = { left: 9, right: 8, top: 5, bottom: 9, to: [13, 22] } as const;
    const sized = { size: [17, 23], normalise: NORMALISE, resize: RESIZE } as const;
    return [slices, whole].flatMap((images) => [
      volumeTensor(images, { ...sized, slices: 4 }).tensor,
      xyTensor(images, sized).tensor,
      ...[3, 12, 23].map((x) => cutCrop(new CropSpaces(square).of(images), { x, y: 14 }, window, true)),
    ]);
  }

  it('holds nothing that changes a result', () => {
    const first = all();
    for (const byte of [0, 0x7f, 0xff]) {
      leave(byte);
      expect(all()).toEqual(first);
    }
  });

  it('is given back when work fails, and does not grow with the number of calls', () => {
    all();
    const size = () => withKernels((memory) => [memory.bytes, memory.top]);
    const before = size();
    const broken = { data: new Float32Array(5), height: 2, width: 3 };
    for (let round = 0; round < 50; round++) {
      all();
      expect(() =>
        volumeTensor([slices[0]!, broken], { size: [900, 900], slices: 2, normalise: NORMALISE, resize: RESIZE }),
      ).toThrow(/2 x 3 has 6 values; found 5/);
    }
    expect(size()).toEqual([expect.any(Number), 0]);
    expect(before[1]).toBe(0);
    expect(size()[0]).toBeLessThan(before[0]! + 16 * 2 ** 20);
  });

  it('is not kept after a huge input', () => {
    const huge = withKernels((memory) => {
      memory.area(200 * 2 ** 20);
      return memory.bytes;
    });
    expect(huge).toBeGreaterThanOrEqual(200 * 2 ** 20);
    expect(withKernels((memory) => memory.bytes)).toBeLessThan(2 ** 20);
  });

  it('cuts windows as plain loops do, at the edges and beyond', () => {
    const space = 40;
    const source = image(VALUES['whole numbers'], space, space);
    const made = { slices: [source.data], space, low: 100.5, high: 3900.25, constant: false };
    for (let round = 0; round < 60; round++) {
      const window = {
        left: upTo(30) - 5,
        right: upTo(30),
        top: upTo(30) - 5,
        bottom: upTo(30),
        to: [upTo(30), upTo(30)],
      } as const;
      const centre = { x: upTo(80) - 20, y: upTo(80) - 20 };
      const [height, width] = [window.top + window.bottom, window.left + window.right];
      if (height < 1 || width < 1) continue;
      const cut = Float32Array.from({ length: height * width }, (_, i) => {
        const x = centre.x - window.left + (i % width);
        const y = centre.y - window.top + Math.floor(i / width);
        const isInside = x >= 0 && x < space && y >= 0 && y < space;
        if (!isInside) return 0;
        const at = y * space + x;
        const value = plainNormalise(source.data.subarray(at, at + 1), made.low, made.high)[0]!;
        return Math.floor(4095 * value + 0.5) / 4095;
      });
      expect(bitsOf(cutCrop(made, centre, window, true))).toEqual(
        bitsOf(plainResize({ data: cut, height, width }, window.to, true)),
      );
    }
  });
});

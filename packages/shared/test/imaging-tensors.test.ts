import { describe, expect, it } from 'vitest';
import { windowOf } from '../imaging/crops.ts';
import {
  CropSpaces,
  centralSlices,
  cutCrop,
  type Image,
  nearestSliceOfDepth,
  spaceCentre,
  volumeTensor,
  widenWindow,
  xyTensor,
} from '../imaging/index.ts';
import { randomImage, randomNumbers, wholeSpace } from './imaging-reference.ts';

const NORMALISE = { low: 0, high: 100 };
const RESIZE = { antialias: true };
const WINDOW = { left: 2, right: 2, top: 2, bottom: 2, to: [4, 4] } as const;

/** An image with one value everywhere. */
function flat(value: number, height = 4, width = 4): Image {
  return { data: new Float32Array(height * width).fill(value), height, width };
}

describe('the choice of slices', () => {
  it('takes all slices that fit', () => {
    expect([...nearestSliceOfDepth(3, 5)]).toEqual([0, 1, 2]);
    expect([...nearestSliceOfDepth(5, 5)]).toEqual([0, 1, 2, 3, 4]);
    expect([...nearestSliceOfDepth(0, 5)]).toEqual([]);
  });

  it('takes the nearest slice to the middle of each position where there are too many', () => {
    // (i + 0.5) * 7 / 4 = 0.875, 2.625, 4.375, 6.125.
    expect([...nearestSliceOfDepth(7, 4)]).toEqual([0, 2, 4, 6]);
    // (i + 0.5) * 2 = 1, 3, 5.
    expect([...nearestSliceOfDepth(6, 3)]).toEqual([1, 3, 5]);
  });

  it('never leaves the series and never goes back', () => {
    for (let count = 33; count < 300; count++) {
      const chosen = nearestSliceOfDepth(count, 32);
      expect(chosen.every((slice, i) => slice < count && (i === 0 || slice > chosen[i - 1]!))).toBe(true);
    }
  });

  it('clamps neighbours to the series', () => {
    expect(centralSlices(5, 2, 20)).toEqual([3, 4, 5, 6, 7]);
    expect(centralSlices(0, 2, 20)).toEqual([0, 0, 0, 1, 2]);
    expect(centralSlices(2, 2, 4)).toEqual([0, 1, 2, 3, 3]);
    expect(centralSlices(0, 1, 1)).toEqual([0, 0, 0]);
    expect(() => centralSlices(4, 1, 4)).toThrow(RangeError);
    expect(() => centralSlices(1.5, 1, 4)).toThrow(RangeError);
  });
});

describe('the volume of stage 1', () => {
  const settings = { size: [2, 3], slices: 4, normalise: NORMALISE, resize: RESIZE } as const;

  it('is padded with zero slices at the end, which do not count in the percentiles', () => {
    const { tensor, sliceOf, constant } = volumeTensor([flat(100), flat(200), flat(150)], settings);
    expect([...sliceOf]).toEqual([0, 1, 2]);
    expect(constant).toBe(false);
    expect([0, 6, 12, 18].map((at) => tensor[at])).toEqual([0, 1, 0.5, 0]);
    expect(tensor).toHaveLength(24);
  });

  it('says which real slice stands at each position when there are too many', () => {
    const slices = Array.from({ length: 7 }, (_, i) => flat(i * 10));
    const { tensor, sliceOf } = volumeTensor(slices, settings);
    expect([...sliceOf]).toEqual([0, 2, 4, 6]);
    expect([...tensor.filter((_, i) => i % 6 === 0)]).toEqual([0, 2 / 6, 4 / 6, 1].map(Math.fround));
  });

  it('takes slices of different sizes', () => {
    const { tensor } = volumeTensor([flat(0, 2, 3), flat(10, 9, 5), flat(5, 1, 1)], settings);
    expect([0, 6, 12].map((at) => tensor[at])).toEqual([0, 1, 0.5]);
  });

  it('is zeros, and says so, where all pixels are the same', () => {
    const { tensor, constant } = volumeTensor([flat(7), flat(7)], settings);
    expect(constant).toBe(true);
    expect(tensor.every((value) => value === 0)).toBe(true);
  });

  it('leaves the slices as they were', () => {
    const slice = randomImage(randomNumbers(1), 2, 3);
    const before = slice.data.slice();
    volumeTensor([slice], settings);
    xyTensor([slice, slice, slice], settings);
    cutCrop(new CropSpaces({ ...settings, space: 3 }).of([slice]), { x: 1, y: 1 }, WINDOW, true);
    expect(slice.data).toEqual(before);
  });

  it('needs a slice', () => {
    expect(() => volumeTensor([], settings)).toThrow(/at least one slice/);
  });
});

describe('the image of stage 2', () => {
  it('clips at the percentiles before it resizes', () => {
    // The 90th percentile of 24 zeros, 23 tens and one 1000 is 10. Clipped first, the bright pixel weighs no more
    // than its neighbours, and the mean of its image is 0.5 as the others' halves are.
    const half = Float32Array.from({ length: 16 }, (_, i) => (i % 2 ? 10 : 0));
    const bright = half.slice();
    bright[5] = 1000;
    const images = [half, bright, half].map((data) => ({ data, height: 4, width: 4 })) as [Image, Image, Image];
    const { tensor } = xyTensor(images, { size: [1, 1], normalise: { low: 0, high: 90 }, resize: RESIZE });
    for (const value of tensor) expect(value).toBeCloseTo(0.5, 6);
  });

  it('normalises the three slices together', () => {
    const { tensor } = xyTensor([flat(0), flat(5, 3, 2), flat(20)], {
      size: [2, 2],
      normalise: NORMALISE,
      resize: RESIZE,
    });
    expect([tensor[0], tensor[4], tensor[8]]).toEqual([0, 0.25, 1]);
  });
});

describe('the crops of stage 3', () => {
  const SPACE = { space: 8, low: 0, high: 1, constant: false };

  it('cut around the centre rounded to the nearest pixel, halves upwards', () => {
    const window = { left: 96, right: 32, top: 20, bottom: 60 };
    expect(windowOf({ x: 200.4, y: 99.5 }, window)).toEqual({ x0: 104, x1: 232, y0: 80, y1: 160 });
    expect(windowOf({ x: -0.5, y: 0 }, window)).toEqual({ x0: -96, x1: 32, y0: -20, y1: 60 });
    expect(() => windowOf({ x: Number.NaN, y: 0 }, window)).toThrow(/is a point/);
    expect(() => windowOf({ x: 0, y: 0 }, { left: 0, right: 0, top: 1, bottom: 1 })).toThrow(/holds no pixel/);
  });

  it('have their centre at the same fraction of the space as of the image', () => {
    expect(spaceCentre({ x: 80, y: 160 }, { height: 640, width: 320 }, 512)).toEqual({ x: 128, y: 128 });
  });

  it('hold the pixels of the window', () => {
    const slices = [0, 64].map((first) => Float32Array.from({ length: 64 }, (_, i) => first + i));
    const crop = cutCrop({ ...SPACE, slices, high: 4095 }, { x: 4, y: 3 }, WINDOW, true);
    const rows = [1, 2, 3, 4].flatMap((y) => [2, 3, 4, 5].map((x) => y * 8 + x));
    expect([...crop]).toEqual([...rows, ...rows.map((value) => value + 64)].map((value) => Math.fround(value / 4095)));
  });

  it('are padded with zeros where the window leaves the image, so that the centre stays the centre', () => {
    // Below `low`, zero would be brighter than nothing.
    const space = { ...SPACE, slices: [new Float32Array(64).fill(1)], low: -1 };
    const corner = cutCrop(space, { x: 0, y: 8 }, WINDOW, true);
    expect([...corner]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    for (const centre of [
      { x: -50, y: 4 },
      { x: 4, y: 1e9 },
    ]) {
      expect([...cutCrop(space, centre, WINDOW, true)]).toEqual(new Array(16).fill(0));
    }
  });

  it('come from a space that is normalised over all slices together, repeats included', () => {
    const end = flat(30);
    const spaces = new CropSpaces({ space: 2, normalise: NORMALISE, resize: RESIZE });
    const space = spaces.of([end, end, end, flat(20), flat(10, 9, 2)]);
    expect(space.constant).toBe(false);
    expect([0, 4, 8, 12, 16].map((at) => wholeSpace(space)[at])).toEqual([1, 1, 1, 0.5, 0]);
    // Others of the same slices are normalised over their own.
    expect([0, 4].map((at) => wholeSpace(spaces.of([end, flat(20)]))[at])).toEqual([1, 0]);
  });

  it('are normalised as without room, whatever is in the room', () => {
    const spaces = new CropSpaces({ space: 2, normalise: NORMALISE, resize: RESIZE });
    const central = [flat(10), flat(20), flat(30)];
    const served = wholeSpace(spaces.of(central));
    const wide = wholeSpace(spaces.of([flat(-90), ...central, flat(25)], 1));
    expect([...wide.subarray(4, 16)]).toEqual([...served]);
    expect([wide[0], wide[16]]).toEqual([0, 0.75]);
    expect(() => spaces.of([flat(1), flat(2)], 1)).toThrow(/at least one slice/);
  });

  it('show more on every side at the same scale where they have room', () => {
    const window = { left: 2, right: 2, top: 1, bottom: 3, to: [8, 4] } as const;
    expect(widenWindow(window, { height: 4, width: 1 })).toEqual({ left: 3, right: 3, top: 3, bottom: 5, to: [16, 6] });
    expect(widenWindow(window, { height: 0, width: 0 })).toEqual(window);
    expect(() => widenWindow(window, { height: 3, width: 0 })).toThrow(/whole pixels; found 1.5 down/);
  });
});

/** Padding is no tissue: it counts in no percentile, does not bleed into its neighbours, and ends as 0. */

import { describe, expect, it } from 'vitest';
import { CropSpaces, cutCrop, type Image, volumeTensor, xyTensor } from '../imaging/index.ts';
import { randomImage, randomNumbers, wholeSpace } from './imaging-reference.ts';

const NORMALISE = { low: 1, high: 99 };
const RESIZE = { antialias: true };

/**
 * An image whose outermost columns are padding, as `frame` of a DICOM image gives it: set to the lowest tissue value,
 * and marked.
 */
function padded(image: Image, columns: number): Image {
  const { height, width } = image;
  const isPadding = (i: number) => i % width < columns || i % width >= width - columns;
  const padding = Uint8Array.from({ length: image.data.length }, (_, i) => Number(isPadding(i)));
  const lowest = Math.min(...image.data.filter((_, i) => !isPadding(i)));
  return { data: image.data.map((value, i) => (isPadding(i) ? lowest : value)), padding, height, width };
}

/** The same image without its outermost columns. */
function cropped({ data, height, width }: Image, columns: number): Image {
  const kept = width - 2 * columns;
  const inner = new Float32Array(height * kept);
  for (let y = 0; y < height; y++) inner.set(data.subarray(y * width + columns, (y + 1) * width - columns), y * kept);
  return { data: inner, height, width: kept };
}

const random = randomNumbers(11);
const images = [0, 1, 2].map(() => randomImage(random, 32, 48));
const inner = { from: 8, to: 40 };

/** Columns of a [.., 32, 48] tensor between the padding. */
function innerColumns(tensor: Float32Array): number[] {
  return [...tensor].filter((_, i) => i % 48 >= inner.from && i % 48 < inner.to);
}
function paddingColumns(tensor: Float32Array): number[] {
  return [...tensor].filter((_, i) => i % 48 < inner.from || i % 48 >= inner.to);
}

describe('padding', () => {
  it('leaves the tissue of a volume as if the image ended where the padding begins', () => {
    const whole = volumeTensor(
      images.map((image) => padded(image, 8)),
      { size: [32, 48], slices: 3, normalise: NORMALISE, resize: RESIZE },
    );
    const cut = volumeTensor(
      images.map((image) => cropped(image, 8)),
      { size: [32, 32], slices: 3, normalise: NORMALISE, resize: RESIZE },
    );
    expect(innerColumns(whole.tensor)).toEqual([...cut.tensor]);
    expect(new Set(paddingColumns(whole.tensor))).toEqual(new Set([0]));
    expect(whole.constant).toBe(false);
  });

  it('leaves the channels of an XY image alike', () => {
    const settings = { size: [32, 48], normalise: NORMALISE, resize: RESIZE } as const;
    const whole = xyTensor(
      images.map((image) => padded(image, 8)),
      settings,
    );
    const cut = xyTensor(
      images.map((image) => cropped(image, 8)),
      { ...settings, size: [32, 32] },
    );
    expect(innerColumns(whole.tensor)).toEqual([...cut.tensor]);
    expect(new Set(paddingColumns(whole.tensor))).toEqual(new Set([0]));
  });

  it('counts in no percentile of a crop space, and cuts as zeros', () => {
    const settings = { space: 48, normalise: NORMALISE, resize: RESIZE };
    const square = images.map((image) => ({ ...padded(image, 8) }));
    const space = new CropSpaces(settings).of(square);
    // 32 rows become 48; padded columns stay padded.
    const values = wholeSpace(space);
    for (let i = 0; i < values.length; i++) {
      if (i % 48 < inner.from || i % 48 >= inner.to) expect(values[i]).toBe(0);
      else expect(Number.isFinite(values[i])).toBe(true);
    }
    const crop = cutCrop(space, { x: 8, y: 24 }, { left: 8, right: 8, top: 8, bottom: 8, to: [16, 16] }, true);
    expect([...crop].filter((_, i) => i % 16 < 8)).toEqual(new Array(crop.length / 2).fill(0));
    expect([...crop].some((value) => value > 0)).toBe(true);
  });

  it('does not darken its neighbours when an image shrinks: it is mixed in as the lowest tissue value', () => {
    const level = (value: number): Image => ({ data: new Float32Array(16 * 16).fill(value), height: 16, width: 16 });
    // Padding of odd width: one column of the small image is half padding, half tissue of the lowest value.
    const flat = padded({ ...level(500), data: level(500).data.map((_, i) => 500 + (i % 7)) }, 3);
    const { tensor } = volumeTensor([flat], {
      size: [8, 8],
      slices: 1,
      normalise: { low: 0, high: 100 },
      resize: RESIZE,
    });
    for (const value of tensor) expect(value >= 0 && value <= 1).toBe(true);
    expect(tensor[0]).toBe(0);
    expect(Math.max(...tensor)).toBe(1);
  });

  it('of whole slices, and of all slices, is no fault: zeros, and constant where nothing else is there', () => {
    const all = { data: new Float32Array(16), padding: new Uint8Array(16).fill(1), height: 4, width: 4 };
    const some = { data: Float32Array.from({ length: 16 }, (_, i) => i), height: 4, width: 4 };
    const settings = { size: [4, 4] as const, slices: 2, normalise: NORMALISE, resize: RESIZE };
    const mixed = volumeTensor([all, some], settings);
    expect([...mixed.tensor.subarray(0, 16)]).toEqual(new Array(16).fill(0));
    expect(mixed.tensor.subarray(16).some((value) => value > 0)).toBe(true);
    expect(volumeTensor([all, all], settings)).toMatchObject({ constant: true });
    expect(xyTensor([all, all, all], settings).constant).toBe(true);
  });
});

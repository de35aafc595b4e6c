import { describe, expect, it } from 'vitest';
import { type Image, resizeBilinear } from '../imaging/index.ts';

function image(rows: number[][]): Image {
  return { data: Float32Array.from(rows.flat()), height: rows.length, width: rows[0]!.length };
}

describe('resizing', () => {
  it('mixes neighbours by half-pixel centres when an image grows, and repeats the edge', () => {
    // Outputs look at inputs -0.25, 0.25, 0.75, 1.25.
    for (const antialias of [true, false]) {
      expect([...resizeBilinear(image([[0, 8]]), 1, 4, { antialias })]).toEqual([0, 2, 6, 8]);
    }
  });

  it('counts every pixel when an image shrinks with antialiasing, and two of them without', () => {
    // 8 to 2: centres 2 and 6. The triangle of half-width 4 weighs pixels 0 .. 5 by
    // 0.625 0.875 0.875 0.625 0.375 0.125, sum 3.5; the pixel next to the first centre has 0.875 of it.
    const spike = image([[0, 7, 0, 0, 0, 0, 0, 0]]);
    expect([...resizeBilinear(spike, 1, 2, { antialias: true })]).toEqual([1.75, 0]);
    // The second centre's triangle begins at pixel 2, so it does not see the spike. Without: pixels 1 and 2, then 5, 6.
    expect([...resizeBilinear(spike, 1, 2, { antialias: false })]).toEqual([3.5, 0]);
  });

  it('treats rows and columns alike', () => {
    const tall = resizeBilinear(image([[1], [5], [2], [8], [3]]), 2, 1, { antialias: true });
    const wide = resizeBilinear(image([[1, 5, 2, 8, 3]]), 1, 2, { antialias: true });
    expect(tall).toEqual(wide);
  });

  it('gives a copy where the size stays', () => {
    const source = image([
      [1, 2],
      [3, 4],
    ]);
    const copy = resizeBilinear(source, 2, 2, { antialias: true });
    expect(copy).toEqual(source.data);
    expect(copy.buffer).not.toBe(source.data.buffer);
  });

  it('keeps a constant image constant', () => {
    const flat = { data: new Float32Array(37 * 23).fill(7), height: 37, width: 23 };
    for (const antialias of [true, false]) {
      expect(new Set(resizeBilinear(flat, 11, 50, { antialias }))).toEqual(new Set([7]));
    }
  });

  it('refuses an image whose length does not fit its size', () => {
    const wrong = { data: new Float32Array(5), height: 2, width: 3 };
    expect(() => resizeBilinear(wrong, 2, 2, { antialias: true })).toThrow(/2 x 3 has 6 values; found 5/);
    expect(() => resizeBilinear(image([[1]]), 0, 2, { antialias: true })).toThrow(RangeError);
  });
});

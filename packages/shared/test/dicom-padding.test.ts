/** Padding: which pixels it is, and which value they get (PS3.3 C.7.5.1.1.2). */

import { describe, expect, it } from 'vitest';
import { openImage } from '../dicom/index.ts';
import { jpegLossless, jpegLs, rle } from './support/codestreams.ts';
import {
  type DicomElement,
  dicomFile,
  encapsulated,
  imageElements,
  type Overrides,
  SYNTAX,
  words,
} from './support/dicom-bytes.ts';

const word = (value: number) => value & 0xffff;
const bits = (stored: number, signed: boolean, high = stored - 1): Overrides => ({
  '00280101': ['US', stored],
  '00280102': ['US', high],
  '00280103': ['US', signed ? 1 : 0],
});
const padded = (value: number, limit?: number, vr = 'US'): Overrides => ({
  '00280120': [vr, word(value)],
  ...(limit === undefined ? {} : { '00280121': [vr, word(limit)] }),
});

async function read(overrides: Overrides, values: readonly number[]) {
  const pixels: DicomElement = ['7fe00010', 'OW', words(values)];
  const bytes = dicomFile({ elements: [...imageElements(overrides), pixels] });
  const { values: found, padding } = await openImage(bytes).frame(0);
  return { values: [...found], padding: padding && [...padding] };
}

describe('pixels that are padding', () => {
  it('are those of PixelPaddingValue, and take the lowest value of the others', async () => {
    expect(await read(padded(-2000), [-2000, 5, 7, -3, -2000, 9])).toEqual({
      values: [-3, 5, 7, -3, -3, 9],
      padding: [1, 0, 0, 0, 1, 0],
    });
  });

  it.each(['US', 'SS'])('are told by PixelRepresentation, whatever VR the value has (%s)', async (vr) => {
    expect((await read(padded(-2000, undefined, vr), [-2000, 5, 7, -3, 1, 9])).padding).toEqual([1, 0, 0, 0, 0, 0]);
    const unsigned = await read({ ...bits(16, false), ...padded(63536, undefined, vr) }, [63536, 5, 7, 3, 1, 9]);
    expect(unsigned).toEqual({ values: [1, 5, 7, 3, 1, 9], padding: [1, 0, 0, 0, 0, 0] });
  });

  it.each([
    ['the value below the limit', -2000, -1990],
    ['the value above the limit', -1990, -2000],
  ])('of a range, both ends included: %s', async (_, value, limit) => {
    const { padding } = await read(padded(value, limit), [-2001, -2000, -1995, -1990, -1989, 0]);
    expect(padding).toEqual([0, 1, 1, 1, 0, 0]);
  });

  it('are none where there is no such attribute, or no such pixel', async () => {
    const values = [-2000, 5, 7, -3, 1, 9];
    expect(await read({}, values)).toEqual({ values, padding: undefined });
    expect(await read(padded(-1000), values)).toEqual({ values, padding: undefined });
    expect(await read({ '00280121': ['US', word(-2000)] }, values)).toEqual({ values, padding: undefined });
    expect(await read({ '00280120': ['US', ''] }, values)).toEqual({ values, padding: undefined });
  });

  it('become 0 where all are', async () => {
    expect(await read(padded(-5), [-5, -5, -5, -5, -5, -5])).toEqual({
      values: Array(6).fill(0),
      padding: Array(6).fill(1),
    });
  });

  it('take the lowest modality value: after slope and intercept, whichever way the slope runs', async () => {
    const up = { ...padded(-9), '00281052': ['DS', '10'], '00281053': ['DS', '2'] } as Overrides;
    expect((await read(up, [-9, 1, 2, 3, 4, 5])).values).toEqual([12, 12, 14, 16, 18, 20]);
    const down = { ...padded(-9), '00281053': ['DS', '-1'] } as Overrides;
    expect((await read(down, [-9, 1, 2, 3, 4, 5])).values).toEqual([-5, -1, -2, -3, -4, -5]);
  });

  it('of MONOCHROME1 are compared as stored, and take the lowest value after inverting', async () => {
    const dark: Overrides = { ...bits(12, false), '00280004': ['CS', 'MONOCHROME1'], ...padded(4095) };
    expect(await read(dark, [4095, 4000, 3000, 0, 4095, 1])).toEqual({
      values: [95, 95, 1095, 4095, 95, 4094],
      padding: [1, 0, 0, 0, 1, 0],
    });
  });
});

describe('a padding value that BitsStored cannot hold', () => {
  it.each([
    ['unsigned 12 bits, above all of them', bits(12, false), 0xf830, [0xf830, 0x0830, 1, 2, 3, 0xf831]],
    ['signed 12 bits, below all of them', bits(12, true), -32768, [-32768, 0, 1, 2, 3, -1]],
  ])('is compared with the whole word: %s', async (_, header, value, values) => {
    expect((await read({ ...header, ...padded(value) }, values)).padding).toEqual([1, 0, 0, 0, 0, 0]);
  });

  it('is compared so for a range of which one end fits', async () => {
    const found = await read({ ...bits(12, true), ...padded(-32768, -2000) }, [-32768, -20000, -2001, 5, -1999, 2047]);
    expect(found.padding).toEqual([1, 1, 1, 0, 0, 0]);
    expect(found.values).toEqual([-1999, -1999, -1999, 5, -1999, 2047]);
  });

  it('is not looked for in bits that are garbage where it fits', async () => {
    expect((await read({ ...bits(12, false), ...padded(5) }, [0xf005, 5, 6, 7, 8, 9])).padding).toEqual([
      1, 1, 0, 0, 0, 0,
    ]);
  });

  const shape = { rows: 3, columns: 2 };
  it('is found in RLE, which keeps words, and harms nothing in codestreams, which do not', async () => {
    const values = [0xf830, 0x0123, 1, 2, 3, 4];
    const header = imageElements({ ...bits(12, false), ...padded(0xf830) });
    const run = dicomFile({
      syntax: SYNTAX.rle,
      elements: header,
      tail: encapsulated([rle({ ...shape, bits: 16, samples: values })]),
    });
    expect((await openImage(run).frame(0)).padding).toEqual(Uint8Array.from([1, 0, 0, 0, 0, 0]));
    const samples = values.map((value) => value & 0xfff);
    for (const [syntax, codestream] of [
      [SYNTAX.jpegLossless, jpegLossless({ ...shape, bits: 12, samples })],
      [SYNTAX.jpegLs, await jpegLs({ ...shape, bits: 12, samples })],
    ] as const) {
      const bytes = dicomFile({ syntax, elements: header, tail: encapsulated([codestream]) });
      expect(await openImage(bytes).frame(0)).toEqual({
        values: Float32Array.from(samples),
        padding: undefined,
      });
    }
  });

  it('is found in codestreams where it fits', async () => {
    const samples = [4000, 291, 1, 2, 3, 4000];
    for (const [syntax, codestream] of [
      [SYNTAX.jpegLossless, jpegLossless({ ...shape, bits: 12, samples })],
      [SYNTAX.jpegLs, await jpegLs({ ...shape, bits: 12, samples })],
    ] as const) {
      const elements = imageElements({ ...bits(12, false), ...padded(4000) });
      const bytes = dicomFile({ syntax, elements, tail: encapsulated([codestream]) });
      expect((await openImage(bytes).frame(0)).padding).toEqual(Uint8Array.from([1, 0, 0, 0, 0, 1]));
    }
  });

  it('is found in 8-bit and in shifted words', async () => {
    const eight: Overrides = { ...bits(6, false), '00280100': ['US', 8], ...padded(255) };
    const pixels: DicomElement = ['7fe00010', 'OB', Uint8Array.from([255, 63, 1, 2, 3, 4])];
    const bytes = dicomFile({ elements: [...imageElements(eight), pixels] });
    expect((await openImage(bytes).frame(0)).padding).toEqual(Uint8Array.from([1, 0, 0, 0, 0, 0]));
    const shifted = await read({ ...bits(12, false, 15), ...padded(7) }, [0x70, 0x71, 0x7000, 7, 0x80, 0]);
    expect(shifted.padding).toEqual([1, 1, 0, 0, 0, 0]);
  });
});

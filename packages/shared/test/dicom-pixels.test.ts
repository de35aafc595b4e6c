/** From stored bits to numbers: masks, signs, word sizes, photometric interpretation, rescaling. */

import { describe, expect, it } from 'vitest';
import { openImage } from '../dicom/index.ts';
import { type DicomElement, dicomFile, imageElements, type Overrides, SYNTAX, words } from './support/dicom-bytes.ts';
import { storedValues } from './support/dicom-stored.ts';
import { plainValues } from './support/plain-pixels.ts';

const bits = (allocated: number, stored: number, high: number, signed: boolean): Overrides => ({
  '00280100': ['US', allocated],
  '00280101': ['US', stored],
  '00280102': ['US', high],
  '00280103': ['US', signed ? 1 : 0],
});

function file(overrides: Overrides, value: Uint8Array, options: { vr?: string; syntax?: string } = {}) {
  const pixels: DicomElement = ['7fe00010', options.vr ?? 'OW', value];
  return dicomFile({ syntax: options.syntax ?? SYNTAX.explicit, elements: [...imageElements(overrides), pixels] });
}

async function stored(bytes: Uint8Array): Promise<number[]> {
  return [...(await storedValues(bytes))];
}

async function modality(bytes: Uint8Array): Promise<number[]> {
  return [...(await openImage(bytes).frame(0)).values];
}

const dwords = (values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);

describe('converted pixels', () => {
  /** Rescaled one by one, with the numbers that the standard names. */
  const rescaled = (values: readonly number[], slope: number, intercept: number) =>
    values.map((value) => Math.fround(slope * value + intercept));

  const all = [0, 0xffff, 1, 0x8000, 0x7fff, 0x1234];
  it.each([
    { name: '16 bits, signed', samples: all, layout: bits(16, 16, 15, true), found: [0, -1, 1, -32768, 32767, 4660] },
    {
      name: '16 bits, unsigned',
      samples: all,
      layout: bits(16, 16, 15, false),
      found: [0, 65535, 1, 32768, 32767, 4660],
    },
    {
      name: '12 of 16 bits, unsigned, with bits above',
      samples: all,
      layout: bits(16, 12, 11, false),
      found: [0, 4095, 1, 0, 4095, 564],
    },
    {
      name: '12 of 16 bits, signed, with other bits above',
      samples: all,
      layout: bits(16, 12, 11, true),
      found: [0, -1, 1, 0, -1, 564],
    },
    {
      name: '12 of 16 bits, signed, with the sign above',
      layout: bits(16, 12, 11, true),
      samples: [0, 0xffff, 1, 0xf800, 0x07ff, 0xfa5c],
      found: [0, -1, 1, -2048, 2047, -1444],
    },
    {
      name: '12 of 16 bits, unsigned, without bits above',
      layout: bits(16, 12, 11, false),
      samples: [0, 0xfff, 1, 0x800, 0x7ff, 0xa5c],
      found: [0, 4095, 1, 2048, 2047, 2652],
    },
  ])('are the same of $name, whatever the order and the place of the bytes', async ({ layout, samples, found }) => {
    for (const [slope, intercept] of [
      [1, 0],
      [0.1, -3],
      [-2.5, 0],
    ] as const) {
      const rescale: Overrides = { '00281053': ['DS', `${slope}`], '00281052': ['DS', `${intercept}`] };
      const little = file({ ...layout, ...rescale }, words(samples));
      const swapped = words(samples.map((word) => ((word & 0xff) << 8) | (word >> 8)));
      const big = file({ ...layout, ...rescale }, swapped, { syntax: SYNTAX.bigEndian });
      // One byte further in memory, no sample lies where a 16-bit number may lie.
      const odd = new Uint8Array([0, ...little]).subarray(1);
      for (const bytes of [little, big, odd]) {
        expect(await modality(bytes)).toEqual(rescaled(found, slope, intercept));
        const { data } = (await openImage(bytes).decode(0))();
        expect(data).toMatchObject({ samples: expect.any(Uint16Array) });
        expect([...plainValues(data)]).toEqual(rescaled(found, slope, intercept));
      }
      const inverted = file({ ...layout, ...rescale, '00280004': ['CS', 'MONOCHROME1'] }, words(samples));
      const stored = await storedValues(inverted);
      const sum = layout['00280103']![1] === 1 ? -1 : 2 ** (layout['00280101']![1] as number) - 1;
      expect(await modality(inverted)).toEqual(
        rescaled(
          [...stored].map((value) => sum - value),
          slope,
          intercept,
        ),
      );
    }
  });

  it.each([true, false])('mind a bit above BitsStored in any one sample (signed: %s)', async (signed) => {
    for (const samples of [5, 6].map((count) => new Array<number>(count).fill(3))) {
      for (let at = 0; at < samples.length; at++) {
        for (let bit = 11; bit < 16; bit++) {
          const words16 = samples.with(at, 3 | (1 << bit));
          const size: Overrides = { '00280010': ['US', 1], '00280011': ['US', words16.length] };
          const value = signed && bit === 11 ? 3 - 2048 : bit === 11 ? 3 + 2048 : 3;
          const layout = bits(16, 12, 11, signed);
          expect(await modality(file({ ...layout, ...size }, words(words16)))).toEqual(samples.with(at, value));
        }
      }
    }
  });

  it('take the memory that they are given', async () => {
    const memory = new Float32Array(8).fill(7);
    const inverted = file({ '00280004': ['CS', 'MONOCHROME1'] }, words([1, 2, 3, 4, 5, 6].map((v) => 65_535 - v)));
    const pixels = await openImage(inverted).decode(0);
    const { data } = pixels((length) => memory.subarray(1, 1 + length));
    expect(data).toBeInstanceOf(Float32Array);
    expect([...memory]).toEqual([7, 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe('stored values', () => {
  it('masks garbage above BitsStored of unsigned samples', async () => {
    const bytes = file(bits(16, 12, 11, false), words([0xf000, 0xafff, 0x5001, 0x0800, 0x07ff, 0xf7d0]));
    expect(await stored(bytes)).toEqual([0, 4095, 1, 2048, 2047, 2000]);
  });

  it('extends the sign from BitsStored, not from the word, whatever is above it', async () => {
    const bytes = file(bits(16, 12, 11, true), words([0xf000, 0xafff, 0x5001, 0x0800, 0x07ff, 0x0fff]));
    expect(await stored(bytes)).toEqual([0, -1, 1, -2048, 2047, -1]);
  });

  it('honours a HighBit above BitsStored - 1', async () => {
    const bytes = file(bits(16, 12, 15, true), words([0x0010, 0xfff0, 0x800f, 0x7fff, 0x0000, 0x123f]));
    expect(await stored(bytes)).toEqual([1, -1, -2048, 2047, 0, 0x123]);
  });

  it('reads 8 bits, signed and unsigned', async () => {
    const value = Uint8Array.from([0, 1, 127, 128, 200, 255]);
    expect(await stored(file(bits(8, 8, 7, false), value, { vr: 'OB' }))).toEqual([0, 1, 127, 128, 200, 255]);
    expect(await stored(file(bits(8, 8, 7, true), value, { vr: 'OB' }))).toEqual([0, 1, 127, -128, -56, -1]);
    expect(await stored(file(bits(8, 4, 3, false), value, { vr: 'OB' }))).toEqual([0, 1, 15, 0, 8, 15]);
  });

  it('reads 8 bits in swapped words of a big-endian file', async () => {
    const value = Uint8Array.from([2, 1, 4, 3, 6, 5]);
    const asWords = file(bits(8, 8, 7, false), value, { syntax: SYNTAX.bigEndian, vr: 'OW' });
    const asBytes = file(bits(8, 8, 7, false), value, { syntax: SYNTAX.bigEndian, vr: 'OB' });
    expect(await stored(asWords)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await stored(asBytes)).toEqual([2, 1, 4, 3, 6, 5]);
  });

  it('reads 32 bits', async () => {
    const value = dwords([0, 1, 0xffffffff, 0x80000000, 0x7fffffff, 70000]);
    expect(await stored(file(bits(32, 32, 31, true), value))).toEqual([0, 1, -1, -2147483648, 2147483647, 70000]);
    expect(await stored(file(bits(32, 24, 23, false), value))).toEqual([0, 1, 0xffffff, 0, 0xffffff, 70000]);
  });

  it('refuses unsigned 32-bit values that int32 cannot hold, and reads those that it can', async () => {
    const small = dwords([0, 1, 2, 3, 4, 0x7fffffff]);
    expect(await stored(file(bits(32, 32, 31, false), small))).toEqual([0, 1, 2, 3, 4, 0x7fffffff]);
    const large = dwords([0, 1, 2, 3, 4, 0x80000000]);
    await expect(stored(file(bits(32, 32, 31, false), large))).rejects.toMatchObject({ code: 'DICOM_UNSUPPORTED' });
  });

  it('reads pixel data at an odd address', async () => {
    const bytes = file(bits(16, 16, 15, true), words([1, -2, 3, -4, 5, -6]));
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect(await stored(shifted.subarray(1))).toEqual([1, -2, 3, -4, 5, -6]);
  });

  const refused: [string, Overrides, string][] = [
    ['three samples per pixel', { '00280002': ['US', 3], '00280004': ['CS', 'RGB'] }, 'SamplesPerPixel'],
    ['palette colour', { '00280004': ['CS', 'PALETTE COLOR'] }, 'PhotometricInterpretation'],
    ['1 bit', bits(1, 1, 0, false), 'BitsAllocated'],
    ['packed 12 bits', bits(12, 12, 11, false), 'BitsAllocated'],
    ['64 bits', bits(64, 64, 63, false), 'BitsAllocated'],
  ];
  it.each(refused)('refuses %s by name and reads its header', async (_, overrides, name) => {
    const bytes = file(overrides, new Uint8Array(100));
    await expect(stored(bytes)).rejects.toMatchObject({
      code: 'DICOM_UNSUPPORTED',
      message: expect.stringContaining(name),
    });
  });

  it('says that there is no pixel data', async () => {
    const bytes = dicomFile({ elements: imageElements() });
    await expect(stored(bytes)).rejects.toMatchObject({ code: 'DICOM_ATTRIBUTE_MISSING' });
  });

  it('says that there is no such frame', async () => {
    const image = openImage(file({}, words([1, 2, 3, 4, 5, 6])), { file: 'a.dcm' });
    for (const frame of [1, -1, 0.5]) {
      await expect(image.frame(frame)).rejects.toMatchObject({
        code: 'DICOM_ATTRIBUTE_INVALID',
        context: { file: 'a.dcm', expected: '0 to 0' },
      });
    }
  });
});

describe('modality values', () => {
  it('are slope times stored value plus intercept', async () => {
    const overrides: Overrides = { '00281052': ['DS', '-10.5'], '00281053': ['DS', '0.25'] };
    expect(await modality(file(overrides, words([0, 2, -4, 100, 42, 1])))).toEqual([
      -10.5, -10, -11.5, 14.5, 0, -10.25,
    ]);
  });

  it('of MONOCHROME1 are inverted over the range of BitsStored, before rescaling', async () => {
    const dark: Overrides = { '00280004': ['CS', 'MONOCHROME1'], '00281052': ['DS', '1'], '00281053': ['DS', '2'] };
    const unsigned = file({ ...bits(16, 12, 11, false), ...dark }, words([0, 4095, 1, 2, 3, 4]));
    expect(await modality(unsigned)).toEqual([8191, 1, 8189, 8187, 8185, 8183]);
    const signed = file({ ...bits(16, 12, 11, true), ...dark }, words([0, 2047, -2048, -1, 1, 2]));
    expect(await modality(signed)).toEqual([-1, -4095, 4095, 1, -3, -5]);
  });

  it('are refused where a Modality LUT stands in place of a slope', async () => {
    const lut: Overrides = { '00283000': ['SQ', [[['00283004', 'LO', 'US']]]] };
    const bytes = file(lut, words([1, 2, 3, 4, 5, 6]));
    await expect(modality(bytes)).rejects.toMatchObject({ code: 'DICOM_UNSUPPORTED' });
    expect(await stored(bytes)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

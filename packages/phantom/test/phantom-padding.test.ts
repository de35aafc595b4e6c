/** Padding: pixels beyond the field of view, and what the header says of them. */

import { ConfigError } from '@spineline/shared/domain';
import { beforeAll, describe, expect, it } from 'vitest';
import { phantomDataset } from '../../shared/test/support/phantoms.ts';
import { generatePhantom } from '../src/index.ts';
import type { Padding } from '../src/padding.ts';
import { type PhantomFile, phantomFiles, storedValues } from './support/phantom-files.ts';

/** Signed and unsigned pixels, with and without rescaling. */
const PLAIN = { studies: 1, seed: 20 } as const;
const CANNOT_BE_MADE = '/dev/null/phantom';

/** The value of PixelPaddingValue (0028,0120) or PixelPaddingRangeLimit (0028,0121) in an explicit file, and its VR. */
function paddingElement({ bytes }: PhantomFile, element: number): [vr: string, value: number] | undefined {
  const tag = Buffer.from([0x28, 0x00, element, 0x01]);
  for (const vr of ['SS', 'US']) {
    const at = bytes.indexOf(Buffer.concat([tag, Buffer.from(vr, 'latin1'), Buffer.from([2, 0])]));
    if (at >= 0) return [vr, vr === 'SS' ? bytes.readInt16LE(at + 8) : bytes.readUInt16LE(at + 8)];
  }
  return undefined;
}

const UPWARDS: Padding = { value: -2000, rangeLimit: -1900 };
const DOWNWARDS: Padding = { value: -1900, rangeLimit: -2000, field: 'turned' };
const UNDECLARED: Padding = { value: -2000, declared: false };
const ABOVE: Padding = { value: 32767 };

describe('a padded dataset', () => {
  let plain: PhantomFile[];

  beforeAll(async () => {
    plain = await phantomFiles(await phantomDataset(PLAIN));
  });

  const padded = async (padding: Padding) => phantomFiles(await phantomDataset({ ...PLAIN, padding }));

  it.for<[string, Padding, readonly [number, number]]>([
    ['a range upwards', UPWARDS, [-2000, -1900]],
    ['a range downwards', DOWNWARDS, [-2000, -1900]],
    ['a value that no header names', UNDECLARED, [-2000, -2000]],
    ['the lowest of 16 bits', { value: -32768, field: 'turned' }, [-32768, -32768]],
    ['a value above the image', ABOVE, [32767, 32767]],
  ])('holds %s beyond the field of view and the same image within', async ([, padding, [low, high]]) => {
    const files = await padded(padding);
    expect(files).toHaveLength(plain.length);
    for (const [at, one] of files.entries()) {
      if (at % 9 > 0) continue;
      const [before, after] = [await storedValues(plain[at]!), await storedValues(one)];
      const changed = after.filter((value, index) => value !== before[index]);
      expect(changed.every((value) => value >= low && value <= high)).toBe(true);
      // Corners: between a twentieth and a third of the picture.
      expect(changed.length / after.length).toBeGreaterThan(0.02);
      expect(changed.length / after.length).toBeLessThan(0.34);
      const { rows, columns } = one.header;
      expect([after[0], after[columns - 1], after.at(-1)].every((value) => value! >= low && value! <= high)).toBe(true);
      const middle = Math.floor(rows / 2) * columns + Math.floor(columns / 2);
      expect(after[middle]).toBe(before[middle]);
      if (padding.rangeLimit !== undefined) expect(new Set(changed).size).toBeGreaterThan(50);
    }
  });

  it('says so in the header, in the sign of the pixels', async () => {
    for (const one of await padded(UPWARDS)) {
      expect(one.header).toMatchObject({ signed: true, bitsStored: 16 });
      expect(paddingElement(one, 0x20)).toEqual(['SS', -2000]);
      expect(paddingElement(one, 0x21)).toEqual(['SS', -1900]);
    }
    for (const one of await padded(ABOVE)) {
      expect(paddingElement(one, 0x20)).toEqual([one.header.signed ? 'SS' : 'US', 32767]);
      expect(paddingElement(one, 0x21)).toBeUndefined();
    }
  });

  it('says nothing as the control, nor without padding', async () => {
    for (const one of [...plain, ...(await padded(UNDECLARED))]) {
      expect(paddingElement(one, 0x20)).toBeUndefined();
      expect(paddingElement(one, 0x21)).toBeUndefined();
    }
  });

  it('is padded before it is turned', async () => {
    const way = 'mirrored-turned-90';
    const turned = await phantomDataset({ ...PLAIN, padding: DOWNWARDS, storedAs: { sagittal: way, axial: way } });
    const upright = await padded(DOWNWARDS);
    for (const [at, one] of (await phantomFiles(turned)).entries()) {
      if (at % 13 > 0) continue;
      const [a, b] = [await storedValues(upright[at]!), await storedValues(one)];
      const { rows, columns } = upright[at]!.header;
      // Mirrored and turned by a quarter: (x, y) to (rows - 1 - y, columns - 1 - x).
      const expected = a.map((_, index) => {
        const [x, y] = [index % rows, Math.floor(index / rows)];
        return a[(rows - 1 - x) * columns + columns - 1 - y];
      });
      expect(b).toEqual(expected);
    }
  });

  it.for<Padding>([
    { value: 32768 },
    { value: -2000.5 },
    { value: 0, rangeLimit: -40000 },
    { value: 0, field: 'square' as 'circle' },
  ])('refuses %j', async (padding) => {
    await expect(generatePhantom(CANNOT_BE_MADE, { ...PLAIN, padding })).rejects.toThrow(ConfigError);
  });
});

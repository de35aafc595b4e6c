/** Padding: pixels beyond the field of view, and what the header says of them. */

import { join } from 'node:path';
import { ConfigError } from '@spineline/shared/domain';
import { beforeAll, describe, expect, it } from 'vitest';
import { generatePhantom, type Padding } from '../src/index.ts';
import { temporaryFolder } from './dataset-folder.ts';
import { type PhantomFile, phantomFiles, storedValues } from './support/phantom-files.ts';

/** Signed and unsigned pixels, with and without rescaling. */
const PLAIN = { studies: 1, seed: 20, awkward: false, small: true, threads: 1 } as const;

/** The value of PixelPaddingValue (0028,0120) or PixelPaddingRangeLimit (0028,0121) in an explicit file, and its VR. */
function paddingElement({ bytes }: PhantomFile, element: number): [vr: string, value: number] | undefined {
  const tag = Buffer.from([0x28, 0x00, element, 0x01]);
  for (const vr of ['SS', 'US']) {
    const at = bytes.indexOf(Buffer.concat([tag, Buffer.from(vr, 'latin1'), Buffer.from([2, 0])]));
    if (at >= 0) return [vr, vr === 'SS' ? bytes.readInt16LE(at + 8) : bytes.readUInt16LE(at + 8)];
  }
  return undefined;
}

describe('a padded dataset', async () => {
  const folder = await temporaryFolder();
  let plain: PhantomFile[];

  beforeAll(async () => {
    await generatePhantom(join(folder, 'plain'), PLAIN);
    plain = await phantomFiles(join(folder, 'plain'));
  });

  const padded = async (name: string, padding: Padding) => {
    await generatePhantom(join(folder, name), { ...PLAIN, padding });
    return phantomFiles(join(folder, name));
  };

  it.for<[string, Padding, readonly [number, number]]>([
    ['one value', { value: -2000 }, [-2000, -2000]],
    ['a range upwards', { value: -2000, rangeLimit: -1900 }, [-2000, -1900]],
    ['a range downwards', { value: -1900, rangeLimit: -2000, field: 'turned' }, [-2000, -1900]],
    ['a value that no header names', { value: -2000, declared: false }, [-2000, -2000]],
    ['the lowest of 16 bits', { value: -32768, field: 'turned' }, [-32768, -32768]],
    ['a value above the image', { value: 32767 }, [32767, 32767]],
  ])('holds %s beyond the field of view and the same image within', async ([name, padding, [low, high]]) => {
    const files = await padded(name, padding);
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
    for (const one of await padded('declared', { value: -2000, rangeLimit: -1900 })) {
      expect(one.header).toMatchObject({ signed: true, bitsStored: 16 });
      expect(paddingElement(one, 0x20)).toEqual(['SS', -2000]);
      expect(paddingElement(one, 0x21)).toEqual(['SS', -1900]);
    }
    for (const one of await padded('declared high', { value: 30000 })) {
      expect(paddingElement(one, 0x20)).toEqual([one.header.signed ? 'SS' : 'US', 30000]);
      expect(paddingElement(one, 0x21)).toBeUndefined();
    }
  });

  it('says nothing as the control, nor without padding', async () => {
    for (const one of [...plain, ...(await padded('control', { value: -2000, declared: false }))]) {
      expect(paddingElement(one, 0x20)).toBeUndefined();
      expect(paddingElement(one, 0x21)).toBeUndefined();
    }
  });

  it('is padded before it is turned', async () => {
    const turned = join(folder, 'turned');
    const padding: Padding = { value: -2000, field: 'turned' };
    await generatePhantom(turned, {
      ...PLAIN,
      padding,
      storedAs: { sagittal: 'mirrored-turned-90', axial: 'mirrored-turned-90' },
    });
    const upright = await padded('upright', padding);
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
    await expect(generatePhantom(join(folder, 'none'), { ...PLAIN, padding })).rejects.toThrow(ConfigError);
  });
});

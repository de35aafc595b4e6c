/** Every slice of two studies from a scanner. Some are compared with what pydicom reads. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openImage } from '../dicom/index.ts';
import { storedValues } from './support/dicom-stored.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const folder = path.resolve(root, process.env.SPINELINE_TEST_DATA ?? '../shared/data', 'scanner-phantom/test_images');
const there = existsSync(folder);
const files = there
  ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.dcm'))
  : [];
const read = (file: string) => readFileSync(path.join(folder, file));

describe.skipIf(!there)(`scanner phantom (skipped without ${folder})`, () => {
  it('has every header that the dataset promises', () => {
    expect(files).toHaveLength(62);
    for (const file of files) {
      const { header } = openImage(read(file), { file });
      const small = file.includes('104');
      expect(header).toMatchObject({
        facts: { modality: 'MR', rows: small ? 64 : 256, photometricInterpretation: 'MONOCHROME2' },
        transferSyntaxUid: '1.2.840.10008.1.2.1',
        rows: small ? 64 : 256,
        columns: small ? 64 : 256,
        bitsAllocated: 16,
        bitsStored: 16,
        signed: true,
      });
      expect(header.facts.instanceNumber).toBe(Number(path.basename(file, '.dcm')));
      const [frame] = header.frames;
      expect(frame).toMatchObject({
        instanceNumber: header.facts.instanceNumber,
        rescaleSlope: 1,
        rescaleIntercept: 0,
      });
      expect(frame?.position).toHaveLength(3);
      expect(frame?.orientation).toEqual(/10[12]\D/.test(file) ? [0, 1, 0, 0, 0, -1] : [1, 0, 0, 0, 1, 0]);
      expect(frame?.spacing).toEqual(small ? [3.75, 3.75] : [0.9375, 0.9375]);
    }
  });

  it.each([
    ['1486/101/10.dcm', [15, -119.53125, 119.53125], 0, 1591, 16016796],
    ['1486/102/11.dcm', [0, -119.53125, 119.53125], 0, 1510, 15662801],
    ['1486/103/2.dcm', [-119.53125, -119.53125, -30], 0, 1747, 8609532],
    ['1486/104/10.dcm', [-118.125, -118.125, 25.8999996185], 0, 9738, 2560419],
    ['1487/103/1.dcm', [-119.53125, -119.53125, -45], 0, 114, 977737],
  ])('reads %s as pydicom does', async (file, position, min, max, sum) => {
    const bytes = read(file);
    const image = openImage(bytes, { file });
    expect(image.header.frames[0]?.position).toEqual(position);
    const stored = await storedValues(bytes, 0, { file });
    const found = [Math.min(...stored), Math.max(...stored), stored.reduce((a, b) => a + b, 0)];
    expect(found).toEqual([min, max, sum]);
    const { values, padding } = await image.frame(0);
    expect([...values]).toEqual([...stored]);
    expect(padding).toBeUndefined();
  });

  it('tells series in one frame of reference from those in another', () => {
    const frameOf = (file: string) => openImage(read(file)).header.frames[0]?.frameOfReferenceUid;
    const [t2, t1, axial] = ['1486/101/10.dcm', '1486/102/10.dcm', '1486/103/1.dcm'].map(frameOf);
    expect(axial).toBe(t2);
    expect(t1).not.toBe(t2);
  });
});

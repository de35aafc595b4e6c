/** Real files of every transfer syntax, compared with digests from pydicom and DCMTK. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openImage } from '../dicom/index.ts';
import { openStored } from '../dicom/stored-values.ts';
import { DicomError, type PixelData } from '../domain/index.ts';
import { storedOf } from './support/dicom-stored.ts';
import { plainValues } from './support/plain-pixels.ts';

interface Expected {
  readonly transferSyntaxUid: string;
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  readonly bitsStored: number;
  readonly signed: boolean;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly sha256Int32LE: string;
  readonly lossless: boolean;
  readonly expect?: 'error';
}

const root = path.resolve(import.meta.dirname, '../../..');
const folder = path.resolve(root, process.env.SPINELINE_TEST_DATA ?? '../shared/data', 'transfer-syntaxes');
const there = existsSync(folder);
const expected: Record<string, Expected> = there
  ? JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8'))
  : {};
const whole = Object.entries(expected).filter(([, one]) => one.expect !== 'error');

const read = (file: string) => readFileSync(path.join(folder, file));

async function decodeAll(file: string): Promise<Int32Array[]> {
  const image = openStored(read(file), { file });
  return Promise.all(image.header.frames.map((_, frame) => storedOf(image, frame)));
}

describe.skipIf(!there)(`transfer syntaxes (skipped without ${folder})`, () => {
  it('covers every syntax family that the project reads', () => {
    expect(new Set(whole.map(([, one]) => one.transferSyntaxUid)).size).toBeGreaterThanOrEqual(9);
  });

  it.each(whole)('reads the header of %s', (file, one) => {
    const { header } = openImage(read(file), { file });
    expect(header).toMatchObject({
      transferSyntaxUid: one.transferSyntaxUid,
      rows: one.rows,
      columns: one.columns,
      bitsStored: one.bitsStored,
      signed: one.signed,
    });
    expect(header.frames).toHaveLength(one.frames);
  });

  it.each(whole)('decodes %s to the expected stored values', async (file, one) => {
    const frames = await decodeAll(file);
    const digest = createHash('sha256');
    let [min, max, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
    for (const frame of frames) {
      digest.update(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength));
      for (const value of frame) {
        min = Math.min(min, value);
        max = Math.max(max, value);
        sum += value;
      }
    }
    if (one.lossless) {
      expect({ min, max, sum, sha256Int32LE: digest.digest('hex') }).toEqual({
        min: one.min,
        max: one.max,
        sum: one.sum,
        sha256Int32LE: one.sha256Int32LE,
      });
      return;
    }
    // JPEG 2000's 9/7 wavelet is floating point: T.803 lets a class-1 decoder be off by a level or so, and two
    // decoders round differently. One level at either end, and a thousandth of a level on average.
    const count = frames.length * one.rows * one.columns;
    expect(Math.abs(min - one.min)).toBeLessThanOrEqual(1);
    expect(Math.abs(max - one.max)).toBeLessThanOrEqual(1);
    expect(Math.abs(sum - one.sum) / count).toBeLessThanOrEqual(1e-3);
  });

  it('decodes frames of one file in any order and at once to the same values', async () => {
    const file = 'emri_small_jpeg_ls_lossless.dcm';
    const inOrder = await decodeAll(file);
    const image = openStored(read(file));
    const backwards = await Promise.all([9, 4, 0].map((frame) => storedOf(image, frame)));
    expect(backwards).toEqual([inOrder[9], inOrder[4], inOrder[0]]);
  });

  it('keeps what was decoded, whatever is decoded next', async () => {
    const image = openImage(read('emri_small_jpeg_ls_lossless.dcm'));
    const decoded: (() => { data: PixelData })[] = [];
    for (const frame of [0, 1, 2]) decoded.push(await image.decode(frame));
    const alone: Float32Array[] = [];
    for (const frame of [0, 1, 2]) alone.push((await image.frame(frame)).values);
    expect(decoded.map((pixels) => plainValues(pixels().data))).toEqual(alone);
  });

  it('reads the header of MR_truncated.dcm, and says which file ends early when its pixels are wanted', async () => {
    const file = 'MR_truncated.dcm';
    const image = openImage(read(file), { file });
    expect(image.header).toMatchObject({ rows: 64, columns: 64, signed: true });
    const error = await image.frame(0).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DicomError);
    expect(error).toMatchObject({ code: 'DICOM_TRUNCATED', kind: 'permanent', context: { file, found: '8130' } });
    expect((error as Error).message).toContain(file);
  });

  it('reads nine frames of emri_small_jpeg_2k_lossless_too_short.dcm, whose end is missing after the tenth', async () => {
    const file = 'emri_small_jpeg_2k_lossless_too_short.dcm';
    const image = openStored(read(file), { file });
    const intact = await decodeAll('emri_small.dcm');
    for (let frame = 0; frame < 9; frame++) {
      expect(await storedOf(image, frame)).toEqual(intact[frame]);
    }
    await expect(image.stored(9)).rejects.toMatchObject({
      code: 'DICOM_TRUNCATED',
      message: expect.stringContaining(file),
    });
  });

  it('never gives pixels, and never anything but a DicomError, for a file that is cut anywhere', async () => {
    for (const file of ['MR_small.dcm', 'MR_small_RLE.dcm', 'MR_small_jp2klossless.dcm', 'MR_small_implicit.dcm']) {
      const bytes = read(file);
      const { header } = openImage(bytes);
      const compressedEnd = header.transferSyntaxUid.startsWith('1.2.840.10008.1.2.4') ? 4468 : 8192;
      for (let length = 0; length < bytes.length; length += 211) {
        const cut = bytes.subarray(0, length);
        try {
          await openImage(cut, { file }).frame(0);
          // A cut file is only readable if the cut is after the pixel data.
          expect(length).toBeGreaterThan(compressedEnd);
        } catch (error) {
          expect(error, `${file} cut at ${length}`).toBeInstanceOf(DicomError);
        }
      }
    }
  });

  it('answers flipped bytes with pixels or a DicomError, and still decodes the next file', async () => {
    for (const file of [
      'MR_small_jp2klossless.dcm',
      'MR_small_jpeg_ls_lossless.dcm',
      'MR_small_RLE.dcm',
      'JPEG-LL.dcm',
    ]) {
      const bytes = read(file);
      for (let round = 0; round < 25; round++) {
        const damaged = Uint8Array.from(bytes);
        for (let i = 0; i < 8; i++) damaged[(1600 + round * 7919 + i * 104729) % damaged.length]! ^= 1 << (i % 8);
        try {
          await openImage(damaged, { file }).frame(0);
        } catch (error) {
          expect(error, `${file} round ${round}`).toBeInstanceOf(DicomError);
        }
      }
      const [frame] = await decodeAll(file);
      const digest = createHash('sha256').update(new Uint8Array(frame!.buffer)).digest('hex');
      expect(digest).toBe(expected[file]!.sha256Int32LE);
    }
  });
});

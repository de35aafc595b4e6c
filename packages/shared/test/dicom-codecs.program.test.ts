/**
 * Every codec against the encoders and decoders of DCMTK and GDCM, on slices of a phantom study and of the scanner
 * phantom: no slice is refused, and all digests are equal. With `SPINELINE_TEST_CODEC_STUDIES` all slices of so many
 * phantom studies, and of the scanner phantom, are compared.
 */

import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStored } from '../dicom/stored-values.ts';
import { SYNTAX } from './support/dicom-bytes.ts';
import { storedOf } from './support/dicom-stored.ts';
import { phantomDataset } from './support/phantoms.ts';

const ALL = process.env.SPINELINE_TEST_CODEC_STUDIES;
const STUDIES = Number(ALL ?? 1);
/** Of all slices, every so many-th is compared. */
const EVERY = ALL === undefined ? 8 : 1;
const root = path.resolve(import.meta.dirname, '../../..');
const scanner = path.resolve(root, process.env.SPINELINE_TEST_DATA ?? '../shared/data', 'scanner-phantom/test_images');

const run = promisify(execFile);
const can = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;

interface Conversion {
  readonly name: string;
  readonly syntax: string;
  /** Command line of the encoder without the two files. @param slice index of the slice in the list */
  readonly encode: (slice: number) => readonly [program: string, ...options: string[]];
  /** The decoder to compare with. Without one, the original values must come out. */
  readonly decode?: string;
  /** Signed slices are left out, because DCMTK cannot encode them in this way. */
  readonly unsignedOnly?: boolean;
}

const CONVERSIONS: readonly Conversion[] = [
  { name: 'JPEG Lossless, SV1', syntax: SYNTAX.jpegLosslessFirst, encode: () => ['dcmcjpeg', '+e1'] },
  {
    name: 'JPEG Lossless, predictors 1 to 7 in turn',
    syntax: SYNTAX.jpegLossless,
    encode: (slice) => ['dcmcjpeg', '+el', '+sv', `${1 + (slice % 7)}`],
  },
  {
    name: 'JPEG Lossless with a point transform',
    syntax: SYNTAX.jpegLossless,
    encode: (slice) => ['dcmcjpeg', '+el', '+sv', `${1 + (slice % 7)}`, '+pt', `${1 + (slice % 3)}`],
    decode: 'dcmdjpeg',
  },
  { name: 'JPEG-LS', syntax: SYNTAX.jpegLs, encode: () => ['dcmcjpls', '+el'] },
  {
    name: 'JPEG-LS, near-lossless',
    syntax: SYNTAX.jpegLsNear,
    encode: (slice) => ['dcmcjpls', '+en', '+md', `${1 + (slice % 4)}`],
    decode: 'dcmdjpls',
    unsignedOnly: true,
  },
  { name: 'RLE', syntax: SYNTAX.rle, encode: () => ['dcmcrle'] },
  { name: 'JPEG 2000', syntax: SYNTAX.jpeg2000Lossless, encode: () => ['gdcmconv', '--j2k'] },
];

/** SHA-256 of the stored values of the first frame, and the transfer syntax. */
async function digest(file: string): Promise<{ syntax: string; sha256: string }> {
  const bytes = await readFile(file);
  const image = openStored(bytes, { file });
  const values = await storedOf(image);
  const sha256 = createHash('sha256').update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return { syntax: image.header.transferSyntaxUid, sha256: sha256.digest('hex') };
}

/** Runs two actions at a time, because the programs that they start wait as often as they compute. */
async function forEach<T>(list: readonly T[], action: (one: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < list.length) {
      const index = next++;
      await action(list[index]!, index);
    }
  };
  await Promise.all([work(), work()]);
}

describe('codecs against DCMTK and GDCM', () => {
  let folder: string;
  let slices: string[];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'spineline-codecs-'));
    const phantom = await phantomDataset({ studies: STUDIES, seed: 10, small: ALL === undefined });
    const below = async (where: string) =>
      (await readdir(where, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile() && entry.name.endsWith('.dcm'))
        .map((entry) => path.join(entry.parentPath, entry.name))
        .sort();
    const all = [
      ...(await below(path.join(phantom, 'train_images'))),
      ...(existsSync(scanner) ? await below(scanner) : []),
    ];
    slices = all.filter((_, i) => i % EVERY === 0);
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  for (const { name, syntax, encode, decode, unsignedOnly } of CONVERSIONS) {
    const [program] = encode(0);
    const absent = [program, ...(decode ? [decode] : [])].filter((one) => !can(one));
    const limit = Math.max(120_000, STUDIES * 30_000);
    it.skipIf(absent.length > 0)(
      `${name}${absent.length ? ` (no ${absent} here)` : ''}`,
      { timeout: limit },
      async () => {
        expect(slices.length).toBeGreaterThan((STUDIES * 30) / EVERY);
        const wrong: string[] = [];
        let compared = 0;
        await forEach(slices, async (slice, index) => {
          if (unsignedOnly && openStored(await readFile(slice)).header.signed) return;
          compared += 1;
          const encoded = path.join(folder, `${index}.dcm`);
          const decoded = path.join(folder, `${index}.raw.dcm`);
          const [, ...options] = encode(index);
          await run(program, [...options, slice, encoded]);
          if (decode) await run(decode, [encoded, decoded]);
          const original = await digest(decode ? decoded : slice);
          const found = await digest(encoded).catch((error: Error) => ({ syntax, sha256: error.message }));
          if (found.syntax !== syntax) wrong.push(`${slice}: converted to ${found.syntax}`);
          else if (found.sha256 !== original.sha256) wrong.push(`${slice} (${options.join(' ')}): ${found.sha256}`);
          await Promise.all([rm(encoded), rm(decoded, { force: true })]);
        });
        expect(wrong).toEqual([]);
        expect(compared).toBeGreaterThanOrEqual(unsignedOnly ? 1 : slices.length);
      },
    );
  }
});

/**
 * Damaged files: real and made files that are cut at any place or have random changes give values
 * or a DicomError that names the file, in bounded time. With `SPINELINE_TEST_MUTATIONS` they are cut at every byte of
 * their headers, and changed so many times.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { wasmDecode } from '../dicom/codecs/wasm-module.ts';
import { asDicomError } from '../dicom/dicom-error.ts';
import { openImage, readFacts } from '../dicom/index.ts';
import { DicomError } from '../domain/index.ts';
import { jpegLossless } from './support/codestreams.ts';
import { type DicomElement, dicomFile, encapsulated, imageElements, SYNTAX, words } from './support/dicom-bytes.ts';
import { ODD_ELEMENTS } from './support/odd-elements.ts';
import { phantomDataset } from './support/phantoms.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const data = path.resolve(root, process.env.SPINELINE_TEST_DATA ?? '../shared/data', 'transfer-syntaxes');
const ALL = process.env.SPINELINE_TEST_MUTATIONS;
const MUTATIONS = Number(ALL ?? 2000);
/** Bytes from cut to cut. */
const STEP = ALL === undefined ? 7 : 1;
const PIXEL_DATA = Uint8Array.from([0xe0, 0x7f, 0x10, 0x00]);
const CONTEXT = { study: 's1', series: 'r1', file: 'slice.dcm' };

/** Files by name. They contain every form of element that an error may depend on. */
const files = new Map<string, Uint8Array>();

beforeAll(async () => {
  const folder = await phantomDataset({ studies: 1, seed: 3 });
  const slices = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.dcm'));
  for (const slice of [slices[0]!, slices.at(-1)!]) files.set(slice, readFileSync(path.join(folder, slice)));
  if (existsSync(data)) {
    for (const name of readdirSync(data).filter((one) => one.endsWith('.dcm'))) {
      files.set(name, readFileSync(path.join(data, name)));
    }
  }
  const pixels: DicomElement = ['7fe00010', 'OW', words([1, 2, 3, 4, 5, 6])];
  const odd = Object.values(ODD_ELEMENTS).map((make, i) => make(`0019${(0x1001 + i).toString(16)}`, true));
  const plane: DicomElement = ['00209113', 'SQ', [[...odd.slice(0, 4), ['00200032', 'DS', '1\\2\\3']]]];
  const made: DicomElement[] = [
    ...imageElements(),
    ...odd,
    ['52009230', 'SQ', [[plane]]] satisfies DicomElement,
    pixels,
  ].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const syntax of [SYNTAX.explicit, SYNTAX.implicit]) {
    for (const undefinedLengths of [true, false]) {
      const elements = syntax === SYNTAX.implicit ? made.filter(([, vr]) => vr !== 'raw') : made;
      files.set(
        `made ${syntax} ${undefinedLengths}`,
        dicomFile({ syntax, undefinedLengths, elements, meta: 'implicit' }),
      );
    }
  }
  const image = { rows: 3, columns: 2, bits: 16, samples: [1, 2, 3, 4, 5, 6] };
  const compressed = {
    syntax: SYNTAX.jpegLossless,
    elements: imageElements(),
    tail: encapsulated([jpegLossless(image)]),
  };
  files.set('made JPEG Lossless', dicomFile(compressed));
});

/** Reads all that can be read. Every error must be a DicomError with the whole context. */
async function readAll(bytes: Uint8Array, pixels: boolean, what: string): Promise<'read' | DicomError> {
  try {
    readFacts(bytes, { whole: true }, CONTEXT);
    readFacts(bytes, { whole: false }, CONTEXT);
  } catch (error) {
    checkError(error, what);
  }
  try {
    const image = openImage(bytes, CONTEXT);
    if (pixels) await image.frame(image.header.frames.length - 1);
    return 'read';
  } catch (error) {
    checkError(error, what);
    return error as DicomError;
  }
}

/** Plain comparisons, because several hundred thousand calls of `expect` take longer than the reading itself. */
function checkError(error: unknown, what: string): void {
  if (!(error instanceof DicomError)) throw new Error(`${what}: ${String(error)} was thrown`, { cause: error });
  const { study, series, file } = error.context;
  if (study !== 's1' || series !== 'r1' || file !== 'slice.dcm')
    throw new Error(`${what}: no context in ${error.message}`);
  if (!error.message.startsWith('study s1, series r1, file slice.dcm: ')) throw new Error(`${what}: ${error.message}`);
}

it('cut at many places of its header and of its pixel data', { timeout: 600_000 }, async () => {
  expect(files.size).toBeGreaterThanOrEqual(7);
  let failures = 0;
  for (const [name, bytes] of files) {
    const pixelData = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(PIXEL_DATA);
    const header = Math.min(bytes.length, pixelData < 0 ? bytes.length : pixelData + 40);
    // Long headers mostly consist of private values.
    for (let length = 0; length < header; length += length < 2500 ? STEP : 11 * STEP) {
      const outcome = await readAll(bytes.slice(0, length), length % 16 === 0, `${name} cut at ${length}`);
      if (outcome !== 'read') failures += 1;
    }
    for (let part = 1; part < 40; part++) {
      const length = header + Math.floor(((bytes.length - header) * part) / 40);
      await readAll(bytes.slice(0, length), true, `${name} cut at ${length}`);
    }
  }
  expect(failures).toBeGreaterThan(1000 / STEP);
});

it(`with bytes changed at random, ${MUTATIONS} times`, { timeout: 600_000 }, async () => {
  let state = 20_261_127;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const names = [...files.keys()].filter((name) => files.get(name)!.length < 200_000);
  let slowest = 0;
  for (let round = 0; round < MUTATIONS; round++) {
    const name = names[round % names.length]!;
    const damaged = Uint8Array.from(files.get(name)!);
    const reach = random(4) === 0 ? damaged.length : Math.min(damaged.length, 4000);
    const changes = 1 + random(6);
    for (let i = 0; i < changes; i++)
      damaged[random(reach)] = random(3) === 0 ? [0, 0xff, 0xfe][random(3)]! : random(256);
    const began = performance.now();
    await readAll(damaged, round % 25 === 0, `${name}, round ${round}`);
    slowest = Math.max(slowest, performance.now() - began);
  }
  // No reading hangs. A damaged frame of JPEG-LS or JPEG 2000 may keep its codec busy for a second or more.
  expect(slowest).toBeLessThan(20_000);
});

it('a few bytes that begin as DICOM does', async () => {
  const vrs = ['OB', 'UN', 'SQ', 'UL', '??', '\0\0'];
  for (const first of [0x02, 0x08, 0x00]) {
    for (const second of [0x00, 0x08]) {
      for (const vr of vrs) {
        for (let length = 0; length <= 40; length++) {
          const bytes = Buffer.concat([
            Uint8Array.from([first, second, 0, 0]),
            Buffer.from(vr, 'latin1'),
            Buffer.alloc(34),
          ]);
          const preamble = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), bytes.subarray(0, length)]);
          await readAll(bytes.subarray(0, length), true, `${length} bytes of ${vr}`);
          await readAll(preamble, true, `${length} bytes of ${vr} after a preamble`);
        }
      }
    }
  }
});

describe('what is thrown inside', () => {
  it.each([
    ['a string', 'dicomParser: missing'],
    ['a RangeError', new RangeError('Offset is outside the bounds of the DataView')],
    ['nothing', undefined],
    ['an error of a codec', new Error('trap')],
  ])('%s becomes a DicomError that names the file and keeps the cause', (_, thrown) => {
    const error = asDicomError(thrown, 'the header cannot be read', CONTEXT);
    checkError(error, 'thrown');
    expect(error).toMatchObject({ code: 'DICOM_DECODE_FAILED', cause: thrown });
  });

  it('a codec that cannot be loaded stays what it is: the file may be read elsewhere', async () => {
    const decode = wasmDecode(
      () => Promise.reject(new Error('out of memory')),
      () => {
        throw new Error('never reached');
      },
    );
    const error = await decode(new Uint8Array(1)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'CodecUnavailableError', message: expect.stringContaining('out of memory') });
    expect(asDicomError(error, 'frame 0 cannot be decoded', CONTEXT)).toBe(error);
  });

  it('large files of zeros, of delimiters and of nests take no time', () => {
    const head = dicomFile({ elements: imageElements() });
    const fillers = {
      zeros: Uint8Array.from({ length: 4_000_000 }, (_, i) => (i === 3_999_999 ? 1 : 0)),
      delimiters: Uint8Array.from({ length: 4_000_000 }, (_, i) => [0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0][i % 8]!),
      'items in items': Uint8Array.from(
        { length: 4_000_000 },
        (_, i) => [0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff][i % 8]!,
      ),
      'odd elements': Uint8Array.from({ length: 4_000_000 }, (_, i) => [0x29, 0, i & 255, 0, 0x3f, 0x3f, 0, 0][i % 8]!),
    };
    for (const [what, filler] of Object.entries(fillers)) {
      for (const syntax of [SYNTAX.explicit, SYNTAX.implicit]) {
        const start = syntax === SYNTAX.explicit ? head : dicomFile({ syntax, elements: imageElements() });
        const began = performance.now();
        try {
          openImage(Buffer.concat([start, filler]), CONTEXT);
        } catch (error) {
          checkError(error, what);
        }
        expect(performance.now() - began, `${what}, ${syntax}`).toBeLessThan(5000);
      }
    }
  });
});

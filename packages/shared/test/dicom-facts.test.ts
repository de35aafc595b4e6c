/** Facts of an instance: the same from the first bytes and from the whole file, for every kind of DICOM object. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type InstanceFacts, openImage, readFacts } from '../dicom/index.ts';
import { DicomError } from '../domain/index.ts';
import {
  type DicomElement,
  type DicomFile,
  dicomFile,
  encapsulated,
  imageElements,
  type Overrides,
  SYNTAX,
  words,
} from './support/dicom-bytes.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const data = path.resolve(root, process.env.SPINELINE_TEST_DATA ?? '../shared/data');

function factsOf(bytes: Uint8Array, whole = true): InstanceFacts {
  const found = readFacts(bytes, { whole }, { file: 'a.dcm' });
  if (typeof found === 'string') throw new Error(found);
  return found.facts;
}

const PLAIN: Overrides = {
  '00080008': ['CS', 'ORIGINAL\\PRIMARY\\M\\SE'],
  '00080018': ['UI', '1.2.3.4'],
  '00081030': ['LO', 'LWS'],
  '0008103e': ['LO', 't2_tse_sag '],
  '00180010': ['LO', 'Gadovist'],
  '00180015': ['CS', 'LSPINE'],
  '00180020': ['CS', 'SE\\IR'],
  '00180021': ['CS', 'SK\\SP'],
  '00180022': ['CS', 'FS'],
  '00180080': ['DS', '3500'],
  '00180081': ['DS', '105.5'],
  '00180082': ['DS', '150'],
  '00180086': ['IS', '1'],
  '00180091': ['IS', '15'],
  '00181030': ['LO', 'Spine'],
  '00181314': ['DS', '150'],
  '0020000d': ['UI', '1.2.5'],
  '0020000e': ['UI', '1.2.6'],
  '00200011': ['IS', '3'],
  '00200012': ['IS', '2'],
  '00200032': ['DS', '1\\2\\3'],
  '00200037': ['DS', '0\\1\\0\\0\\0\\-1'],
  '00200052': ['UI', '1.2.7'],
  '00200100': ['IS', '4'],
  '00280030': ['DS', '0.5\\0.75'],
};

const FACTS: InstanceFacts = {
  sopClassUid: '1.2.840.10008.5.1.4.1.1.4',
  sopInstanceUid: '1.2.3.4',
  studyInstanceUid: '1.2.5',
  seriesInstanceUid: '1.2.6',
  modality: 'MR',
  studyDescription: 'LWS',
  seriesDescription: 't2_tse_sag',
  protocolName: 'Spine',
  bodyPartExamined: 'LSPINE',
  seriesNumber: 3,
  instanceNumber: 7,
  acquisitionNumber: 2,
  echoNumber: 1,
  imageType: ['ORIGINAL', 'PRIMARY', 'M', 'SE'],
  photometricInterpretation: 'MONOCHROME2',
  samplesPerPixel: 1,
  rows: 3,
  columns: 2,
  echoTimeMs: 105.5,
  repetitionTimeMs: 3500,
  inversionTimeMs: 150,
  flipAngle: 150,
  scanningSequence: ['SE', 'IR'],
  scanOptions: ['FS'],
  acquisitionContrast: undefined,
  contrastAgent: true,
  frames: [
    {
      position: [1, 2, 3],
      orientation: [0, 1, 0, 0, 0, -1],
      spacing: [0.5, 0.75],
      echoTimeMs: 105.5,
      temporalPosition: 4,
    },
  ],
};

const pixels: DicomElement = ['7fe00010', 'OW', words([1, 2, 3, 4, 5, 6])];
const plain = (file: Partial<DicomFile> = {}) => dicomFile({ ...file, elements: [...imageElements(PLAIN), pixels] });

describe('facts of a single-frame image', () => {
  it.each([
    ['explicit', {}],
    ['implicit', { syntax: SYNTAX.implicit }],
    ['big endian', { syntax: SYNTAX.bigEndian }],
    ['without a preamble', { preamble: false }],
    ['without preamble and file meta information', { preamble: false, meta: false }],
    ['implicit without either', { syntax: SYNTAX.implicit, preamble: false, meta: false }],
    ['with implicit file meta information', { meta: 'implicit' }],
  ] as const)('%s: all of them, and the same wherever the bytes end', (_, file) => {
    const bytes = plain(file);
    expect(factsOf(bytes)).toEqual(FACTS);
    expect(openImage(bytes).header.facts).toEqual(FACTS);
    for (let length = 0; length <= bytes.length; length++) {
      const found = readFacts(bytes.subarray(0, length), { whole: false });
      if (found === 'more') continue;
      expect(found, `of ${length} bytes`).toEqual({ facts: FACTS });
    }
    expect(factsOf(bytes.subarray(0, bytes.length - 4), false)).toEqual(FACTS);
  });

  it('are those of a compressed image, whose pixels are not looked at', () => {
    const bytes = dicomFile({ syntax: SYNTAX.jpeg2000, elements: imageElements(PLAIN), tail: encapsulated([]) });
    expect(factsOf(bytes)).toEqual(FACTS);
  });

  it('of a deflated file need all of it', () => {
    const bytes = plain({ syntax: SYNTAX.deflated, transform: (raw) => deflateRawSync(raw) });
    expect(readFacts(bytes.subarray(0, 400), { whole: false })).toBe('more');
    expect(factsOf(bytes)).toEqual(FACTS);
  });

  it('need no byte after group 0028', () => {
    const private29: DicomElement = ['00291010', 'OB', new Uint8Array(5_000_000)];
    const bytes = dicomFile({ elements: [...imageElements(PLAIN), private29, pixels] });
    expect(factsOf(bytes.subarray(0, 4096), false)).toEqual(FACTS);
  });

  it('are absent where attributes are, or are no numbers', () => {
    const bytes = dicomFile({ elements: imageElements({ '00180081': ['DS', 'long'], '00200013': ['IS', '1.5'] }) });
    expect(factsOf(bytes)).toEqual({
      sopClassUid: '1.2.840.10008.5.1.4.1.1.4',
      modality: 'MR',
      photometricInterpretation: 'MONOCHROME2',
      samplesPerPixel: 1,
      rows: 3,
      columns: 2,
      imageType: [],
      scanningSequence: [],
      scanOptions: [],
      contrastAgent: false,
      frames: [{}],
    });
  });
});

describe('facts of an enhanced image', () => {
  const plane = (z: number): DicomElement => ['00209113', 'SQ', [[['00200032', 'DS', `0\\0\\${z}`]]]];
  const frame = (z: number, echo: number, time: number): DicomElement[] => [
    ['00189114', 'SQ', [[['00189082', 'FD', echo]]]],
    ['00209111', 'SQ', [[['00209128', 'UL', time]]]],
    plane(z),
  ];
  const shared: DicomElement[] = [
    [
      '00189112',
      'SQ',
      [
        [
          ['00180080', 'DS', '3500'],
          ['00180091', 'IS', '12'],
          ['00181314', 'DS', '140'],
        ],
      ],
    ],
    [
      '00189115',
      'SQ',
      [
        [
          ['00189025', 'CS', 'FAT'],
          ['00189079', 'FD', [160]],
        ],
      ],
    ],
    ['00209116', 'SQ', [[['00200037', 'DS', '1\\0\\0\\0\\1\\0']]]],
    ['00289110', 'SQ', [[['00280030', 'DS', '0.6\\0.9']]]],
  ];
  const enhanced = (overrides: Overrides = {}, file: Partial<DicomFile> = {}) =>
    dicomFile({
      ...file,
      elements: [
        ...imageElements({
          '00089209': ['CS', 'T2'],
          '00189008': ['CS', 'SPIN'],
          '0020000d': ['UI', '1.2.5'],
          '0020000e': ['UI', '1.2.6'],
          '00280008': ['IS', '2'],
          '00291010': ['OB', new Uint8Array(1000)],
          '52009229': ['SQ', [shared]],
          '52009230': ['SQ', [frame(5, 98.5, 1), frame(9.25, 20, 2)]],
          ...overrides,
        }),
        ['7fe00010', 'OW', new Uint8Array(24)],
      ],
    });
  const place = { orientation: [1, 0, 0, 0, 1, 0], spacing: [0.6, 0.9] };
  const expected = {
    acquisitionContrast: 'T2',
    scanningSequence: ['SPIN'],
    scanOptions: ['FS'],
    repetitionTimeMs: 3500,
    flipAngle: 140,
    inversionTimeMs: 160,
    echoTimeMs: 98.5,
    frames: [
      { ...place, position: [0, 0, 5], echoTimeMs: 98.5, temporalPosition: 1 },
      { ...place, position: [0, 0, 9.25], echoTimeMs: 20, temporalPosition: 2 },
    ],
  };

  it.each([
    ['explicit', {}],
    ['implicit', { syntax: SYNTAX.implicit }],
    ['undefined lengths', { undefinedLengths: true }],
    ['big endian', { syntax: SYNTAX.bigEndian }],
  ])('%s: a frame each, and the same wherever the bytes end', (_, file) => {
    const bytes = enhanced({}, file);
    expect(factsOf(bytes)).toMatchObject(expected);
    const { facts, frames } = openImage(bytes).header;
    expect(facts).toEqual(factsOf(bytes));
    for (const [index, one] of facts.frames.entries()) {
      const { position, orientation, spacing } = frames[index]!;
      expect(one).toMatchObject({ position, orientation, spacing });
    }
    for (let length = 0; length <= bytes.length; length += 3) {
      const found = readFacts(bytes.subarray(0, length), { whole: false });
      if (found !== 'more') expect(found, `of ${length} bytes`).toEqual({ facts });
    }
  });

  it('has no frames where nothing says where they lie, or not for each', () => {
    expect(factsOf(enhanced({ '52009229': undefined, '52009230': undefined })).frames).toEqual([]);
    expect(factsOf(enhanced({ '00280008': ['IS', '3'] })).frames).toEqual([]);
    expect(factsOf(enhanced({ '00280008': ['IS', '999999999'] })).frames).toEqual([]);
  });

  it('with one frame has its groups read', () => {
    const bytes = enhanced({ '00280008': ['IS', '1'], '52009230': ['SQ', [frame(5, 98.5, 1)]] });
    expect(factsOf(bytes).frames).toEqual([expected.frames[0]]);
  });
});

describe('what is no image, and what is no DICOM', () => {
  it('a report and a DICOMDIR have facts', () => {
    const report = dicomFile({
      elements: [
        ['00080016', 'UI', '1.2.840.10008.5.1.4.1.1.88.11'],
        ['00080060', 'CS', 'SR'],
        ['0020000d', 'UI', '1.2.5'],
        ['0040a730', 'SQ', [[['0040a160', 'UT', 'a long text'.repeat(1000)]]]],
      ],
    });
    const facts = { sopClassUid: '1.2.840.10008.5.1.4.1.1.88.11', modality: 'SR', studyInstanceUid: '1.2.5' };
    expect(factsOf(report)).toMatchObject(facts);
    expect(factsOf(report.subarray(0, 400), false)).toMatchObject(facts);

    const meta: DicomElement[] = [['00020002', 'UI', '1.2.840.10008.1.3.10']];
    const directory: DicomElement[] = [
      ['00041130', 'CS', 'EXPORT'],
      ['00041220', 'SQ', [[['00041430', 'CS', 'PATIENT']]]],
    ];
    const bytes = dicomFile({ elements: directory, metaElements: meta });
    expect(factsOf(bytes).sopClassUid).toBe('1.2.840.10008.1.3.10');
  });

  const text = (value: string) => new TextEncoder().encode(value);
  it.each([
    ['nothing', new Uint8Array(0)],
    ['one byte', new Uint8Array(1)],
    ['a spreadsheet', text('study_id,series_id,series_description\n'.repeat(50))],
    ['JSON', text(JSON.stringify({ a: Array(200).fill(1) }))],
    ['zeros', new Uint8Array(70_000)],
    ['ones', new Uint8Array(70_000).fill(0xff)],
    ['a PNG', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...new Uint8Array(300)])],
    ['a JPEG', Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, ...new Uint8Array(300)])],
    ['a Zip', Uint8Array.from([0x50, 0x4b, 3, 4, ...new Uint8Array(300)])],
    ['a Mac resource fork', Uint8Array.from([0, 5, 0x16, 7, 0, 2, 0, 0, ...text('Mac OS X'), ...new Uint8Array(300)])],
    ['bytes that begin with 8', Uint8Array.from([8, 0, 8, 0, ...text('hello world, this is a text with some length')])],
    ['bytes that begin with 2', Uint8Array.from([2, 0, 8, 0, ...text('hello world, this is a text with some length')])],
    ['an NIfTI header', Uint8Array.from([0x5c, 1, 0, 0, ...new Uint8Array(400)])],
  ])('%s is no DICOM', (_, bytes) => {
    expect(readFacts(bytes, { whole: true })).toBe('no dicom');
    if (bytes.length >= 140) expect(readFacts(bytes, { whole: false })).toBe('no dicom');
  });
});

describe('a damaged header', () => {
  // An element that is longer than the file.
  const broken = (tag: string): DicomElement => {
    const [group, element] = [tag.slice(0, 4), tag.slice(4)].map((part) => Number.parseInt(part, 16)) as [
      number,
      number,
    ];
    const head = [group & 255, group >> 8, element & 255, element >> 8, 0x55, 0x4e, 0, 0, 0, 0, 0, 0x40];
    return [tag, 'raw', Uint8Array.from(head)];
  };
  const damaged = (tag: string) =>
    dicomFile({ elements: [...imageElements(PLAIN), broken(tag)].sort(([a], [b]) => (a < b ? -1 : 1)) });

  it('gives the facts up to the damage where they tell the series, and says what is wrong', () => {
    const found = readFacts(damaged('00280015'), { whole: true }, { study: 's', file: 'a.dcm' });
    expect(found).toMatchObject({
      facts: {
        studyInstanceUid: '1.2.5',
        seriesInstanceUid: '1.2.6',
        rows: 3,
        columns: 2,
        frames: [{ position: [1, 2, 3] }],
      },
      damage: { code: 'DICOM_TRUNCATED', context: { study: 's', file: 'a.dcm' } },
    });
    expect((found as { facts: InstanceFacts }).facts.photometricInterpretation).toBe('MONOCHROME2');
  });

  it('is an error before', () => {
    expect(() => readFacts(damaged('00180015'), { whole: true }, { file: 'a.dcm' })).toThrow(DicomError);
    expect(() => readFacts(damaged('00180015'), { whole: true }, { file: 'a.dcm' })).toThrow(/file a\.dcm/);
  });

  it('asks for more where the bytes are not all', () => {
    expect(readFacts(damaged('00180015'), { whole: false })).toBe('more');
  });
});

const samples = ['transfer-syntaxes', 'scanner-phantom/test_images'].flatMap((folder) =>
  existsSync(path.join(data, folder))
    ? readdirSync(path.join(data, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.dcm'))
        .map((name) => path.join(data, folder, name))
    : [],
);

describe.skipIf(samples.length === 0)(`real files (skipped without ${data})`, () => {
  it('have the same facts from 64 KB, from all of it and in the header', () => {
    for (const file of samples) {
      const bytes = readFileSync(file);
      const whole = factsOf(bytes);
      expect(whole, file).toEqual(openImage(bytes).header.facts);
      const start = readFacts(bytes.subarray(0, 65_536), { whole: bytes.length <= 65_536 });
      if (start !== 'more') expect(start, file).toEqual({ facts: whole });
      expect(start === 'more', file).toBe(false);
      expect(whole.modality, file).toBeDefined();
    }
  });
});

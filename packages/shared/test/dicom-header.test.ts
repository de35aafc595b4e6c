/** Headers: encodings, functional groups, and attributes that are missing or contradict each other. */

import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openImage } from '../dicom/index.ts';
import { openStored } from '../dicom/stored-values.ts';
import { DicomError } from '../domain/index.ts';
import {
  type DicomElement,
  dicomFile,
  encapsulated,
  imageElements,
  type Overrides,
  SYNTAX,
  words,
} from './support/dicom-bytes.ts';
import { storedOf, storedValues } from './support/dicom-stored.ts';

const VALUES = [-1, 2, -300, 4, 32767, -32768];
const pixels: DicomElement = ['7fe00010', 'OW', words(VALUES)];
const image = (overrides: Overrides = {}) => [...imageElements(overrides), pixels];

/** What `openImage` throws for a file of these elements. */
function failure(overrides: Overrides, context = { file: 'slice.dcm' }): DicomError {
  try {
    openImage(dicomFile({ elements: image(overrides) }), context);
  } catch (error) {
    if (error instanceof DicomError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

async function valuesOf(bytes: Uint8Array, frame = 0): Promise<number[]> {
  return [...(await storedValues(bytes, frame))];
}

describe('encodings', () => {
  it.each([
    ['explicit little endian', { elements: image() }],
    ['implicit little endian', { syntax: SYNTAX.implicit, elements: image() }],
    ['no preamble, file meta information first', { preamble: false, elements: image() }],
    ['a bare explicit data set', { preamble: false, meta: false, elements: image() }],
    ['a bare implicit data set', { preamble: false, meta: false, syntax: SYNTAX.implicit, elements: image() }],
    ['a preamble and no file meta information', { meta: false, elements: image() }],
    ['deflated', { syntax: SYNTAX.deflated, elements: image(), transform: (raw: Uint8Array) => deflateRawSync(raw) }],
    [
      'deflated with a padding byte',
      {
        syntax: SYNTAX.deflated,
        elements: image(),
        transform: (raw: Uint8Array) => Buffer.concat([deflateRawSync(raw), Buffer.alloc(1)]),
      },
    ],
  ])('reads %s', async (_, file) => {
    const bytes = dicomFile(file);
    expect(openImage(bytes).header).toMatchObject({
      rows: 3,
      columns: 2,
      facts: { modality: 'MR', instanceNumber: 7 },
    });
    expect(await valuesOf(bytes)).toEqual(VALUES);
  });

  it.each([
    ['with file meta information', {}],
    ['without', { preamble: false, meta: false }],
  ])('reads explicit big endian %s', async (_, start) => {
    const swapped = words(VALUES.map((value) => ((value & 0xff) << 8) | ((value >> 8) & 0xff)));
    const elements = [...imageElements(), ['7fe00010', 'OW', swapped] as const];
    expect(await valuesOf(dicomFile({ ...start, syntax: SYNTAX.bigEndian, elements }))).toEqual(VALUES);
  });

  it('reads a data set that is implicit although its transfer syntax says explicit', async () => {
    const implicit = dicomFile({ preamble: false, meta: false, syntax: SYNTAX.implicit, elements: image() });
    const bytes = dicomFile({ elements: [], tail: implicit });
    expect(openImage(bytes).header.transferSyntaxUid).toBe(SYNTAX.implicit);
    expect(await valuesOf(bytes)).toEqual(VALUES);
  });

  it.each([SYNTAX.explicit, SYNTAX.implicit])(
    'steps over sequences and 64-bit VRs that it does not want (%s)',
    (syntax) => {
      const nested: DicomElement[][] = [
        [
          ['00080100', 'SH', 'T-1'],
          ['7fe00010', 'OW', words([9, 9])],
          ['00404001', 'SQ', [[['00080104', 'LO', '']], [['00080104', 'LO', '']]]],
        ],
      ];
      for (const undefinedLengths of [false, true]) {
        const bytes = dicomFile({
          syntax,
          undefinedLengths,
          elements: image({ '00082218': ['SQ', nested], '00189999': ['OV', new Uint8Array(16)] }),
        });
        expect(openImage(bytes).header).toMatchObject({ rows: 3, columns: 2 });
      }
    },
  );

  it.each([
    ['an empty file', new Uint8Array(0)],
    ['text', new TextEncoder().encode('study_id,series_id,series_description\n'.repeat(20))],
    ['zeros', new Uint8Array(4096)],
    ['a PNG', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13])],
  ])('refuses %s as no DICOM', (_, bytes) => {
    expect(() => openImage(bytes, { file: 'odd.dcm' })).toThrow(
      expect.objectContaining({ code: 'DICOM_NOT_DICOM', message: expect.stringContaining('odd.dcm') }),
    );
  });

  it('refuses a deflated data set that is cut or damaged', () => {
    const deflated = (transform: (raw: Buffer) => Uint8Array) =>
      dicomFile({ syntax: SYNTAX.deflated, elements: image(), transform: (raw) => transform(deflateRawSync(raw)) });
    expect(() => openImage(deflated((raw) => raw.subarray(0, -20)))).toThrow(
      expect.objectContaining({ code: 'DICOM_TRUNCATED' }),
    );
    expect(() => openImage(deflated((raw) => raw.fill(0xff, 0, 20)))).toThrow(
      expect.objectContaining({ code: 'DICOM_DECODE_FAILED' }),
    );
  });
});

describe('attributes that are missing or contradict each other', () => {
  it.each([
    ['Rows', '00280010'],
    ['Columns', '00280011'],
    ['BitsAllocated', '00280100'],
    ['PixelRepresentation', '00280103'],
    ['PhotometricInterpretation', '00280004'],
  ])('names a missing %s', (keyword, tag) => {
    const error = failure({ [tag]: undefined });
    expect(error.code).toBe('DICOM_ATTRIBUTE_MISSING');
    expect(error.message).toContain(`file slice.dcm: no ${keyword} (${tag.slice(0, 4)},${tag.slice(4)})`);
  });

  const wrong: [string, Overrides][] = [
    ['Rows 0', { '00280010': ['US', 0] }],
    ['Rows of four bytes', { '00280010': ['UL', 3] }],
    ['BitsStored above BitsAllocated', { '00280101': ['US', 17] }],
    ['BitsStored 0', { '00280101': ['US', 0] }],
    ['HighBit below BitsStored - 1', { '00280101': ['US', 12], '00280102': ['US', 10] }],
    ['HighBit beyond BitsAllocated', { '00280102': ['US', 16] }],
    ['PixelRepresentation 2', { '00280103': ['US', 2] }],
    ['NumberOfFrames 0', { '00280008': ['IS', '0'] }],
    ['NumberOfFrames that is no number', { '00280008': ['IS', 'many'] }],
    ['RescaleSlope 0', { '00281053': ['DS', '0'] }],
    ['RescaleIntercept that is no number', { '00281052': ['DS', 'none'] }],
  ];
  it.each(wrong)('refuses %s', (_, overrides) => {
    expect(failure(overrides).code).toBe('DICOM_ATTRIBUTE_INVALID');
  });

  it('takes BitsStored and HighBit from what is there where they are missing', () => {
    const bytes = dicomFile({ elements: image({ '00280101': undefined, '00280102': undefined }) });
    expect(openImage(bytes).header).toMatchObject({ bitsStored: 16, highBit: 15 });
  });

  it.each([
    ['not unit', '1\\0\\0\\0\\2\\0'],
    ['not orthogonal', '1\\0\\0\\0.6\\0.8\\0'],
    ['zero', '0\\0\\0\\0\\0\\0'],
    ['five numbers', '1\\0\\0\\0\\1'],
    ['not numbers', '1\\0\\0\\0\\1\\NaN'],
  ])('has no orientation where ImageOrientationPatient is %s', (_, orientation) => {
    const elements = image({ '00200032': ['DS', '1\\2\\3'], '00200037': ['DS', orientation] });
    const [frame] = openImage(dicomFile({ elements })).header.frames;
    expect(frame?.orientation).toBeUndefined();
    expect(frame?.position).toEqual([1, 2, 3]);
  });

  it('accepts direction cosines of three digits', () => {
    const elements = image({ '00200037': ['DS', '0.985\\0.174\\0\\0\\0\\-1'] });
    expect(openImage(dicomFile({ elements })).header.frames[0]?.orientation).toEqual([0.985, 0.174, 0, 0, 0, -1]);
  });

  it.each(['0\\0.5', '-1\\1', '0.5', 'a\\b', '0.5\\Infinity'])('has no spacing where PixelSpacing is %s', (spacing) => {
    const elements = image({ '00280030': ['DS', spacing] });
    expect(openImage(dicomFile({ elements })).header.frames[0]?.spacing).toBeUndefined();
  });

  it('refuses an element that is longer than the file, whatever it claims', () => {
    const bytes = dicomFile({ elements: [...imageElements(), ['00281050', 'UN', new Uint8Array(8)]] });
    const claim = new DataView(bytes.buffer);
    claim.setUint32(bytes.length - 12, 0xfffffff0, true);
    expect(() => openImage(bytes)).toThrow(expect.objectContaining({ code: 'DICOM_TRUNCATED' }));
  });

  it('says that a file ends inside a sequence of undefined length', () => {
    const item: DicomElement[][] = [[['00080104', 'LO', 'a long enough meaning of a code']]];
    const bytes = dicomFile({ undefinedLengths: true, elements: imageElements({ '00321064': ['SQ', item] }) });
    expect(() => openImage(bytes.subarray(0, -30))).toThrow(expect.objectContaining({ code: 'DICOM_TRUNCATED' }));
  });

  it('says nothing of the patient in its errors', () => {
    const error = failure({ '00100010': ['PN', 'Doe^Jane'], '00100020': ['LO', 'ID-4711'], '00280010': ['US', 0] });
    expect(`${error.message} ${error.stack} ${JSON.stringify(error.context)}`).not.toMatch(/Doe|4711/);
  });
});

describe('functional groups of an enhanced multi-frame image', () => {
  const plane = (z: number): DicomElement => ['00209113', 'SQ', [[['00200032', 'DS', `-10.5\\20\\${z}`]]]];
  const turn: DicomElement = ['00209116', 'SQ', [[['00200037', 'DS', '1\\0\\0\\0\\1\\0']]]];
  const measures: DicomElement = ['00289110', 'SQ', [[['00280030', 'DS', '0.6\\0.9']]]];
  const scale = (slope: string, intercept: string): DicomElement => [
    '00289145',
    'SQ',
    [
      [
        ['00281052', 'DS', intercept],
        ['00281053', 'DS', slope],
      ],
    ],
  ];
  const content = (place: number): DicomElement => ['00209111', 'SQ', [[['00209057', 'UL', place]]]];
  const echo: DicomElement = ['00189114', 'SQ', [[['00189082', 'FD', 98.5]]]];
  const timing: DicomElement = ['00189112', 'SQ', [[['00180080', 'DS', '3500']]]];
  const inversion: DicomElement = ['00189115', 'SQ', [[['00189079', 'FD', [160, 170]]]]];

  const enhanced = (perFrame: DicomElement[][], shared: DicomElement[], overrides: Overrides = {}) => [
    ...imageElements({
      '00200052': ['UI', '1.2.3'],
      '00280008': ['IS', `${perFrame.length}`],
      '52009229': ['SQ', [shared]],
      '52009230': ['SQ', perFrame],
      ...overrides,
    }),
    ['7fe00010', 'OW', words([...VALUES, ...VALUES.map((value) => value >> 1)])] as const,
  ];

  it.each([
    ['explicit', { syntax: SYNTAX.explicit }],
    ['implicit', { syntax: SYNTAX.implicit }],
    ['explicit, undefined lengths', { undefinedLengths: true }],
    ['implicit, undefined lengths', { syntax: SYNTAX.implicit, undefinedLengths: true }],
    ['big endian', { syntax: SYNTAX.bigEndian }],
  ])('gives each frame its own place and scale (%s)', (_, how) => {
    const perFrame = [
      [content(2), plane(5), scale('2', '-100')],
      [content(1), plane(9.25), scale('0.5', '3')],
    ];
    const bytes = dicomFile({ ...how, elements: enhanced(perFrame, [echo, timing, inversion, turn, measures]) });
    const header = openImage(bytes).header;
    expect(header.facts).toMatchObject({ echoTimeMs: 98.5, repetitionTimeMs: 3500, inversionTimeMs: 160 });
    const both = { orientation: [1, 0, 0, 0, 1, 0], spacing: [0.6, 0.9], frameOfReferenceUid: '1.2.3' };
    expect(header.frames).toEqual([
      { ...both, frame: 0, instanceNumber: 2, position: [-10.5, 20, 5], rescaleSlope: 2, rescaleIntercept: -100 },
      { ...both, frame: 1, instanceNumber: 1, position: [-10.5, 20, 9.25], rescaleSlope: 0.5, rescaleIntercept: 3 },
    ]);
  });

  it('takes from the shared groups what frames do not say, and from the frame what both do', () => {
    const perFrame = [[plane(1)], [plane(2), scale('3', '0')]];
    const header = openImage(dicomFile({ elements: enhanced(perFrame, [turn, measures, scale('2', '1')]) })).header;
    expect(header.frames.map((frame) => [frame.rescaleSlope, frame.rescaleIntercept])).toEqual([
      [2, 1],
      [3, 0],
    ]);
  });

  it.each([
    ['two frames share a position in the stack', [[content(1)], [content(1)]]],
    ['a frame has none', [[content(4)], [plane(1)]]],
  ])('numbers frames from 1 where %s', (_, perFrame) => {
    const header = openImage(dicomFile({ elements: enhanced(perFrame, [turn]) })).header;
    expect(header.frames.map((frame) => frame.instanceNumber)).toEqual([1, 2]);
  });

  it('places no frame of a multi-frame image without groups, though its top level has one position', () => {
    const elements = enhanced([[], []], [], {
      '52009229': undefined,
      '52009230': undefined,
      '00200032': ['DS', '1\\2\\3'],
    });
    const header = openImage(dicomFile({ elements })).header;
    expect(header.frames.map((frame) => frame.position)).toEqual([undefined, undefined]);
  });

  it('refuses per-frame groups that are not NumberOfFrames many', () => {
    const elements = enhanced([[plane(1)], [plane(2)]], [turn], { '00280008': ['IS', '1'] });
    expect(() => openImage(dicomFile({ elements }))).toThrow(
      expect.objectContaining({ code: 'DICOM_ATTRIBUTE_INVALID', context: { expected: '1 items', found: '2' } }),
    );
  });
});

describe('claims that the file cannot keep', () => {
  const huge: Overrides = {
    '00280008': ['IS', '10000'],
    '00280010': ['US', 65535],
    '00280011': ['US', 65535],
  };

  it('refuses 65535 x 65535 x 10000 in 60 KB at once', () => {
    const bytes = dicomFile({ elements: [...imageElements(huge), ['7fe00010', 'OW', new Uint8Array(60_000)]] });
    expect(() => openImage(bytes, { file: 'big.dcm' })).toThrow(
      expect.objectContaining({ code: 'DICOM_TRUNCATED', message: expect.stringContaining('big.dcm') }),
    );
  });

  it.each([
    ['native', ['7fe00010', 'OW', new Uint8Array(60_000)] as const, SYNTAX.explicit],
    ['encapsulated', undefined, SYNTAX.jpeg2000],
  ])('refuses one frame of 65535 x 65535 when its pixels are wanted (%s)', async (_, element, syntax) => {
    const bytes = dicomFile({
      syntax,
      elements: [...imageElements({ ...huge, '00280008': undefined }), ...(element ? [element] : [])],
      ...(element ? {} : { tail: encapsulated([new Uint8Array(60_000)]) }),
    });
    await expect(openImage(bytes).frame(0)).rejects.toBeInstanceOf(DicomError);
  });

  it.each(['2147483647', '999999999999'])('refuses NumberOfFrames %s without allocating for it', (frames) => {
    const one: Overrides = { '00280008': ['IS', frames], '00280010': ['US', 1], '00280011': ['US', 1] };
    for (const syntax of [SYNTAX.explicit, SYNTAX.rle]) {
      const native = syntax === SYNTAX.explicit;
      const bytes = dicomFile({
        syntax,
        elements: [...imageElements(one), ...(native ? [pixels] : [])],
        ...(native ? {} : { tail: encapsulated([new Uint8Array(100)]) }),
      });
      expect(() => openImage(bytes)).toThrow(expect.objectContaining({ code: 'DICOM_TRUNCATED' }));
    }
  });

  it('reads the frames of a cut multi-frame image that are whole', async () => {
    const elements = [...imageElements({ '00280008': ['IS', '3'] }), pixels];
    const bytes = dicomFile({ elements });
    const image = openStored(bytes);
    const { header, stored } = image;
    expect(header.frames).toHaveLength(3);
    expect([...(await storedOf(image))]).toEqual(VALUES);
    await expect(stored(1)).rejects.toMatchObject({ code: 'DICOM_TRUNCATED' });
  });
});

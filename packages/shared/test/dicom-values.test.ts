/** Numbers with faults: repairs are reported, and values that cannot be used are quoted. */

import { describe, expect, it } from 'vitest';
import { openImage, readFacts } from '../dicom/index.ts';
import { DicomError } from '../domain/index.ts';
import { type DicomElement, dicomFile, imageElements, type Overrides, SYNTAX } from './support/dicom-bytes.ts';

const file = (overrides: Overrides, syntax: string = SYNTAX.explicit) =>
  dicomFile({ syntax, elements: imageElements(overrides) });
const read = (overrides: Overrides) => openImage(file(overrides), { file: 'slice.dcm' }).header;

describe('numbers that are mended', () => {
  it.each([
    ['0,5\\0,5', [0.5, 0.5], 'PixelSpacing "0,5\\0,5" has decimal commas'],
    ['0.5\\0,75', [0.5, 0.75], 'PixelSpacing "0.5\\0,75" has decimal commas'],
    ['0.5\\0.5\\', [0.5, 0.5], 'PixelSpacing "0.5\\0.5\\" has a trailing backslash'],
    ['0,5\\,5\\', [0.5, 0.5], 'PixelSpacing "0,5\\,5\\" has decimal commas and a trailing backslash'],
    [' 5,0E-1 \\ 0,5', [0.5, 0.5], 'PixelSpacing " 5,0E-1 \\ 0,5" has decimal commas'],
  ])('PixelSpacing %j', (written, spacing, sentence) => {
    for (const syntax of [SYNTAX.explicit, SYNTAX.implicit]) {
      const header = openImage(file({ '00280030': ['DS', written] }, syntax)).header;
      expect(header.frames[0]).toMatchObject({ spacing });
      expect(header.frames[0]).not.toHaveProperty('found');
      expect(header.repaired).toEqual([sentence]);
    }
  });

  it('every numeric attribute that is read, each told once', () => {
    const header = read({
      '00180080': ['DS', '3500,5'],
      '00180081': ['DS', '98,5\\'],
      '00180086': ['IS', '1\\'],
      '00200011': ['IS', '3\\'],
      '00200032': ['DS', '-1,5\\2,5\\3'],
      '00200037': ['DS', '1,0\\0\\0\\0\\1,0\\0'],
      '00281053': ['DS', '2,5'],
      '00281052': ['DS', '-1\\'],
    });
    expect(header.facts).toMatchObject({ repetitionTimeMs: 3500.5, echoTimeMs: 98.5, echoNumber: 1, seriesNumber: 3 });
    expect(header.frames[0]).toMatchObject({
      position: [-1.5, 2.5, 3],
      orientation: [1, 0, 0, 0, 1, 0],
      rescaleSlope: 2.5,
      rescaleIntercept: -1,
    });
    expect(header.repaired).toHaveLength(8);
    expect(header.repaired).toContain('EchoTime "98,5\\" has decimal commas and a trailing backslash');
  });

  it('inside functional groups, once for all frames', () => {
    const plane = (z: string): DicomElement => ['00209113', 'SQ', [[['00200032', 'DS', `0\\0\\${z}`]]]];
    const elements: DicomElement[] = [
      ...imageElements({ '00280008': ['IS', '2'], '52009230': ['SQ', [[plane('1,5')], [plane('2,5')]]] }),
      ['7fe00010', 'OW', new Uint8Array(24)],
    ];
    const header = openImage(dicomFile({ elements })).header;
    expect(header.frames.map((frame) => frame.position)).toEqual([
      [0, 0, 1.5],
      [0, 0, 2.5],
    ]);
    expect(header.repaired).toEqual(['ImagePositionPatient "0\\0\\1,5" has decimal commas']);
  });

  it('nothing is told where nothing is mended', () => {
    expect(read({ '00280030': ['DS', '0.5\\+.5e0 '], '0008103e': ['LO', 'a, b\\'] }).repaired).toEqual([]);
  });
});

describe('geometry that cannot be used', () => {
  const cases: [keyof typeof tags, string, string][] = [
    ['PixelSpacing', '0.5', '0.5'],
    ['PixelSpacing', '0\\0', '0\\0'],
    ['PixelSpacing', 'half\\half', 'half\\half'],
    ['PixelSpacing', '1.234,5\\1', '1.234,5\\1'],
    ['PixelSpacing', '0,5,0,5', '0,5,0,5'],
    ['PixelSpacing', '0x1\\1', '0x1\\1'],
    ['PixelSpacing', '0.5\\Infinity', '0.5\\Infinity'],
    ['PixelSpacing', '0.5\\\\0.5', '0.5\\\\0.5'],
    ['ImagePositionPatient', '1\\2', '1\\2'],
    ['ImagePositionPatient', '1\\2\\NaN', '1\\2\\NaN'],
    ['ImageOrientationPatient', '1\\0\\0\\1\\0\\0', '1\\0\\0\\1\\0\\0'],
    ['ImagePositionPatient', 'a\x07b\x1b[31m', 'a\\x07b\\x1b[31m'],
    ['ImagePositionPatient', '9'.repeat(200), `${'9'.repeat(64)}...`],
  ];
  const tags = { PixelSpacing: '00280030', ImagePositionPatient: '00200032', ImageOrientationPatient: '00200037' };
  it.each(cases)('%s %j is shown as it was found', (keyword, written, shown) => {
    const header = read({ [tags[keyword]]: ['DS', written] });
    expect(header.frames[0]?.found).toEqual({ [keyword]: shown });
    expect(header.repaired).toEqual([]);
  });

  it('is not shown where it is absent, empty or good', () => {
    const header = read({ '00280030': ['DS', ''], '00200032': ['DS', '1\\2\\3'] });
    expect(header.frames[0]).not.toHaveProperty('found');
  });

  it('is shown frame by frame', () => {
    const plane = (z: string): DicomElement => ['00209113', 'SQ', [[['00200032', 'DS', `0\\0\\${z}`]]]];
    const elements: DicomElement[] = [
      ...imageElements({ '00280008': ['IS', '2'], '52009230': ['SQ', [[plane('1')], [plane('up')]]] }),
      ['7fe00010', 'OW', new Uint8Array(24)],
    ];
    expect(openImage(dicomFile({ elements })).header.frames.map((frame) => frame.found)).toEqual([
      undefined,
      { ImagePositionPatient: '0\\0\\up' },
    ]);
  });
});

describe('values in errors', () => {
  const wrong: [string, Overrides, string][] = [
    ['NumberOfFrames', { '00280008': ['IS', 'many'] }, 'found "many"'],
    ['RescaleSlope', { '00281053': ['DS', 'steep'] }, 'found slope "steep", intercept ""'],
    [
      'RescaleSlope and RescaleIntercept',
      { '00281053': ['DS', '0'], '00281052': ['DS', '1;5'] },
      'slope "0", intercept "1;5"',
    ],
    ['Rows', { '00280010': ['UL', 3] }, 'found "3", 4 bytes'],
    ['BitsStored', { '00280101': ['US', 40] }, 'found 40'],
  ];
  it.each(wrong)('%s that cannot be used is shown, with the file', (_, overrides, shown) => {
    expect(() => read(overrides)).toThrow(
      expect.objectContaining({
        code: 'DICOM_ATTRIBUTE_INVALID',
        message: expect.stringMatching(
          new RegExp(`^file slice\\.dcm: .*${shown.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}`),
        ),
      }),
    );
  });

  it('never a name, a UID or a text', () => {
    const patient: Overrides = {
      '00080018': ['UI', '1.2.3.4711'],
      '0008103e': ['LO', 'Doe spine'],
      '00100010': ['PN', 'Doe^Jane'],
      '00200010': ['SH', 'ID4711'],
    };
    for (const [, overrides] of wrong) {
      const error = (() => {
        try {
          return read({ ...patient, ...overrides });
        } catch (caught) {
          return caught as DicomError;
        }
      })();
      expect(error).toBeInstanceOf(DicomError);
      expect(`${(error as DicomError).message} ${JSON.stringify((error as DicomError).context)}`).not.toMatch(
        /Doe|4711/,
      );
    }
  });
});

describe('text', () => {
  const described = (charset: string | undefined, bytes: Uint8Array) => {
    const overrides: Overrides = {
      '00080005': charset === undefined ? undefined : ['CS', charset],
      '0008103e': ['LO', bytes],
    };
    const found = readFacts(file(overrides), { whole: true });
    return typeof found === 'string' ? found : found.facts.seriesDescription;
  };
  it.each([
    ['ISO_IR 100', 'latin1', 'Wirbelsäule T2'],
    ['ISO_IR 192', 'utf8', 'Wirbelsäule 腰椎'],
    ['\\ISO 2022 IR 100', 'latin1', 'Wirbelsäule'],
    [undefined, 'latin1', 'Wirbelsäule'],
    [undefined, 'utf8', 'Wirbelsäule'],
    ['something else', 'latin1', 'Wirbelsäule'],
  ] as const)('in the character set %s, written as %s', (charset, encoding, text) => {
    expect(described(charset, Buffer.from(text, encoding))).toBe(text);
  });

  it('in Cyrillic and GB 18030', () => {
    expect(described('ISO_IR 144', Uint8Array.from([0xbf, 0xde, 0xef, 0xe1]))).toBe('Пояс');
    expect(described('GB18030', Uint8Array.from([0xd1, 0xfc, 0xd7, 0xb5]))).toBe('腰椎');
  });
});

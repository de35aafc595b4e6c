/**
 * Elements that break the standard are skipped or read. `dicom-other-readers.program.test.ts` compares with what pydicom
 * and DCMTK read.
 */

import { describe, expect, it } from 'vitest';
import { openImage, readFacts } from '../dicom/index.ts';
import { openStored } from '../dicom/stored-values.ts';
import { DicomError } from '../domain/index.ts';
import { type DicomElement, dicomFile, elementBytes, imageElements, SYNTAX } from './support/dicom-bytes.ts';
import { storedOf, storedValues } from './support/dicom-stored.ts';
import { fileWith, inTagOrder, pixels, VALUES } from './support/image-file.ts';
import { foreignSequence, implicitForm, longForm, ODD_ELEMENTS, shortForm } from './support/odd-elements.ts';

const creator = (tag: string): DicomElement => [tag, 'LO', 'ACMEPRIV'];

async function expectRead(bytes: Uint8Array): Promise<void> {
  const image = openStored(bytes, { file: 'odd.dcm' });
  const { header } = image;
  expect(header).toMatchObject({ rows: 3, columns: 2, facts: { modality: 'MR', instanceNumber: 7 } });
  expect([...(await storedOf(image))]).toEqual(VALUES);
  expect(readFacts(bytes, { whole: true })).toEqual({ facts: header.facts });
  // A part of the file gives the same facts, or asks for more.
  for (let length = 0; length < bytes.length; length += Math.max(1, Math.floor(bytes.length / 1000))) {
    const found = readFacts(bytes.subarray(0, length), { whole: false });
    if (found !== 'more') expect(found, `of ${length} bytes`).toEqual({ facts: header.facts });
  }
}

const odd = Object.entries(ODD_ELEMENTS);

describe.each([
  ['little endian', SYNTAX.explicit, true],
  ['big endian', SYNTAX.bigEndian, false],
])('an odd element in an explicit file, %s', (_, syntax, little) => {
  it.each(odd)('private, before all that is read: %s', async (_, make) => {
    await expectRead(fileWith([creator('00090010'), make('00091001', little)], { syntax }));
  });

  it.each(odd)('private, between Rows and Columns: %s', async (_, make) => {
    // Its tag is not in order at this place, which some writers get wrong, too.
    const elements = [...imageElements(), pixels(syntax)];
    const at = elements.findIndex(([tag]) => tag === '00280011');
    elements.splice(at, 0, make('00281101', little));
    const bytes = dicomFile({ syntax, elements });
    expect([...(await storedValues(bytes))]).toEqual(VALUES);
  });

  it.each(odd)('the last before the pixel data: %s', async (_, make) => {
    await expectRead(fileWith([creator('7fdf0010'), make('7fdf1001', little)], { syntax }));
  });

  it.each(odd)('three in a row: %s', async (_, make) => {
    const row = ['00191001', '00191002', '0019100a'].map((tag) => make(tag, little));
    await expectRead(fileWith([creator('00190010'), ...row], { syntax }));
  });

  it.each(odd)('public: %s', async (_, make) => {
    await expectRead(fileWith([make('00181020', little)], { syntax }));
  });

  const enhanced = (inItem: readonly DicomElement[], undefinedLengths: boolean) => {
    const position: DicomElement[] = [...inItem, ['00200032', 'DS', '1\\2\\3']];
    return fileWith(
      [
        ['00280008', 'IS', '1'],
        ['52009230', 'SQ', [[['00209113', 'SQ', [inTagOrder(position)]], ...inItem]]],
      ],
      { syntax, undefinedLengths },
    );
  };
  it.each(odd)('inside of a sequence that is read: %s', async (_, make) => {
    for (const undefinedLengths of [false, true]) {
      for (const tag of ['00191001', '00291001']) {
        const bytes = enhanced([make(tag, little)], undefinedLengths);
        await expectRead(bytes);
        expect(openImage(bytes).header.frames[0]?.position, `${tag} ${undefinedLengths}`).toEqual([1, 2, 3]);
      }
    }
  });

  it.each(odd)('inside of a sequence of undefined length that is not read: %s', async (_, make) => {
    const inner: DicomElement[][] = [
      [make('00191001', little), ['00080104', 'LO', 'a meaning']],
      [make('00191001', little)],
    ];
    await expectRead(fileWith([['00081140', 'SQ', inner]], { syntax, undefinedLengths: true }));
  });
});

describe('odd elements of every VR that is none', () => {
  const notVrs = ['\0\0', '??', 'ox', 'Xx', 'xX', '--', '\x01\x02', '\xfe\xff', '12', 'OX', 'ZZ', 'QQ'];
  const lengths = [0, 2, 4, 8, 10, 100, 256, 1000];
  it.each(notVrs)('%j with 16 and 32 bits of length, of any length', async (vr) => {
    for (const length of lengths) {
      await expectRead(fileWith([shortForm('00191001', vr, length)]));
      await expectRead(fileWith([longForm('00191001', vr, length)]));
    }
  });

  it('none at all, of any length', async () => {
    for (const length of [...lengths, 65534, 65536, 100_000]) {
      await expectRead(fileWith([implicitForm('00191001', length)]));
    }
  });

  it('gives up, with an error that names the element, where nothing follows it', () => {
    const broken = Uint8Array.from([0x19, 0x00, 0x01, 0x10, 0x3f, 0x3f, 0xff, 0x7f, 1, 2, 3, 4]);
    expect(() => openImage(fileWith([['00191001', 'raw', broken]]), { file: 'odd.dcm' })).toThrow(
      expect.objectContaining({
        code: 'DICOM_ATTRIBUTE_INVALID',
        message: expect.stringMatching(/file odd\.dcm: element \(0019,1001\) has no VR/),
      }),
    );
  });

  it('reads a wanted attribute whose VR is none by the VR that the standard gives it', () => {
    const rows = Uint8Array.from([0x28, 0x00, 0x10, 0x00, 0x3f, 0x3f, 0x02, 0x00, 3, 0]);
    expect(openImage(fileWith([['00280010', 'raw', rows]], {}, { '00280010': undefined })).header.rows).toBe(3);
  });
});

describe('file meta information', () => {
  it.each([
    ['explicit', SYNTAX.explicit],
    ['implicit', SYNTAX.implicit],
    ['big endian', SYNTAX.bigEndian],
  ])('written without VRs, before a data set that is %s', async (_, syntax) => {
    for (const preamble of [true, false]) await expectRead(fileWith([], { syntax, meta: 'implicit', preamble }));
  });

  it('says explicit for a data set that is implicit, though compressed, or the other way round', () => {
    const implicit = elementBytes(imageElements(), { explicit: false });
    const explicit = elementBytes(imageElements());
    for (const [syntax, tail] of [
      [SYNTAX.jpegLs, implicit],
      [SYNTAX.rle, implicit],
      [SYNTAX.implicit, explicit],
    ] as const) {
      expect(openImage(dicomFile({ syntax, elements: [], tail })).header).toMatchObject({ rows: 3, columns: 2 });
    }
  });
});

describe('sequences that do not say what they are', () => {
  const group: DicomElement[][] = [
    [
      ['00209113', 'SQ', [[['00200032', 'DS', '1\\2\\3']]]],
      ['00209116', 'SQ', [[['00200037', 'DS', '1\\0\\0\\0\\1\\0']]]],
    ],
  ];
  const ways = ['UN', '??', '\0\0', 'ZZ', ''].flatMap((vr) =>
    [true, false].flatMap((explicit) => [true, false].map((undefinedLengths) => ({ vr, explicit, undefinedLengths }))),
  );
  it.each(ways)(
    'functional groups with VR $vr, explicit items: $explicit, undefined lengths: $undefinedLengths',
    (way) => {
      const bytes = fileWith([['00280008', 'IS', '1'], foreignSequence('52009230', way.vr, group, way)]);
      expect(openImage(bytes).header.frames[0]).toMatchObject({ position: [1, 2, 3], orientation: [1, 0, 0, 0, 1, 0] });
    },
  );

  it('items without VR in a sequence as SQ', () => {
    for (const undefinedLengths of [true, false]) {
      const odd = foreignSequence('52009230', 'SQ', group, { explicit: false, undefinedLengths });
      expect(openImage(fileWith([['00280008', 'IS', '1'], odd])).header.frames[0]?.position).toEqual([1, 2, 3]);
    }
  });

  it('is not lost in a nest without an end', () => {
    const deep = Buffer.concat(
      Array.from({ length: 20_000 }, () =>
        Buffer.from([0x19, 0, 1, 0x10, 0x53, 0x51, 0, 0, 255, 255, 255, 255, 0xfe, 0xff, 0, 0xe0, 255, 255, 255, 255]),
      ),
    );
    expect(() => openImage(fileWith([['00191001', 'raw', deep]]))).toThrow(
      expect.objectContaining({ code: 'DICOM_ATTRIBUTE_INVALID', message: expect.stringContaining('nested') }),
    );
  });
});

describe('what else old and careless writers leave', () => {
  it('group lengths and retired groups', async () => {
    const more: DicomElement[] = [
      ['00080000', 'UL', 1234],
      ['00080001', 'UL', 99],
      ['00080010', 'SH', 'ACR-NEMA 2.0'],
      ['00200000', 'UL', 4],
      ['00280005', 'US', 2],
      ['40080042', 'LO', 'a retired group'],
      ['60000010', 'US', 3],
    ];
    for (const syntax of [SYNTAX.explicit, SYNTAX.implicit]) await expectRead(fileWith(more, { syntax }));
  });

  it.each([1, 2, 7, 8, 9, 512, 4096])('%i zeros after the last element', async (count) => {
    const zeros = new Uint8Array(count);
    for (const syntax of [SYNTAX.explicit, SYNTAX.implicit]) {
      const bytes = dicomFile({ syntax, elements: [...imageElements(), pixels(syntax)], tail: zeros });
      await expectRead(bytes);
      const without = dicomFile({ syntax, elements: imageElements(), tail: zeros });
      expect(openImage(without).header.rows).toBe(3);
    }
  });

  it('zeros at the end of an item, and an item without its delimiter', () => {
    const position = elementBytes([['00200032', 'DS', '1\\2\\3 ']]);
    const item = Buffer.concat([
      Buffer.from([0xfe, 0xff, 0x00, 0xe0, position.length + 16, 0, 0, 0]),
      position,
      Buffer.alloc(16),
    ]);
    const open = Buffer.concat([Buffer.from([0xfe, 0xff, 0x00, 0xe0, 255, 255, 255, 255]), position]);
    const end = Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
    for (const [length, body] of [
      [item.length, item],
      [0xffffffff, Buffer.concat([item, end])],
      [0xffffffff, Buffer.concat([open, end])],
    ] as const) {
      const head = Buffer.from([0x20, 0x00, 0x13, 0x91, 0x53, 0x51, 0, 0, 0, 0, 0, 0]);
      head.writeUInt32LE(length, 8);
      const frame: DicomElement[] = [['00209113', 'raw', Buffer.concat([head, body])]];
      const bytes = fileWith([['52009230', 'SQ', [frame]]], { undefinedLengths: length === 0xffffffff });
      expect(openImage(bytes).header.frames[0]?.position).toEqual([1, 2, 3]);
    }
  });
});

it('an error never quotes the bytes of an element that is odd', () => {
  const name = Buffer.concat([Buffer.from([0x10, 0x00, 0x10, 0x00]), Buffer.from('Doe^Jane^of^nowhere!')]);
  const bytes = fileWith([['00100010', 'raw', name]]);
  let error: unknown;
  try {
    openImage(bytes);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(DicomError);
  const { message, context } = error as DicomError;
  expect(`${message} ${JSON.stringify(context)}`).not.toMatch(/Doe|Jane|nowhere/);
});

import { describe, expect, it } from 'vitest';
import { openStored } from '../../shared/dicom/stored-values.ts';
import { storedOf } from '../../shared/test/support/dicom-stored.ts';
import { encodeFrame } from '../src/codec/frame-encoder.ts';
import { type DicomDataset, decimalString, writeDicom } from '../src/dicom-writer.ts';
import { Random } from '../src/random.ts';
import { isEncapsulated, TRANSFER_SYNTAXES, type TransferSyntax } from '../src/transfer-syntaxes.ts';

const [ROWS, COLUMNS] = [37, 53];

/** Smooth with noise, with the extremes of the range; rows and columns are odd, so that padding shows. */
function pixels(bitsStored: number, signed: boolean): Int16Array {
  const random = new Random('pixels', bitsStored, String(signed));
  const low = signed ? -(2 ** (bitsStored - 1)) : 0;
  const range = 2 ** bitsStored - 1;
  const words = Int16Array.from({ length: ROWS * COLUMNS }, (_, index) =>
    Math.floor(low + range * (0.5 + 0.4 * Math.sin(index / 40)) + random.uniform(-9, 9)),
  );
  words.set([low, low + range, low, low, low + range], 60);
  words.fill(low + 5, 200, 420);
  return words;
}

async function image(syntax: TransferSyntax, bitsStored: number, signed: boolean): Promise<DicomDataset> {
  const words = new Uint8Array(pixels(bitsStored, signed).buffer);
  const format = { rows: ROWS, columns: COLUMNS, bitsStored, signed };
  return {
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.4',
    SOPInstanceUID: '2.25.1',
    Modality: 'MR',
    InstanceNumber: 7,
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: ROWS,
    Columns: COLUMNS,
    BitsAllocated: 16,
    BitsStored: bitsStored,
    HighBit: bitsStored - 1,
    PixelRepresentation: signed ? 1 : 0,
    PixelData: isEncapsulated(syntax) ? [await encodeFrame(words, format, syntax)] : words,
  };
}

describe('the DICOM writer', () => {
  for (const syntax of Object.keys(TRANSFER_SYNTAXES) as TransferSyntax[]) {
    for (const [bitsStored, signed] of [
      [12, false],
      [12, true],
      [16, false],
      [16, true],
    ] as const) {
      it(`writes ${bitsStored}-bit ${signed ? 'signed' : 'unsigned'} pixels in ${syntax} that read back equal`, async () => {
        const file = writeDicom(await image(syntax, bitsStored, signed), { transferSyntax: syntax });
        const opened = openStored(file);
        expect(opened.header.transferSyntaxUid).toBe(TRANSFER_SYNTAXES[syntax]);
        const words = pixels(bitsStored, signed);
        const wanted = signed ? words : new Uint16Array(words.buffer);
        expect([...(await storedOf(opened))]).toEqual([...wanted]);
      });
    }
  }

  it('leaves out the preamble where asked to', async () => {
    const dataset = await image('explicit_little', 12, false);
    const file = writeDicom(dataset, { transferSyntax: 'explicit_little', preamble: false });
    expect([...file.subarray(0, 4)]).toEqual([2, 0, 0, 0]);
    expect(openStored(file).header.frames[0]!.instanceNumber).toBe(7);
  });

  it('refuses pixels that do not fit the transfer syntax', async () => {
    const dataset = await image('explicit_little', 12, false);
    expect(() => writeDicom(dataset, { transferSyntax: 'rle' })).toThrow(RangeError);
  });

  it('writes decimal strings of at most 16 characters', () => {
    for (const value of [0.1 + 0.2, -1000 / 81, 1e-7, -1 / 3, 1e9 / 81, 0]) {
      const text = decimalString(value);
      expect(text.length).toBeLessThanOrEqual(16);
      expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(1e-6);
    }
  });
});

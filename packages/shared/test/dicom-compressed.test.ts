/** Compressed frames: every codec, offset tables and fragments, and codestreams that contradict the header. */

import { describe, expect, it } from 'vitest';
import { openImage } from '../dicom/index.ts';
import { DicomError } from '../domain/index.ts';
import { type GreyImage, jpeg2000, jpegBaseline, jpegLossless, jpegLs, rle } from './support/codestreams.ts';
import { dicomFile, encapsulated, imageElements, type Overrides, SYNTAX } from './support/dicom-bytes.ts';
import { storedValues } from './support/dicom-stored.ts';

const ROWS = 60;
const COLUMNS = 41;

/** A ramp with a bright bar and some texture, over the whole range of `bits`. */
function picture(bits: number, signed = false, seed = 1): GreyImage {
  const highest = 2 ** bits - 1;
  const lowest = signed ? -(2 ** (bits - 1)) : 0;
  const samples = Array.from({ length: ROWS * COLUMNS }, (_, i) => {
    const [y, x] = [Math.floor(i / COLUMNS), i % COLUMNS];
    const ramp = (y * COLUMNS + x) / (ROWS * COLUMNS - 1);
    const texture = ((i * 2654435761 * seed) % 97) / 970;
    return lowest + Math.round(highest * (x === 5 ? 1 : Math.max(0, Math.min(1, ramp + texture - 0.05))));
  });
  return { rows: ROWS, columns: COLUMNS, bits, signed, samples };
}

const header16 = (image: GreyImage, more: Overrides = {}): Overrides => ({
  '00280010': ['US', image.rows],
  '00280011': ['US', image.columns],
  '00280100': ['US', image.bits > 8 ? 16 : 8],
  '00280101': ['US', image.bits],
  '00280102': ['US', image.bits - 1],
  '00280103': ['US', image.signed ? 1 : 0],
  ...more,
});

function file(
  syntax: string,
  image: GreyImage,
  fragments: Uint8Array[],
  more: Overrides = {},
  options: { offsets?: number[]; cut?: boolean } = {},
): Uint8Array {
  return dicomFile({ syntax, elements: imageElements(header16(image, more)), tail: encapsulated(fragments, options) });
}

async function decode(bytes: Uint8Array, frame = 0): Promise<number[]> {
  return [...(await storedValues(bytes, frame, { file: 'slice.dcm' }))];
}

describe('lossless codecs give back what went in', () => {
  const kinds = [
    [8, false],
    [8, true],
    [12, false],
    [12, true],
    [16, false],
    [16, true],
  ] as const;

  it.each(kinds)('JPEG 2000, %i bits, signed %s', async (bits, signed) => {
    const image = picture(bits, signed);
    const bytes = file(SYNTAX.jpeg2000Lossless, image, [await jpeg2000(image)]);
    expect(await decode(bytes)).toEqual(image.samples);
  });

  it.each(kinds)('JPEG-LS, %i bits, signed %s', async (bits, signed) => {
    const image = picture(bits, signed);
    // JPEG-LS has no sign, so the encoder gets two's complement.
    const raw = { ...image, samples: Array.from(image.samples, (value) => value & (2 ** bits - 1)) };
    expect(await decode(file(SYNTAX.jpegLs, image, [await jpegLs(raw)]))).toEqual(image.samples);
  });

  it.each(kinds)('JPEG Lossless, %i bits, signed %s, every predictor', async (bits, signed) => {
    const image = picture(bits, signed);
    for (let predictor = 1; predictor <= 7; predictor++) {
      const bytes = file(SYNTAX.jpegLossless, image, [jpegLossless(image, predictor)]);
      expect(await decode(bytes), `predictor ${predictor}`).toEqual(image.samples);
    }
  });

  it('JPEG Lossless of 2 to 16 bits', async () => {
    for (let bits = 2; bits <= 16; bits++) {
      const image = picture(bits);
      const bytes = file(SYNTAX.jpegLossless, image, [jpegLossless(image, 1 + (bits % 7))]);
      expect(await decode(bytes), `${bits} bits`).toEqual(image.samples);
    }
  });

  it('JPEG Lossless with restart markers, more than eight of them, every predictor', async () => {
    const image = picture(12);
    for (let predictor = 1; predictor <= 7; predictor++) {
      for (const rows of [1, 2, 7, ROWS]) {
        const bytes = file(SYNTAX.jpegLosslessFirst, image, [jpegLossless(image, predictor, rows)]);
        expect(await decode(bytes), `predictor ${predictor}, every ${rows} rows`).toEqual(image.samples);
      }
    }
  });

  it('JPEG Lossless with a point transform gives back all bits but those that it drops', async () => {
    for (const bits of [8, 12, 16]) {
      const image = picture(bits);
      for (const dropped of [1, 3, bits - 1]) {
        const bytes = file(SYNTAX.jpegLossless, image, [jpegLossless(image, 1 + (dropped % 7), 5, dropped)]);
        const kept = Array.from(image.samples, (value) => (value >> dropped) << dropped);
        expect(await decode(bytes), `${dropped} of ${bits} bits`).toEqual(kept);
      }
    }
  });

  it('JPEG Lossless to the last pixel, wherever its code ends in the last byte, with and without padding', async () => {
    for (let columns = 1; columns <= 40; columns++) {
      for (const last of [0, 1, 5, 255, 2048, 4095]) {
        const samples = Array.from({ length: 2 * columns }, (_, i) => (i * 37) % 4096);
        samples[samples.length - 1] = last;
        const image: GreyImage = { rows: 2, columns, bits: 12, samples };
        expect(await decode(file(SYNTAX.jpegLossless, image, [jpegLossless(image)]))).toEqual(samples);
      }
    }
  });

  it('JPEG Lossless with fill bytes before markers', async () => {
    const image = picture(12);
    const whole = [...jpegLossless(image, 4, 20)];
    for (let i = whole.length - 2; i > 2; i--) {
      if (whole[i] === 0xff && (whole[i + 1] === 0xd9 || (whole[i + 1]! & 0xf8) === 0xd0))
        whole.splice(i, 0, 0xff, 0xff);
    }
    expect(await decode(file(SYNTAX.jpegLossless, image, [Uint8Array.from(whole)]))).toEqual(image.samples);
  });

  it.each([8, 16, 32])('RLE, %i bits', async (bits) => {
    const image = { ...picture(Math.min(bits, 24), true), bits };
    const bytes = file(SYNTAX.rle, image, [rle(image)], { '00280100': ['US', bits] });
    expect(await decode(bytes)).toEqual(image.samples);
  });

  it('RLE with garbage above BitsStored', async () => {
    const image = picture(12);
    const dirty = { ...image, bits: 16, samples: Array.from(image.samples, (value, i) => value | ((i % 16) << 12)) };
    expect(await decode(file(SYNTAX.rle, image, [rle(dirty)]))).toEqual(image.samples);
  });
});

describe('lossy codecs stay near', () => {
  const farthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

  it('baseline JPEG of a smooth picture, within 4 of 255 at quality 95', async () => {
    const image = { ...picture(8), samples: Array.from({ length: ROWS * COLUMNS }, (_, i) => Math.round(i / 9.7)) };
    const smooth = { ...image, samples: image.samples.map((value) => Math.min(255, value)) };
    const decoded = await decode(file(SYNTAX.jpegBaseline, smooth, [await jpegBaseline(smooth)]));
    expect(farthest(decoded, smooth.samples)).toBeLessThanOrEqual(4);
  });

  it('near-lossless JPEG-LS, within its NEAR', async () => {
    const image = picture(12);
    const decoded = await decode(file(SYNTAX.jpegLsNear, image, [await jpegLs(image, { near: 3 })]));
    expect(farthest(decoded, image.samples)).toBeLessThanOrEqual(3);
  });

  it('irreversible JPEG 2000', async () => {
    const image = picture(12);
    const decoded = await decode(file(SYNTAX.jpeg2000, image, [await jpeg2000(image, { lossy: true })]));
    const mean = decoded.reduce((sum, value, i) => sum + Math.abs(value - image.samples[i]!), 0) / decoded.length;
    expect(mean).toBeLessThan(0.05 * 4095);
  });
});

describe('fragments and offset tables', () => {
  const images = [picture(12, false, 1), picture(12, false, 2), picture(12, false, 3)];
  const frames = images.map((image) => jpegLossless(image));
  const three: Overrides = { '00280008': ['IS', '3'] };
  const half = (bytes: Uint8Array) => {
    const middle = 2 * Math.floor(bytes.length / 4);
    return [bytes.subarray(0, middle), bytes.subarray(middle)];
  };
  /** Offsets of the items at which frames begin, if the fragments are written one after the other. */
  const offsetsOf = (perFrame: Uint8Array[][]) => {
    let at = 0;
    return perFrame.map((fragments) => {
      const start = at;
      for (const one of fragments) at += 8 + 2 * Math.ceil(one.length / 2);
      return start;
    });
  };
  const every = async (bytes: Uint8Array) => [await decode(bytes, 0), await decode(bytes, 1), await decode(bytes, 2)];
  const samples = images.map((image) => image.samples);

  it('one fragment per frame, empty table', async () => {
    expect(await every(file(SYNTAX.jpegLossless, images[0]!, frames, three))).toEqual(samples);
  });

  it('one fragment per frame, basic offset table', async () => {
    const offsets = offsetsOf(frames.map((one) => [one]));
    expect(await every(file(SYNTAX.jpegLossless, images[0]!, frames, three, { offsets }))).toEqual(samples);
  });

  it('several fragments per frame, basic offset table', async () => {
    const split = frames.map(half);
    const bytes = file(SYNTAX.jpegLossless, images[0]!, split.flat(), three, { offsets: offsetsOf(split) });
    expect(await every(bytes)).toEqual(samples);
  });

  it('several fragments per frame, empty table: frames begin where codestreams do', async () => {
    expect(await every(file(SYNTAX.jpegLossless, images[0]!, frames.flatMap(half), three))).toEqual(samples);
  });

  it('several fragments of a single frame, whatever its table says', async () => {
    for (const offsets of [[], [0], [4]]) {
      const bytes = file(SYNTAX.jpegLossless, images[0]!, half(frames[0]!), {}, { offsets });
      expect(await decode(bytes)).toEqual(samples[0]);
    }
  });

  it('a basic offset table that points beside fragments is not believed', async () => {
    const bytes = file(SYNTAX.jpegLossless, images[0]!, frames, three, { offsets: [0, 10, 20] });
    expect(await every(bytes)).toEqual(samples);
  });

  it('extended offset table', async () => {
    const offsets = offsetsOf(frames.map((one) => [one]));
    const table = new BigUint64Array(offsets.map(BigInt));
    const lengths = new BigUint64Array(frames.map((one) => BigInt(one.length)));
    const elements = imageElements({
      ...header16(images[0]!, three),
      '7fe00001': ['OV', new Uint8Array(table.buffer)],
      '7fe00002': ['OV', new Uint8Array(lengths.buffer)],
    });
    const bytes = dicomFile({ syntax: SYNTAX.jpegLossless, elements, tail: encapsulated(frames) });
    expect(await every(bytes)).toEqual(samples);

    const wrong = Uint8Array.from(bytes);
    const at = Buffer.from(bytes).indexOf(Buffer.from(new Uint8Array(table.buffer)));
    wrong[at + 8]! += 2;
    await expect(decode(wrong, 1)).rejects.toMatchObject({ code: 'DICOM_ATTRIBUTE_INVALID' });
  });

  it.each([
    ['fewer frames than NumberOfFrames', frames.slice(0, 2), three],
    ['more frames than NumberOfFrames', [...frames, frames[0]!], three],
    ['three frames where one is promised', frames, {}],
  ])('refuses %s', async (_, fragments, more) => {
    const bytes = file(SYNTAX.jpegLossless, images[0]!, fragments, more);
    await expect(decode(bytes)).rejects.toMatchObject({
      code: 'DICOM_ATTRIBUTE_INVALID',
      message: expect.stringContaining('NumberOfFrames'),
    });
  });

  it('reads the whole frames of a cut file, and only those', async () => {
    const offsets = offsetsOf(frames.map((one) => [one]));
    for (const options of [{}, { offsets }]) {
      const bytes = file(SYNTAX.jpegLossless, images[0]!, frames, three, options);
      const cut = bytes.subarray(0, bytes.length - 8 - frames[2]!.length - 20);
      expect(await decode(cut, 0)).toEqual(samples[0]);
      await expect(decode(cut, 1)).rejects.toMatchObject({ code: 'DICOM_TRUNCATED' });
      await expect(decode(cut, 2)).rejects.toMatchObject({ code: 'DICOM_TRUNCATED' });
    }
  });

  it('refuses transfer syntax and pixel data that contradict each other', async () => {
    const wrapped = file(SYNTAX.explicit, images[0]!, frames.slice(0, 1));
    await expect(decode(wrapped)).rejects.toMatchObject({ code: 'DICOM_ATTRIBUTE_INVALID' });
    const elements = [...imageElements(), ['7fe00010', 'OB', new Uint8Array(12)] as const];
    const bare = dicomFile({ syntax: SYNTAX.jpegLs, elements });
    await expect(decode(bare)).rejects.toMatchObject({ code: 'DICOM_ATTRIBUTE_INVALID' });
  });
});

describe('codestreams that contradict the header', () => {
  const image = picture(12);
  const encoders = [
    ['JPEG 2000', SYNTAX.jpeg2000Lossless, jpeg2000],
    ['JPEG-LS', SYNTAX.jpegLs, jpegLs],
    ['JPEG Lossless', SYNTAX.jpegLossless, async (one: GreyImage) => jpegLossless(one)],
  ] as const;

  it.each(encoders)('%s of another size', async (_, syntax, encode) => {
    const bytes = file(syntax, image, [await encode(image)], { '00280010': ['US', ROWS + 1] });
    await expect(decode(bytes)).rejects.toMatchObject({
      code: 'DICOM_ATTRIBUTE_INVALID',
      context: { file: 'slice.dcm', expected: '61x41', found: '60x41' },
    });
  });

  it.each(encoders)('%s of more bits than BitsAllocated', async (_, syntax, encode) => {
    const bytes = file(syntax, { ...image, bits: 8 }, [await encode(image)]);
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'DICOM_ATTRIBUTE_INVALID' });
  });

  it.each(encoders)('%s of fewer bits than BitsStored: its own count, for the sign too', async (_, syntax, encode) => {
    const raw = picture(12, true);
    const unsigned = { ...raw, signed: false, samples: Array.from(raw.samples, (value) => value & 0xfff) };
    const bytes = file(syntax, { ...raw, bits: 16 }, [await encode(unsigned)]);
    expect(await decode(bytes)).toEqual(raw.samples);
  });

  it('JPEG 2000 that is signed where the header is not: the header says how bits are read', async () => {
    const signed = picture(12, true);
    const bytes = file(SYNTAX.jpeg2000Lossless, { ...signed, signed: false }, [await jpeg2000(signed)]);
    expect(await decode(bytes)).toEqual(Array.from(signed.samples, (value) => value & 0xfff));
  });

  it.each([
    ['JPEG 2000 for JPEG-LS', SYNTAX.jpegLs, jpeg2000],
    ['JPEG-LS for JPEG 2000', SYNTAX.jpeg2000, jpegLs],
    ['JPEG-LS for JPEG Lossless', SYNTAX.jpegLossless, jpegLs],
    ['JPEG-LS for baseline JPEG', SYNTAX.jpegBaseline, jpegLs],
  ])('%s', async (_, syntax, encode) => {
    await expect(decode(file(syntax, image, [await encode(image)]))).rejects.toMatchObject({
      code: 'DICOM_DECODE_FAILED',
    });
  });

  it('a JPEG 2000 codestream in JP2 boxes is read all the same', async () => {
    const box = (type: string, body: Uint8Array) => {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(8 + body.length);
      head.write(type, 4, 'latin1');
      return Buffer.concat([head, body]);
    };
    const jp2 = Buffer.concat([
      box('jP  ', Buffer.from([0x0d, 0x0a, 0x87, 0x0a])),
      box('ftyp', Buffer.from('jp2 \0\0\0\0jp2 ')),
      box('jp2c', await jpeg2000(image)),
    ]);
    expect(await decode(file(SYNTAX.jpeg2000Lossless, image, [jp2]))).toEqual(image.samples);
  });

  it('a tiny codestream that claims an enormous image allocates nothing', async () => {
    const claim: Overrides = { '00280010': ['US', 65535], '00280011': ['US', 65535] };
    for (const [, syntax, encode] of encoders) {
      const bytes = file(syntax, image, [await encode(image)], claim);
      await expect(decode(bytes)).rejects.toBeInstanceOf(DicomError);
    }
    // Below the limit on samples, but more samples than the bytes can hold.
    const lossless = jpegLossless(image);
    const sof = Buffer.from(lossless).indexOf(Buffer.from([0xff, 0xc3]));
    lossless.set([0x10, 0x00, 0x10, 0x00], sof + 5);
    const wide: Overrides = { '00280010': ['US', 4096], '00280011': ['US', 4096] };
    await expect(decode(file(SYNTAX.jpegLossless, image, [lossless], wide))).rejects.toMatchObject({
      code: 'DICOM_TRUNCATED',
    });
    await expect(
      decode(file(SYNTAX.rle, { ...image, bits: 16 }, [rle({ ...image, bits: 16 })], wide)),
    ).rejects.toMatchObject({ code: 'DICOM_TRUNCATED' });
  });
});

describe('codestreams that are cut or damaged', () => {
  const image = picture(12);
  const eight = picture(8);
  const all = [
    ['JPEG 2000', SYNTAX.jpeg2000Lossless, image, jpeg2000],
    ['JPEG-LS', SYNTAX.jpegLs, image, jpegLs],
    ['JPEG Lossless', SYNTAX.jpegLossless, image, async (one: GreyImage) => jpegLossless(one)],
    ['baseline JPEG', SYNTAX.jpegBaseline, eight, jpegBaseline],
    ['RLE', SYNTAX.rle, { ...image, bits: 16 }, async (one: GreyImage) => rle(one)],
  ] as const;

  it.each(all)('%s: a frame cut anywhere is an error, never half a picture', async (_, syntax, one, encode) => {
    const whole = await encode(one);
    for (let length = 0; length < whole.length - 4; length += 41) {
      const error = await decode(file(syntax, one, [whole.subarray(0, length)])).catch((caught: unknown) => caught);
      expect(error, `cut at ${length} of ${whole.length}`).toBeInstanceOf(DicomError);
    }
  });

  it('JPEG Lossless whose scan is cut, though an end marker follows', async () => {
    for (const restarts of [0, 10]) {
      const whole = jpegLossless(image, 1, restarts);
      // The last row alone takes more than 25 bytes.
      for (let length = 100; length < whole.length - 25; length += 13) {
        const cut = Buffer.concat([whole.subarray(0, length), Uint8Array.from([0xff, 0xd9])]);
        const error = await decode(file(SYNTAX.jpegLossless, image, [cut])).catch((caught: unknown) => caught);
        expect(error, `cut at ${length} of ${whole.length}`).toBeInstanceOf(DicomError);
        if (restarts === 0) expect(error).toMatchObject({ code: 'DICOM_TRUNCATED' });
      }
    }
  });

  it('JPEG Lossless with a predictor, point transform, restart interval or table that there is not', async () => {
    const whole = jpegLossless(image, 1, 2);
    const scan = Buffer.from(whole).indexOf(Buffer.from([0xff, 0xda]));
    const restart = Buffer.from(whole).indexOf(Buffer.from([0xff, 0xdd]));
    const damages: [string, number, number][] = [
      ['predictor 0', scan + 7, 0],
      ['predictor 8', scan + 7, 8],
      ['a point transform of all bits', scan + 9, 12],
      ['another table', scan + 6, 0x10],
      ['an interval of no whole rows', restart + 5, 1],
    ];
    for (const [what, position, value] of damages) {
      const damaged = Uint8Array.from(whole);
      damaged[position] = value;
      await expect(decode(file(SYNTAX.jpegLossless, image, [damaged])), what).rejects.toMatchObject({
        code: 'DICOM_DECODE_FAILED',
      });
    }
  });

  it.each(all)(
    '%s: damage is a picture or a DicomError, and the next frame decodes',
    async (_, syntax, one, encode) => {
      const whole = await encode(one);
      const intact = await decode(file(syntax, one, [whole]));
      for (let round = 0; round < 40; round++) {
        const damaged = Uint8Array.from(whole);
        for (let i = 0; i <= round % 5; i++)
          damaged[(round * 7919 + i * 104729) % damaged.length]! ^= 1 << ((round + i) % 8);
        const outcome = await decode(file(syntax, one, [damaged])).catch((caught: unknown) => caught);
        if (!Array.isArray(outcome)) expect(outcome, `round ${round}`).toBeInstanceOf(DicomError);
      }
      expect(await decode(file(syntax, one, [whole]))).toEqual(intact);
    },
  );

  it('says what the codec said, and keeps what it threw as the cause', async () => {
    const whole = await jpegLs(image);
    const damaged = Uint8Array.from(whole).fill(0xff, whole.length - 60, whole.length - 2);
    const error = await decode(file(SYNTAX.jpegLs, image, [damaged])).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'DICOM_DECODE_FAILED', message: expect.stringContaining('slice.dcm') });
    expect((error as DicomError).context.found).toMatch(/^Invalid JPEG-LS stream/);
    expect((error as Error).cause).toBeInstanceOf(Error);
  });
});

describe('transfer syntaxes that are not read', () => {
  it.each([
    ['1.2.840.10008.1.2.4.51', 'JPEG Extended'],
    ['1.2.840.10008.1.2.4.201', 'High-Throughput JPEG 2000'],
    ['1.2.840.10008.1.2.4.999', 'unknown'],
  ])('%s is named, and its header is read', async (syntax, name) => {
    const bytes = file(syntax, picture(12), [new Uint8Array(10)]);
    expect(openImage(bytes).header).toMatchObject({ transferSyntaxUid: syntax, rows: ROWS, columns: COLUMNS });
    await expect(decode(bytes)).rejects.toMatchObject({
      code: 'DICOM_UNSUPPORTED',
      message: expect.stringMatching(new RegExp(`${syntax.replaceAll('.', '\\.')} \\(${name}`)),
    });
  });
});

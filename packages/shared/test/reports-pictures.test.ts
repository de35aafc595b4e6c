/**
 * Pictures of studies: the right pixels at the right places, and the notice in the pixels and in the text of the file.
 */

import { describe, expect, it } from 'vitest';
import { LEVELS } from '../domain/index.ts';
import { BLACK, Drawing, GRADE_COLOURS, GREY, WHITE } from '../reports/index.ts';
import { type Crop, type CropColumn, drawCropSheet, drawTargetCrops } from '../reports/pictures/crop-pictures.ts';
import { encodePicture, type PictureWords } from '../reports/pictures/frame.ts';
import { drawSlice } from '../reports/pictures/slice-picture.ts';
import { pixelsOf, textsOf } from './support/picture-pixels.ts';

const WORDS: PictureWords = { study: '1001', what: 'a view', notice: 'Demo models. NOT FOR CLINICAL USE.' };
const SAGITTAL = [0, 1, 0, 0, 0, -1];
/** Where a content begins below a heading of two lines. */
const [LEFT, TOP] = [8, 60];

/** Float16 [slices, height, width]; every slice of one value: 0.1, 0.2, ... */
function crop(slices: number, height: number, width: number): Crop {
  const data = Float32Array.from({ length: slices * height * width }, (_, i) => {
    return (1 + Math.floor(i / (height * width))) / 10;
  });
  return { data, slices, height, width };
}

const grey = (value: number) => {
  const level = Math.round(255 * Math.fround(value));
  return [level, level, level];
};

describe('a slice', () => {
  /** 32 rows of 24 columns, brighter from left to right. */
  const image = { data: Float32Array.from({ length: 32 * 24 }, (_, i) => i % 24), height: 32, width: 24 };
  const view = { image, spacing: [1, 1] as const, orientation: SAGITTAL };

  it('is 768 px on its longer side and has a ring at each point', () => {
    const markers = [{ x: 9, y: 20.5, label: 'L4/L5', beside: 'right' as const, colour: GRADE_COLOURS.severe }];
    const picture = pixelsOf(drawSlice(view, markers, [], WORDS).encode());
    expect(picture.width).toBe(32 * 18 + 2 * LEFT);
    const { x, y, count } = picture.centreOf(GRADE_COLOURS.severe, TOP + 768);
    expect(count).toBeGreaterThan(80);
    expect(x).toBeCloseTo(LEFT + 9 * 24, 0);
    expect(y).toBeCloseTo(TOP + 20.5 * 24, 0);
    // The point itself stays visible, and so does what is around it: dark on the left, bright on the right.
    expect(picture.at(LEFT + 2, TOP + 100)).toEqual([0, 0, 0]);
    expect(picture.at(LEFT + 573, TOP + 100)).toEqual([255, 255, 255]);
    const [middle] = picture.at(LEFT + 9 * 24, TOP + Math.round(20.5 * 24));
    expect(middle).toBeGreaterThan(60);
    expect(middle).toBeLessThan(140);
  });

  it('has square pixels, whatever the spacing, and points where they belong', () => {
    const markers = [{ x: 12, y: 16, label: 'x', beside: 'right' as const, colour: GRADE_COLOURS.moderate }];
    const picture = pixelsOf(drawSlice({ ...view, spacing: [1, 4] }, markers, [], WORDS).encode());
    // 32 mm high and 96 mm wide.
    expect(picture.width).toBe(768 + 2 * LEFT);
    const { x, y } = picture.centreOf(GRADE_COLOURS.moderate, TOP + 256);
    expect(x).toBeCloseTo(LEFT + 384, 0);
    expect(y).toBeCloseTo(TOP + 128, 0);
  });

  it('has each label on the side that is asked for, or on the other one where there is no room', () => {
    const around = (x: number, y: number, beside: 'right' | 'left' | 'above') => {
      const blank = { ...view, image: { ...image, data: new Float32Array(32 * 24) } };
      const drawn = drawSlice(blank, [{ x, y, label: 'L4/L5', beside, colour: GRADE_COLOURS.severe }], [], WORDS);
      const picture = pixelsOf(drawn.encode());
      const label = { left: picture.width, right: 0, top: picture.height, bottom: 0 };
      for (let row = TOP; row < TOP + 768; row++) {
        for (let column = 0; column < picture.width; column++) {
          if (picture.at(column, row).join() !== WHITE.join()) continue;
          label.left = Math.min(label.left, column);
          label.right = Math.max(label.right, column);
          label.top = Math.min(label.top, row);
          label.bottom = Math.max(label.bottom, row);
        }
      }
      return { label, x: LEFT + x * 24, y: TOP + y * 24 };
    };
    for (const [x, beside] of [
      [12, 'right'],
      [1, 'left'],
    ] as const) {
      const found = around(x, 16, beside);
      expect(found.label.left).toBeGreaterThan(found.x + 9);
    }
    for (const [x, beside] of [
      [12, 'left'],
      [23, 'right'],
    ] as const) {
      const found = around(x, 16, beside);
      expect(found.label.right).toBeLessThan(found.x - 9);
    }
    const over = around(12, 16, 'above');
    expect(over.label.bottom).toBeLessThan(over.y - 9);
    expect((over.label.left + over.label.right) / 2).toBeCloseTo(over.x, -1);
    const first = around(12, 0.5, 'above');
    expect(first.label.left).toBeGreaterThan(first.x + 9);
  });

  it('says which way the patient lies: anterior at the left of a sagittal slice, right at the left of an axial one', () => {
    const atLeft = (orientation: readonly number[], text: string) => {
      const drawn = drawSlice({ ...view, orientation }, [], [], WORDS);
      const flat = new Drawing(drawn.width, drawn.height, BLACK);
      const picture = pixelsOf(drawn.encode());
      flat.text(LEFT + 8, TOP + 384 - 6, text, GREY);
      const letter = pixelsOf(flat.encode());
      const inked: boolean[] = [];
      for (let y = TOP + 370; y < TOP + 400; y++) {
        for (let x = LEFT + 6; x < LEFT + 24; x++) {
          if (letter.at(x, y).join() === GREY.join()) inked.push(picture.at(x, y).join() === GREY.join());
        }
      }
      return inked.every(Boolean);
    };
    expect(atLeft(SAGITTAL, 'A')).toBe(true);
    expect(atLeft([1, 0, 0, 0, 1, 0], 'R')).toBe(true);
    expect(atLeft([-1, 0, 0, 0, 1, 0], 'R')).toBe(false);
  });

  it('of one value is black, and still has its points', () => {
    const flat = { ...view, image: { ...image, data: new Float32Array(32 * 24).fill(7) } };
    const picture = pixelsOf(
      drawSlice(
        flat,
        [{ x: 12, y: 16, label: '', beside: 'right' as const, colour: GRADE_COLOURS.severe }],
        [],
        WORDS,
      ).encode(),
    );
    expect(picture.at(LEFT + 100, TOP + 100)).toEqual([0, 0, 0]);
    expect(picture.centreOf(GRADE_COLOURS.severe, TOP + 768).count).toBeGreaterThan(80);
  });
});

describe('the crops of a study', () => {
  const columns: CropColumn[] = [
    {
      title: ['SCS', 'sagittal T2'],
      tiles: LEVELS.map(() => ({
        crop: crop(5, 128, 224),
        grade: { text: 'severe 0.81', colour: GRADE_COLOURS.severe },
      })),
    },
    {
      title: ['SCS', 'axial T2'],
      tiles: LEVELS.map((_, i) => ({ crop: i === 1 ? { missing: 'no such view' } : crop(3, 256, 256) })),
    },
  ];
  const label = Drawing.textWidth('L1/L2 ');
  const first = TOP + 48;

  it('are a row a level and a column a view, the middle slice of each, enlarged by whole pixels', () => {
    const picture = pixelsOf(drawCropSheet(columns, WORDS).encode());
    expect(picture.width).toBe(label + 448 + 8 + 256 + 2 * LEFT);
    const step = 256 + 22 + 8;
    for (let level = 0; level < 5; level++) {
      // The third of five slices, the second of three.
      expect(picture.at(LEFT + label + 10, first + level * step + 10)).toEqual(grey(0.3));
      expect(picture.at(LEFT + label + 447, first + level * step + 255)).toEqual(grey(0.3));
      const axial = level === 1 ? BLACK : grey(0.2);
      expect(picture.at(LEFT + label + 456 + 4, first + level * step + 250)).toEqual([...axial]);
    }
    expect(picture.says('severe 0.81', GRADE_COLOURS.severe, LEFT + label)).toBe(true);
    expect(picture.says('L5/S1', WHITE)).toBe(true);
    expect(picture.says('sagittal T2', GREY, LEFT + label)).toBe(true);
  });

  it('of one target are all its slices in order, view by view', () => {
    const rows = [
      { title: 'Sagittal T2/STIR', crop: crop(5, 128, 224) },
      { title: 'Axial T2', crop: { missing: 'not in the store any more' } },
    ];
    const line = { text: 'severe 0.01 0.09 0.90', colour: GRADE_COLOURS.severe };
    const picture = pixelsOf(drawTargetCrops(rows, [line], WORDS).encode());
    expect(picture.width).toBe(5 * 456 - 8 + 2 * LEFT);
    for (let slice = 0; slice < 5; slice++) {
      expect(picture.at(LEFT + slice * 456 + 200, TOP + 22 + 100)).toEqual(grey((slice + 1) / 10));
    }
    expect(picture.says('Axial T2', WHITE)).toBe(true);
    expect(picture.says(line.text, line.colour)).toBe(true);
  });
});

describe('what a picture says about itself', () => {
  const small = () => drawTargetCrops([{ title: 'x', crop: crop(1, 8, 8) }], [], WORDS);

  it('is drawn: the study, the view, the colours’ meaning and the notice', () => {
    const picture = pixelsOf(small().encode());
    expect(picture.says('Study 1001', WHITE)).toBe(true);
    expect(picture.says('a view', GREY)).toBe(true);
    expect(picture.says('normal/mild', GRADE_COLOURS.normal_mild)).toBe(true);
    expect(picture.says('Demo models. NOT FOR CLINICAL USE.', WHITE)).toBe(true);
  });

  it('is broken into lines where the picture is narrow, and none of it is lost', () => {
    const notice = 'A notice of many words that no picture of one small crop has the room to say in one line alone.';
    const lines = Drawing.wrap(notice, 480);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join(' ')).toBe(notice);
    const picture = pixelsOf(drawTargetCrops([{ title: 'x', crop: crop(1, 8, 8) }], [], { ...WORDS, notice }).encode());
    for (const line of lines) expect(picture.says(line, WHITE), line).toBe(true);
  });

  it('is in the file as text too, in Latin-1 or, where that cannot hold it, in UTF-8', () => {
    const png = encodePicture(small(), WORDS);
    expect(textsOf(png)).toEqual({
      Title: { type: 'tEXt', text: 'Study 1001: a view' },
      Disclaimer: { type: 'tEXt', text: WORDS.notice },
      Software: { type: 'tEXt', text: 'spineline' },
    });
    // A decoder checks the CRC of every chunk.
    expect(pixelsOf(png).width).toBe(small().width);
    const other = encodePicture(small(), { ...WORDS, notice: 'nicht für die Klinik – 不用于临床' });
    expect(textsOf(other).Disclaimer).toEqual({ type: 'iTXt', text: 'nicht für die Klinik – 不用于临床' });
    expect(pixelsOf(other).width).toBe(small().width);
    expect(textsOf(encodePicture(small(), { ...WORDS, notice: '' }))).not.toHaveProperty('Disclaimer');
  });
});

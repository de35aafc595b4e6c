/**
 * A picture to draw on: areas, grey values, rings and text. The few things that pictures of studies need, the same
 * bytes everywhere.
 */

import pngjs from 'pngjs';
import { type PngTexts, withTexts } from './png-text.ts';

export type Colour = readonly [red: number, green: number, blue: number];

/**
 * Glyphs of five by seven dots, some with two more rows below. Each character of a text is one row, from top to bottom;
 * its value in base 32 gives the five dots of the row. With own glyphs no font is needed on the machine.
 */
const GLYPHS: Readonly<Record<string, string>> = {
  ...{ A: 'ehhvhhh', B: 'uhhuhhu', C: 'ehggghe', D: 'sihhhis', E: 'vgguggv', F: 'vgguggg', G: 'ehgnhhf', H: 'hhhvhhh' },
  ...{ I: 'e44444e', J: '72222ic', K: 'hikokih', L: 'ggggggv', M: 'hrllhhh', N: 'hhpljhh', O: 'ehhhhhe', P: 'uhhuggg' },
  ...{ Q: 'ehhhlid', R: 'uhhukih', S: 'fgge11u', T: 'v444444', U: 'hhhhhhe', V: 'hhhhha4', W: 'hhhllla', X: 'hha4ahh' },
  ...{ Y: 'hhha444', Z: 'v1248gv', 0: 'ehjlphe', 1: '4c4444e', 2: 'eh1248v', 3: 'v2421he', 4: '26aiv22', 5: 'vgu11he' },
  ...{ 6: '68guhhe', 7: 'v124888', 8: 'ehhehhe', 9: 'ehhf12c', a: '00e1fhf', b: 'ggmphhu', c: '00egghe', d: '11djhhf' },
  ...{
    e: '00ehvge',
    f: '698s888',
    g: '00fhhhf1e',
    h: 'ggmphhh',
    i: '40c444e',
    j: '2062222ic',
    k: 'ggikoki',
    l: 'c44444e',
  },
  ...{
    m: '00qllhh',
    n: '00mphhh',
    o: '00ehhhe',
    p: '00uhhhugg',
    q: '00fhhhf11',
    r: '00mpggg',
    s: '00fge1u',
    t: '88s8896',
  },
  ...{
    u: '00hhhjd',
    v: '00hhha4',
    w: '00hhlla',
    x: '00ha4ah',
    y: '00hhhhf1e',
    z: '00v248v',
    '.': '00000cc',
    ',': '00000c48',
  },
  ...{ ':': '0cc0cc0', ';': '0cc0c48', '/': '01248g0', '-': '000v000', '+': '044v440', '=': '00v0v00', '(': '2488842' },
  ...{
    ')': '8422248',
    '#': 'aavavaa',
    '%': 'op248j3',
    "'": 'c480000',
    _: '000000v',
    '!': '4444004',
    '?': 'eh12404',
    ' ': '',
  },
  ...{ '@': 'ehnlmge', '&': 'ciko9id', '"': 'aa00000', '<': '248g842', '>': '8421248', '[': 'e88888e', ']': 'e22222e' },
};

/** Distance between characters, and between lines, at scale 1. */
const ADVANCE = 6;
export const LINE_PX = 11;

/** Grey values in [0, 1], row by row. */
export interface Greys {
  readonly data: ArrayLike<number>;
  readonly height: number;
  readonly width: number;
}

export class Drawing {
  readonly width: number;
  readonly height: number;
  readonly #png: pngjs.PNG;

  /** A drawing that is filled with one colour. */
  constructor(width: number, height: number, colour: Colour) {
    this.width = width;
    this.height = height;
    this.#png = new pngjs.PNG({ width, height });
    this.fill(0, 0, width, height, colour);
  }

  /** Sets one pixel. Ignores pixels outside the picture. */
  dot(x: number, y: number, colour: Colour): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const at = 4 * (y * this.width + x);
    this.#png.data[at] = colour[0];
    this.#png.data[at + 1] = colour[1];
    this.#png.data[at + 2] = colour[2];
    this.#png.data[at + 3] = 255;
  }

  fill(left: number, top: number, width: number, height: number, colour: Colour): void {
    for (let y = top; y < top + height; y++) for (let x = left; x < left + width; x++) this.dot(x, y, colour);
  }

  /** Grey values with their upper left corner at (left, top), each as a square of `factor` px. */
  greys(left: number, top: number, { data, height, width }: Greys, factor = 1): void {
    for (let y = 0; y < height * factor; y++) {
      for (let x = 0; x < width * factor; x++) {
        const grey = Math.round(255 * data[Math.floor(y / factor) * width + Math.floor(x / factor)]!);
        this.dot(left + x, top + y, [grey, grey, grey]);
      }
    }
  }

  /** A circle with a line of 2 px and a dark edge on both sides, so that it is visible on bright and dark ground. */
  ring(x: number, y: number, radius: number, colour: Colour): void {
    const reach = Math.ceil(radius + 3);
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        const away = Math.abs(Math.hypot(Math.round(x) + dx - x, Math.round(y) + dy - y) - radius);
        if (away < 2) this.dot(Math.round(x) + dx, Math.round(y) + dy, away < 1 ? colour : [0, 0, 0]);
      }
    }
  }

  /**
   * Text with a dark edge; its upper left corner is at (left, top). Characters without a glyph become question marks.
   */
  text(left: number, top: number, text: string, colour: Colour, scale = 2): void {
    for (const [edge, ink] of [
      [1, [0, 0, 0]],
      [0, colour],
    ] as const) {
      [...text].forEach((character, place) => {
        [...(GLYPHS[character] ?? GLYPHS['?']!)].forEach((row, down) => {
          const dots = Number.parseInt(row, 32);
          for (let across = 0; across < 5; across++) {
            if (((dots >> (4 - across)) & 1) === 0) continue;
            const [x, y] = [left + (place * ADVANCE + across) * scale, top + down * scale];
            this.fill(x - edge, y - edge, scale + 2 * edge, scale + 2 * edge, ink);
          }
        });
      });
    }
  }

  static textWidth(text: string, scale = 2): number {
    return [...text].length * ADVANCE * scale;
  }

  /** The lines of a text that fit into a width in px, broken between words. */
  static wrap(text: string, width: number, scale = 2): string[] {
    const lines: string[] = [];
    for (const word of text.split(/\s+/).filter(Boolean)) {
      const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
      if (lines.length > 0 && Drawing.textWidth(longer, scale) <= width) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  }

  /** The picture as a PNG file. @param texts texts in the file, by keyword. */
  encode(texts: PngTexts = {}): Buffer {
    return withTexts(pngjs.PNG.sync.write(this.#png), texts);
  }
}

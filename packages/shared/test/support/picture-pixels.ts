/** Reads a picture: pixels of its PNG file, drawn text, and textual chunks. */

import pngjs from 'pngjs';
import { type Colour, Drawing, PAPER } from '../../reports/index.ts';

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** [red, green, blue] of a pixel. */
  at(x: number, y: number): [number, number, number];
  /** Whether a text is drawn on the paper with its left edge at `left`, at any height. */
  says(text: string, colour: Colour, left?: number): boolean;
  /** The mean position and the number of the pixels of one colour in rows below `below`. */
  centreOf(colour: Colour, below?: number): { x: number; y: number; count: number };
}

/** Decodes a PNG file. @throws if it is no PNG file. */
export function pixelsOf(png: Buffer): Pixels {
  const { width, height, data } = pngjs.PNG.sync.read(png);
  const at = (x: number, y: number) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)] as never;
  return { width, height, at, says, centreOf };

  function says(text: string, colour: Colour, left = 8): boolean {
    const line = pngjs.PNG.sync.read(drawnOnPaper(text, colour));
    const rows = (from: number) =>
      Array.from({ length: line.height }, (_, y) => y).every((y) => {
        const start = 4 * ((from + y) * width + left);
        return data
          .subarray(start, start + 4 * line.width)
          .equals(line.data.subarray(4 * y * line.width, 4 * (y + 1) * line.width));
      });
    for (let y = 0; y + line.height <= height; y++) if (rows(y)) return true;
    return false;
  }

  function centreOf(colour: Colour, below = height): { x: number; y: number; count: number } {
    let [sumX, sumY, count] = [0, 0, 0];
    for (let y = 0; y < below; y++) {
      for (let x = 0; x < width; x++) {
        const place = 4 * (y * width + x);
        if (colour.some((value, i) => data[place + i] !== value)) continue;
        sumX += x;
        sumY += y;
        count += 1;
      }
    }
    return { x: sumX / count, y: sumY / count, count };
  }
}

function drawnOnPaper(text: string, colour: Colour): Buffer {
  const drawing = new Drawing(Drawing.textWidth(text) - 2, 14, PAPER);
  drawing.text(0, 0, text, colour);
  return drawing.encode();
}

/** The textual chunks of a PNG file by keyword, with their type. */
export function textsOf(png: Buffer): Record<string, { type: string; text: string }> {
  const texts: Record<string, { type: string; text: string }> = {};
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const type = png.toString('latin1', at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    const keyword = data.toString('latin1', 0, data.indexOf(0));
    if (type === 'tEXt') texts[keyword] = { type, text: data.toString('latin1', keyword.length + 1) };
    if (type === 'iTXt') texts[keyword] = { type, text: data.toString('utf8', keyword.length + 5) };
  }
  return texts;
}

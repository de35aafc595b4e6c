/** The frame of every picture: above the picture the study, below it the legend of the colours and the notice. */

import { SEVERITIES } from '../../domain/index.ts';
import { type Colour, Drawing, LINE_PX } from './drawing.ts';
import { GRADE_COLOURS, GRADE_WORDS, GREY, PAPER, WHITE } from './palette.ts';

/** The texts of a picture. */
export interface PictureWords {
  /** The study as the dataset names it. */
  readonly study: string;
  /** What is shown, such as `Sagittal T2/STIR, slice 7 of 15`. */
  readonly what: string;
  /** Warning of the models, to be shown with every output; empty if they need none. */
  readonly notice: string;
}

/** A line under the picture. */
export interface PictureLine {
  readonly text: string;
  readonly colour: Colour;
}

export const LINE = 2 * LINE_PX;
export const GAP_PX = 8;
const HEAD_PX = 2 * LINE + 2 * GAP_PX;
/** Wide enough for a notice without too many line breaks. */
const LEAST_WIDTH_PX = 480;

/**
 * Draws the frame for content of a given size.
 *
 * @param lines texts between the content and the notice.
 * @returns the drawing, and the place of the upper left corner of the content.
 */
export function frame(
  content: { readonly width: number; readonly height: number },
  { study, what, notice }: PictureWords,
  lines: readonly PictureLine[] = [],
): { drawing: Drawing; left: number; top: number } {
  const inner = Math.max(LEAST_WIDTH_PX, content.width, ...lines.map(({ text }) => Drawing.textWidth(text)));
  const head = Drawing.wrap(what, inner);
  const foot = Drawing.wrap(notice, inner);
  const top = HEAD_PX + (head.length - 1) * LINE;
  const below = top + content.height + GAP_PX;
  const drawing = new Drawing(inner + 2 * GAP_PX, below + (lines.length + 1 + foot.length) * LINE + 2 * GAP_PX, PAPER);
  drawing.text(GAP_PX, GAP_PX, `Study ${study}`, WHITE);
  head.forEach((line, i) => {
    drawing.text(GAP_PX, GAP_PX + (i + 1) * LINE, line, GREY);
  });
  lines.forEach(({ text, colour }, i) => {
    drawing.text(GAP_PX, below + i * LINE, text, colour);
  });
  const legend = below + lines.length * LINE + GAP_PX;
  let left = GAP_PX;
  for (const severity of SEVERITIES) {
    const text = `${GRADE_WORDS[severity]}${severity === 'normal_mild' ? '/mild' : ''}  `;
    drawing.text(left, legend, text, GRADE_COLOURS[severity]);
    left += Drawing.textWidth(text);
  }
  foot.forEach((line, i) => {
    drawing.text(GAP_PX, legend + (i + 1) * LINE, line, WHITE);
  });
  return { drawing, left: GAP_PX, top };
}

/** A framed picture as a PNG file, with the same texts in its metadata. */
export function encodePicture(drawing: Drawing, { study, what, notice }: PictureWords): Buffer {
  return drawing.encode({ Title: `Study ${study}: ${what}`, Disclaimer: notice, Software: 'spineline' });
}

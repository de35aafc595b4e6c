/** The colours and short words of pictures. */

import type { Severity } from '../../domain/index.ts';
import type { Colour } from './drawing.ts';

export const GRADE_COLOURS: Readonly<Record<Severity, Colour>> = {
  normal_mild: [90, 220, 110],
  moderate: [255, 190, 40],
  severe: [255, 80, 80],
};
export const GRADE_WORDS: Readonly<Record<Severity, string>> = {
  normal_mild: 'normal',
  moderate: 'moderate',
  severe: 'severe',
};
export const WHITE: Colour = [240, 240, 240];
export const GREY: Colour = [150, 155, 165];
export const PAPER: Colour = [24, 26, 30];
export const BLACK: Colour = [0, 0, 0];

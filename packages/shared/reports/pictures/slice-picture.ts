/** A picture of one slice with the points that were found in it. */

import { type Image, normaliseInPlace, percentiles, resizeBilinear } from '../../imaging/index.ts';
import { type Colour, Drawing } from './drawing.ts';
import { frame, GAP_PX, LINE, type PictureLine, type PictureWords } from './frame.ts';
import { GREY, WHITE } from './palette.ts';

/** Longer side of the slice in the picture, in px. */
const LONGER_SIDE_PX = 768;
const RING_PX = 9;
/** Percentiles of the slice that are shown as black and as white. */
const [LOW, HIGH] = [1, 99];

export interface SliceView {
  /** Modality values, float32 [height, width]. */
  readonly image: Image;
  /** mm between rows, mm between columns. The picture has square pixels. */
  readonly spacing: readonly [number, number];
  /** ImageOrientationPatient (LPS), for the letters of the directions. */
  readonly orientation: readonly number[];
}

/** A point in the slice. */
export interface Marker {
  /** In pixels of the slice: x is the column, y the row. */
  readonly x: number;
  readonly y: number;
  readonly label: string;
  /** Side of the label. If the slice has no room there, the label goes to the other side. */
  readonly beside: 'right' | 'left' | 'above';
  readonly colour: Colour;
}

/** The slice, windowed to its own percentiles, with a ring and a label for each marker, and lines below. */
export function drawSlice(
  { image, spacing, orientation }: SliceView,
  markers: readonly Marker[],
  lines: readonly PictureLine[],
  words: PictureWords,
): Drawing {
  const [down, across] = spacing;
  const scale = LONGER_SIDE_PX / Math.max(image.height * down, image.width * across);
  const height = Math.max(1, Math.round(image.height * down * scale));
  const width = Math.max(1, Math.round(image.width * across * scale));
  const { low, high } = percentiles([image.data], LOW, HIGH);
  const data = resizeBilinear(image, height, width, { antialias: true });
  normaliseInPlace(data, low, high);
  const { drawing, left, top } = frame({ width, height }, words, lines);
  drawing.greys(left, top, { data, height, width });
  for (const { text, x, y } of directions(orientation)) {
    const inset = GAP_PX + Drawing.textWidth('A') / 2;
    drawing.text(
      Math.round(left + width / 2 + x * (width / 2 - inset) - Drawing.textWidth('A') / 2),
      Math.round(top + height / 2 + y * (height / 2 - inset) - Drawing.textWidth('A') / 2),
      text,
      GREY,
    );
  }
  for (const { label, beside, colour, ...marker } of markers) {
    const x = left + (marker.x / image.width) * width;
    const y = top + (marker.y / image.height) * height;
    drawing.ring(x, y, RING_PX, colour);
    const words = Drawing.textWidth(label);
    const away = RING_PX + GAP_PX;
    const above = beside === 'above' && y - away - LINE >= top;
    const right = beside === 'left' ? x - away - words < left : x + away + words <= left + width;
    const from = above ? x - words / 2 : right ? x + away : x - away - words;
    drawing.text(Math.round(from), Math.round(above ? y - away - 14 : y - 7), label, WHITE);
  }
  return drawing;
}

/** The letter of the patient's direction at each edge. -1 is the left or upper edge, 1 the right or lower one. */
function directions(orientation: readonly number[]): { text: string; x: number; y: number }[] {
  const row = orientation.slice(0, 3);
  const column = orientation.slice(3, 6);
  return [
    { text: letterOf(row, 1), x: 1, y: 0 },
    { text: letterOf(row, -1), x: -1, y: 0 },
    { text: letterOf(column, 1), x: 0, y: 1 },
    { text: letterOf(column, -1), x: 0, y: -1 },
  ];
}

/** The letter of the patient's direction nearest to a vector: left, posterior, head, or their opposites (LPS). */
function letterOf(vector: readonly number[], sign: 1 | -1): string {
  const most = vector.reduce((best, value, axis) => (Math.abs(value) > Math.abs(vector[best]!) ? axis : best), 0);
  const [positive, negative] = (
    [
      ['L', 'R'],
      ['P', 'A'],
      ['H', 'F'],
    ] as const
  )[most as 0 | 1 | 2];
  return sign * vector[most]! > 0 ? positive : negative;
}

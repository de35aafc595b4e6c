/** Pictures of crops, the input of the severity models: all crops of a study, or all slices of one target's crops. */

import { LEVELS, levelLabel } from '../../domain/index.ts';
import { type Colour, Drawing, type Greys } from './drawing.ts';
import { frame, GAP_PX, LINE, type PictureLine, type PictureWords } from './frame.ts';
import { BLACK, GREY, WHITE } from './palette.ts';

/** Approximate height of a crop in the picture, in px. Each pixel of a crop becomes a square of whole px. */
const TILE_PX = 256;

/** One crop: float32 [slices, height, width] in [0, 1]. */
export interface Crop {
  readonly data: Float32Array;
  readonly slices: number;
  readonly height: number;
  readonly width: number;
}

/** A crop or the reason why there is none, and a line below it. */
export interface CropTile {
  readonly crop: Crop | { readonly missing: string };
  readonly grade?: PictureLine | undefined;
}

/** One view of the five levels. */
export interface CropColumn {
  /** Two lines: what is graded, and the view. */
  readonly title: readonly [string, string];
  /** In the order of LEVELS. */
  readonly tiles: readonly CropTile[];
}

const LABEL_PX = Drawing.textWidth('L1/L2 ');
const TITLE_PX = 2 * LINE + 4;

/** The middle slices of all crops of a study: one row per level, one column per view. */
export function drawCropSheet(columns: readonly CropColumn[], words: PictureWords): Drawing {
  const widths = columns.map(({ title, tiles }) =>
    Math.max(...title.map((line) => Drawing.textWidth(line)), ...tiles.map(tileWidth)),
  );
  const row = Math.max(TILE_PX, ...columns.flatMap(({ tiles }) => tiles.map(tileHeight)));
  const rowStep = row + LINE + GAP_PX;
  const width = LABEL_PX + widths.reduce((sum, one) => sum + one + GAP_PX, 0) - GAP_PX;
  const { drawing, left, top } = frame({ width, height: TITLE_PX + LEVELS.length * rowStep }, words);
  LEVELS.forEach((level, i) => {
    const middle = top + TITLE_PX + i * rowStep + Math.round((row - LINE) / 2);
    drawing.text(left, middle, levelLabel(level), WHITE);
  });
  let x = left + LABEL_PX;
  columns.forEach(({ title, tiles }, column) => {
    title.forEach((line, i) => {
      drawing.text(x, top + i * LINE, line, i === 0 ? WHITE : GREY);
    });
    tiles.forEach((tile, i) => {
      const y = top + TITLE_PX + i * rowStep;
      const { crop, grade } = tile;
      if ('missing' in crop) drawMissing(drawing, x, y, { width: widths[column]!, height: row }, crop.missing);
      else drawing.greys(x, y, sliceOf(crop, (crop.slices - 1) >> 1), factorOf(crop));
      if (grade) drawing.text(x, y + row + 2, grade.text, grade.colour);
    });
    x += widths[column]! + GAP_PX;
  });
  return drawing;
}

/** One view of a target. */
export interface CropRow {
  readonly title: string;
  readonly crop: CropTile['crop'];
}

/** All slices of a target's crops: one row per view, with the target's own slice in the middle. */
export function drawTargetCrops(rows: readonly CropRow[], lines: readonly PictureLine[], words: PictureWords): Drawing {
  const sizes = rows.map(({ title, crop }) => {
    if ('missing' in crop) return { width: Math.max(TILE_PX, Drawing.textWidth(title)), height: TILE_PX };
    const factor = factorOf(crop);
    return { width: crop.slices * (crop.width * factor + GAP_PX) - GAP_PX, height: crop.height * factor };
  });
  const width = Math.max(...sizes.map((size) => size.width), ...rows.map(({ title }) => Drawing.textWidth(title)));
  const height = sizes.reduce((sum, size) => sum + LINE + size.height + LINE + GAP_PX, 0);
  const { drawing, left, top } = frame({ width, height }, words, lines);
  let y = top;
  rows.forEach(({ title, crop }, i) => {
    drawing.text(left, y, title, WHITE);
    y += LINE;
    if ('missing' in crop) drawMissing(drawing, left, y, sizes[i]!, crop.missing);
    else {
      const factor = factorOf(crop);
      for (let slice = 0; slice < crop.slices; slice++) {
        const x = left + slice * (crop.width * factor + GAP_PX);
        drawing.greys(x, y, sliceOf(crop, slice), factor);
        const [word, colour] = nameOfSlice(slice - (crop.slices - 1) / 2);
        drawing.text(x, y + crop.height * factor + 2, word, colour);
      }
    }
    y += sizes[i]!.height + LINE + GAP_PX;
  });
  return drawing;
}

function nameOfSlice(away: number): [string, Colour] {
  return away === 0 ? ['the slice', WHITE] : [away > 0 ? `+${away}` : `${away}`, GREY];
}

function drawMissing(
  drawing: Drawing,
  left: number,
  top: number,
  { width, height }: { readonly width: number; readonly height: number },
  why: string,
): void {
  drawing.fill(left, top, width, height, BLACK);
  const lines = Drawing.wrap(why, width - 2 * GAP_PX);
  lines.forEach((line, i) => {
    drawing.text(left + GAP_PX, top + (height - lines.length * LINE) / 2 + i * LINE, line, GREY);
  });
}

function sliceOf({ data, height, width }: Crop, slice: number): Greys {
  const area = height * width;
  return { data: data.subarray(slice * area, (slice + 1) * area), height, width };
}

/** Px of the picture per pixel of the crop. */
function factorOf({ height }: Crop): number {
  return Math.max(1, Math.round(TILE_PX / height));
}

function tileWidth({ crop, grade }: CropTile): number {
  const words = grade ? Drawing.textWidth(grade.text) : 0;
  return Math.max(words, 'missing' in crop ? TILE_PX : crop.width * factorOf(crop));
}

function tileHeight({ crop }: CropTile): number {
  return 'missing' in crop ? TILE_PX : crop.height * factorOf(crop);
}

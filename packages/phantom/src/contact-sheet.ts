/**
 * A picture of a phantom dataset to look at: for each study five Sagittal T2 slices from the right foramen to the left,
 * five Sagittal T1 slices, and the axial slice of each level, with the labelled points.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError, KINDS, type Kind, LEVELS } from '@spineline/shared/domain';
import pngjs from 'pngjs';
import { takePicture } from './acquisition/imaging.ts';
import type { Plane } from './acquisition/stack.ts';
import { labelStudy, type TargetLabel } from './labels.ts';
import { Random } from './random.ts';
import { planStudy, type SeriesPlan, type StudyPlan } from './study-plan.ts';

export interface ContactSheetOptions {
  /** How many studies to show, from the first on. Default 3. */
  readonly studies?: number | undefined;
  /** Side of one picture in px. Default 256. */
  readonly tilePx?: number | undefined;
  /** Whether to mark the labelled points: red canal, green foramen, blue recess. Default true. */
  readonly marks?: boolean | undefined;
}

interface Tile {
  readonly series: SeriesPlan;
  readonly number: number;
  readonly plane: Plane;
}

const PER_ROW = 5;

/**
 * Writes a PNG. The pictures are made again from the seed that `phantom.json` records, the same numbers as in the files.
 *
 * @throws {DatasetError} where `directory` has no `phantom.json`.
 */
export async function renderContactSheet(
  directory: string,
  file: string,
  options: ContactSheetOptions = {},
): Promise<void> {
  const { seed, firstStudy, studies, awkwardStudies } = await readDescription(directory);
  const shown = Math.min(studies, options.studies ?? 3);
  const tile = options.tilePx ?? 256;
  const plans = Array.from({ length: shown }, (_, index) => planStudy(seed, firstStudy + index, awkwardStudies));
  const sheet = new pngjs.PNG({ width: PER_ROW * tile, height: KINDS.length * shown * tile });
  for (let index = 3; index < sheet.data.length; index += 4) sheet.data[index] = 255;
  plans.forEach((plan, study) => {
    const labels = options.marks === false ? [] : labelStudy(plan);
    KINDS.forEach((kind, row) => {
      tilesOf(plan, kind).forEach((one, column) => {
        drawTile(sheet, plan, one, column * tile, (study * KINDS.length + row) * tile, tile, labels);
      });
    });
  });
  await writeFile(file, pngjs.PNG.sync.write(sheet));
}

interface Description {
  readonly seed: number;
  readonly firstStudy: number;
  readonly studies: number;
  readonly awkwardStudies: boolean;
}

async function readDescription(directory: string): Promise<Description> {
  const file = join(directory, 'phantom.json');
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new DatasetError('DATASET_NOT_PHANTOM', 'the folder was not generated', { file }, { cause });
  });
  return JSON.parse(text) as Description;
}

/** The slices to show of a kind: the labelled axial ones, or five sagittal ones over the labelled range. */
function tilesOf(plan: StudyPlan, kind: Kind): Tile[] {
  const labels = labelStudy(plan);
  const all = plan.series.flatMap((series, number) =>
    series.stack.kind === kind ? series.stack.planes.map((plane) => ({ series, number, plane })) : [],
  );
  const labelled = (label: TargetLabel) =>
    all.findIndex((one) => one.series.id === label.seriesId && one.plane.instance === label.instance);
  if (kind === 'axial_t2') {
    return LEVELS.flatMap((level) => {
      const label = labels.find(({ target }) => target.task === 'ss' && target.level === level);
      const tile = label && all[labelled(label)];
      return tile ? [tile] : [];
    });
  }
  if (all.length <= PER_ROW) return all;
  // From foramen to foramen: 17 mm each way from the middle slice.
  const reach = Math.min(17 / all[0]!.series.stack.spacingMm, (all.length - 1) / 2);
  return Array.from({ length: PER_ROW }, (_, step) => {
    const at = (all.length - 1) / 2 + ((step - (PER_ROW - 1) / 2) / ((PER_ROW - 1) / 2)) * reach;
    return all[Math.round(at)]!;
  });
}

const MARKS = { scs: [255, 60, 60], nfn: [60, 230, 60], ss: [80, 150, 255] } as const;

function drawTile(
  sheet: pngjs.PNG,
  plan: StudyPlan,
  { series, number, plane }: Tile,
  left: number,
  top: number,
  size: number,
  labels: readonly TargetLabel[],
): void {
  const { stack, encoding } = series;
  const random = new Random(plan.seed, plan.index, 'noise', number, plane.instance);
  const bytes = takePicture(plan.anatomy, series, plane, random);
  const words = encoding.signed ? new Int16Array(bytes.buffer) : new Uint16Array(bytes.buffer);
  const sorted = words.slice().sort();
  const [low, high] = [sorted[Math.floor(0.01 * sorted.length)]!, sorted[Math.floor(0.993 * sorted.length)]!];
  const [betweenRows, betweenColumns] = stack.pixelSpacing;
  const [width, height] = [stack.columns * betweenColumns, stack.rows * betweenRows];
  const mmPerPx = Math.max(width, height) / (size - 2);
  const [offsetX, offsetY] = [(size - width / mmPerPx) / 2, (size - height / mmPerPx) / 2];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const column = ((x - offsetX + 0.5) * mmPerPx) / betweenColumns - 0.5;
      const row = ((y - offsetY + 0.5) * mmPerPx) / betweenRows - 0.5;
      const value = interpolate(words, stack.rows, stack.columns, row, column);
      const grey = value === undefined ? 0 : Math.max(0, Math.min(255, (255 * (value - low)) / (high - low)));
      const at = 4 * ((top + y) * sheet.width + left + x);
      sheet.data.fill(grey, at, at + 3);
    }
  }
  for (const label of labels) {
    if (label.seriesId !== series.id || label.instance !== plane.instance) continue;
    const x = Math.round(left + offsetX + ((label.x + 0.5) * betweenColumns) / mmPerPx - 0.5);
    const y = Math.round(top + offsetY + ((label.y + 0.5) * betweenRows) / mmPerPx - 0.5);
    for (const [dx, dy] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const) {
      sheet.data.set(MARKS[label.target.task], 4 * ((y + dy) * sheet.width + x + dx));
    }
  }
}

function interpolate(
  words: Int16Array | Uint16Array,
  rows: number,
  columns: number,
  row: number,
  column: number,
): number | undefined {
  if (row < 0 || column < 0 || row > rows - 1 || column > columns - 1) return undefined;
  const r = Math.min(rows - 2, Math.floor(row));
  const c = Math.min(columns - 2, Math.floor(column));
  const [tr, tc] = [row - r, column - c];
  const at = r * columns + c;
  const upper = words[at]! * (1 - tc) + words[at + 1]! * tc;
  const lower = words[at + columns]! * (1 - tc) + words[at + columns + 1]! * tc;
  return upper * (1 - tr) + lower * tr;
}

/**
 * Draws an overview picture of a phantom dataset. Each study has a row of sagittal slices, three T2 around the midline
 * and two T1 through the foramina, and a row with the axial slices of the five levels, with labelled points and
 * severities.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DatasetError,
  type Kind,
  LEVELS,
  type Level,
  levelLabel,
  SERIES_DESCRIPTIONS,
  type Side,
} from '@spineline/shared/domain';
import {
  BLACK,
  type Colour,
  Drawing,
  GRADE_COLOURS,
  GRADE_WORDS,
  GREY,
  LINE_PX,
  PAPER,
  WHITE,
} from '@spineline/shared/reports';
import { describeArtefacts } from './acquisition/artefacts.ts';
import { takePicture } from './acquisition/imaging.ts';
import { describeMetal } from './acquisition/metal.ts';
import { type Plane, pixelOf } from './acquisition/stack.ts';
import type { Vector } from './anatomy/vector.ts';
import { annotate } from './annotator.ts';
import { AWKWARD_MEANINGS } from './awkward.ts';
import { labelStudy, type TargetLabel } from './labels.ts';
import { PHANTOM_NOTICE } from './notice.ts';
import { Random } from './random.ts';
import { planStudy, type SeriesPlan, type StudyPlan } from './study-plan.ts';
import type { Variation } from './variation.ts';

export interface ContactSheetOptions {
  /** How many studies to show, starting with the first. Default 3. */
  readonly studies?: number | undefined;
}

/** Sizes in px for display at 100 %. */
const TILE_PX = 320;
const SAGITTAL_PX = 400;
const GAP_PX = 4;
const LINE = 2 * LINE_PX;
const PER_ROW = 5;
/** Width of a tile in mm. */
const SAGITTAL_MM = 168;
const AXIAL_MM = 128;
const HEAD_PX = 2 * LINE + 6;
const FOOT_PX = LINE + 12;
const AXIAL_LINES = 4;
const STUDY_PX = HEAD_PX + SAGITTAL_PX + LINE + TILE_PX + AXIAL_LINES * LINE + 5 * GAP_PX;

/**
 * Writes a PNG. The images are made again from the seed in `phantom.json`, with the same values as in the files, but as
 * acquired: neither turned nor padded.
 *
 * @throws {DatasetError} where `directory` has no `phantom.json`.
 */
export async function renderContactSheet(
  directory: string,
  file: string,
  options: ContactSheetOptions = {},
): Promise<void> {
  const { seed, firstStudy, studies, awkwardStudies, variation } = await readDescription(directory);
  const shown = Math.min(studies, options.studies ?? 3);
  const sheet = new Drawing(PER_ROW * (TILE_PX + GAP_PX) + GAP_PX, shown * STUDY_PX + FOOT_PX, PAPER);
  for (let study = 0; study < shown; study++) {
    drawStudy(sheet, planStudy(seed, firstStudy + study, awkwardStudies, variation), study * STUDY_PX);
  }
  drawFoot(sheet, shown * STUDY_PX + 8);
  await writeFile(file, sheet.encode());
}

interface Description {
  readonly seed: number;
  readonly firstStudy: number;
  readonly studies: number;
  readonly awkwardStudies: boolean;
  readonly variation?: Variation;
}

async function readDescription(directory: string): Promise<Description> {
  const file = join(directory, 'phantom.json');
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new DatasetError('DATASET_NOT_PHANTOM', 'the folder was not generated', { file }, { cause });
  });
  return JSON.parse(text) as Description;
}

function drawFoot(sheet: Drawing, top: number): void {
  let left = GAP_PX;
  sheet.text(left, top, PHANTOM_NOTICE, WHITE);
  left = sheet.width - GAP_PX - Drawing.textWidth('ungraded ');
  sheet.text(left, top, 'ungraded', GREY);
  for (const severity of ['severe', 'moderate', 'normal_mild'] as const) {
    const text = `${GRADE_WORDS[severity]}${severity === 'normal_mild' ? '/mild' : ''}  `;
    left -= Drawing.textWidth(text);
    sheet.text(left, top, text, GRADE_COLOURS[severity]);
  }
}

/** A study's labels and where they are drawn. */
interface Sheet {
  readonly drawing: Drawing;
  readonly plan: StudyPlan;
  readonly labels: readonly TargetLabel[];
}

function drawStudy(drawing: Drawing, plan: StudyPlan, top: number): void {
  const exact = labelStudy(plan);
  const labels = annotate(plan, exact).filter(({ target }) => !plan.ungraded.has(target.name));
  const sheet: Sheet = { drawing, plan, labels };
  drawHead(drawing, plan, top);
  const sagittal = top + HEAD_PX + GAP_PX;
  const views = [...aroundMidline(plan, exact), ...throughForamina(plan, exact)];
  views.forEach((view, column) => {
    const left = GAP_PX + column * (TILE_PX + GAP_PX);
    drawView(sheet, view, left, sagittal, SAGITTAL_PX, SAGITTAL_MM);
    drawing.text(left + 2, sagittal + SAGITTAL_PX + 4, view.caption, view.slice ? WHITE : GREY);
  });
  const axial = sagittal + SAGITTAL_PX + LINE + GAP_PX;
  LEVELS.forEach((level, column) => {
    const left = GAP_PX + column * (TILE_PX + GAP_PX);
    const view = axialAt(plan, exact, level);
    drawView(sheet, view, left, axial, TILE_PX, AXIAL_MM);
    drawing.text(left + 2, axial + TILE_PX + 4, view.caption, view.slice ? WHITE : GREY);
    drawSeverities(sheet, level, left + 2, axial + TILE_PX + 4 + LINE);
  });
}

function drawHead(drawing: Drawing, plan: StudyPlan, top: number): void {
  drawing.fill(0, top, drawing.width, 2, GREY);
  const metal = plan.series[0]?.artefacts.metal;
  const remarks = [
    ...(plan.awkward ? [`awkward: ${AWKWARD_MEANINGS[plan.awkward]}`] : []),
    ...(metal ? [describeMetal(metal)] : []),
    ...plan.series.flatMap(({ stack, artefacts }) =>
      describeArtefacts(artefacts).map((what) => `${SERIES_DESCRIPTIONS[stack.kind]}: ${what}`),
    ),
  ];
  drawing.text(GAP_PX, top + 8, `Study ${plan.id}   seed ${plan.seed}, index ${plan.index}`, WHITE);
  drawing.text(GAP_PX, top + 8 + LINE, remarks.join('   ') || 'plain, without artefacts', GREY);
}

/** Draws the severities of a level's five targets, left and right as in the image. */
function drawSeverities({ drawing, plan }: Sheet, level: Level, left: number, top: number): void {
  const at = (task: string, side?: Side) =>
    plan.severities.find(({ target }) => target.level === level && target.task === task && target.side === side)!;
  const lines = [
    { head: 'SCS ', parts: [{ head: '', ...at('scs') }] },
    ...(['ss', 'nfn'] as const).map((task) => ({
      head: task === 'ss' ? 'SS  ' : 'NFN ',
      parts: [
        { head: 'R ', ...at(task, 'right') },
        { head: 'L ', ...at(task, 'left') },
      ],
    })),
  ];
  lines.forEach(({ head, parts }, row) => {
    let x = left;
    const write = (text: string, colour: Colour) => {
      drawing.text(x, top + row * LINE, text, colour);
      x += Drawing.textWidth(text);
    };
    write(head, WHITE);
    parts.forEach((part, place) => {
      write(part.head, WHITE);
      const colour = plan.ungraded.has(part.target.name) ? GREY : GRADE_COLOURS[part.severity];
      write(GRADE_WORDS[part.severity].padEnd(place + 1 < parts.length ? 10 : 0), colour);
    });
  });
}

interface Slice {
  readonly series: SeriesPlan;
  /** Index of the series in the study. */
  readonly number: number;
  readonly plane: Plane;
}

/** A slice, or none, and the point in body coordinates at the middle of its tile. */
interface View {
  readonly caption: string;
  readonly slice: Slice | undefined;
  readonly middle: Vector;
}

/** The slices of a kind in the order of their series and positions. */
function slicesOf(plan: StudyPlan, kind: Kind): Slice[] {
  return plan.series.flatMap((series, number) =>
    series.stack.kind === kind ? series.stack.planes.map((plane) => ({ series, number, plane })) : [],
  );
}

/** Index of a label's slice in `slices`. */
function placeOf(slices: readonly Slice[], label: TargetLabel): number {
  return slices.findIndex(({ series, plane }) => series.id === label.seriesId && plane.instance === label.instance);
}

function captionOf(text: string, kind: Kind, slice: Slice | undefined): string {
  return slice ? `${text} #${slice.plane.instance}` : `no ${SERIES_DESCRIPTIONS[kind]} slice`;
}

function middleOfLevels(plan: StudyPlan): Vector {
  const points = LEVELS.map((level) => plan.anatomy.landmarks[level].canal);
  const mean = (axis: 0 | 1 | 2) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  // Slightly in front of the canal and above its middle, so that bodies and conus are visible.
  return [mean(0), mean(1) - 6, mean(2) + 6];
}

/** The Sagittal T2 slice with most canal labels, and its neighbours, from the patient's right to left. */
function aroundMidline(plan: StudyPlan, labels: readonly TargetLabel[]): View[] {
  const slices = slicesOf(plan, 'sagittal_t2');
  const places = labels.filter(({ target }) => target.task === 'scs').map((label) => placeOf(slices, label));
  const middle = places.length ? mostFrequent(places) : slices.length >> 1;
  return [-1, 0, 1].map((step) => {
    const slice = slices[middle + step];
    const name = slice?.series.stack.sequence === 'stir' ? 'STIR' : 'T2';
    return {
      slice,
      caption: captionOf(`Sagittal ${name}${step === 0 ? ' mid' : ''}`, 'sagittal_t2', slice),
      middle: middleOfLevels(plan),
    };
  });
}

/** For each side the Sagittal T1 slice with most labels of its foramina. */
function throughForamina(plan: StudyPlan, labels: readonly TargetLabel[]): View[] {
  const slices = slicesOf(plan, 'sagittal_t1');
  return (['right', 'left'] as const).map((side) => {
    const own = labels.filter(({ target }) => target.task === 'nfn' && target.side === side);
    const slice = own.length ? slices[mostFrequent(own.map((label) => placeOf(slices, label)))] : undefined;
    return { slice, caption: captionOf(`Sagittal T1 ${side}`, 'sagittal_t1', slice), middle: middleOfLevels(plan) };
  });
}

function axialAt(plan: StudyPlan, labels: readonly TargetLabel[], level: Level): View {
  const slices = slicesOf(plan, 'axial_t2');
  const label = labels.find(({ target }) => target.task === 'ss' && target.level === level);
  const slice = label && slices[placeOf(slices, label)];
  const [x, y, z] = plan.anatomy.landmarks[level].canal;
  return { slice, caption: captionOf(`${levelLabel(level)} axial T2`, 'axial_t2', slice), middle: [x, y - 4, z] };
}

function mostFrequent(values: readonly number[]): number {
  const count = (value: number) => values.filter((one) => one === value).length;
  return values.reduce((a, b) => (count(b) > count(a) ? b : a));
}

/** Draws a slice around a point, with labels, directions and, in sagittal slices, names of the levels. */
function drawView(sheet: Sheet, view: View, left: number, top: number, height: number, widthMm: number): void {
  const { drawing, plan, labels } = sheet;
  drawing.fill(left, top, TILE_PX, height, BLACK);
  if (!view.slice) return;
  const { series, plane } = view.slice;
  const { stack } = series;
  const mmPerPx = widthMm / TILE_PX;
  const middle = pixelOf(stack, plane, view.middle);
  const [pxPerRow, pxPerColumn] = stack.pixelSpacing.map((spacing) => spacing / mmPerPx) as [number, number];
  drawPixels(drawing, plan, view.slice, { left, top, height, middle, pxPerRow, pxPerColumn });
  const toTile = (point: { x: number; y: number }) => ({
    x: left + TILE_PX / 2 + (point.x - middle.x) * pxPerColumn,
    y: top + height / 2 + (point.y - middle.y) * pxPerRow,
  });
  const axial = stack.kind === 'axial_t2';
  const letter = (text: string, x: number, y: number) => drawing.text(x, y, text, GREY);
  letter(axial ? 'R' : 'A', left + 4, top + height / 2 - 7);
  letter(axial ? 'L' : 'P', left + TILE_PX - 14, top + height / 2 - 7);
  if (!axial) {
    for (const level of LEVELS) {
      const { y } = toTile(pixelOf(stack, plane, plan.anatomy.landmarks[level].canal));
      drawing.text(left + 24, Math.round(y) - 7, levelLabel(level), WHITE);
    }
  }
  for (const label of labels) {
    if (label.seriesId !== series.id || label.instance !== plane.instance) continue;
    const { severity } = plan.severities.find(({ target }) => target.name === label.target.name)!;
    const { x, y } = toTile(label);
    drawing.ring(x, y, axial ? 13 : 8, GRADE_COLOURS[severity]);
  }
}

interface Placement {
  readonly left: number;
  readonly top: number;
  readonly height: number;
  readonly middle: { readonly x: number; readonly y: number };
  readonly pxPerRow: number;
  readonly pxPerColumn: number;
}

/** Draws a slice's pixels, with a window for the part in the tile. */
function drawPixels(drawing: Drawing, plan: StudyPlan, { series, number, plane }: Slice, place: Placement): void {
  const { stack, encoding } = series;
  const { left, top, height, middle, pxPerRow, pxPerColumn } = place;
  const random = new Random(plan.seed, plan.index, 'noise', number, plane.instance);
  const bytes = takePicture(plan.anatomy, series, plane, random);
  const words = encoding.signed ? new Int16Array(bytes.buffer) : new Uint16Array(bytes.buffer);
  const values = new Float32Array(TILE_PX * height).fill(Number.NaN);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < TILE_PX; x++) {
      const column = middle.x + (x + 0.5 - TILE_PX / 2) / pxPerColumn;
      const row = middle.y + (y + 0.5 - height / 2) / pxPerRow;
      values[y * TILE_PX + x] = interpolate(words, stack.rows, stack.columns, row, column) ?? Number.NaN;
    }
  }
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  const share = (of: number) => sorted[Math.floor(of * (sorted.length - 1))]!;
  const [low, high] = [share(0.01), share(0.99)];
  values.forEach((value, index) => {
    if (Number.isNaN(value)) return;
    const grey = Math.max(0, Math.min(255, (255 * (value - low)) / (high - low)));
    drawing.dot(left + (index % TILE_PX), top + Math.floor(index / TILE_PX), [grey, grey, grey]);
  });
}

/** Bilinear; `undefined` outside the slice. */
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

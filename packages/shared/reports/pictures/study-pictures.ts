/**
 * Pictures of a study of a run: its crops, which are in the store, and its slices with the points that were found. For
 * slices the DICOM files are read again from their source.
 */

import { openImage } from '../../dicom/index.ts';
import {
  ArtefactDamagedError,
  ConfigError,
  gradeOf,
  LEVELS,
  type Level,
  levelLabel,
  ObjectNotFoundError,
  SIDES,
  type Side,
  STEPS,
  SpinelineError,
  TARGETS,
  type Target,
  targetOfName,
} from '../../domain/index.ts';
import type { StudyResult, TargetResult } from '../../runs/index.ts';
import type { SourceReader } from '../../sources/index.ts';
import {
  type CropArray,
  CropsArtefact,
  type IndexedSlice,
  REGIONS_FILE,
  SeriesIndex,
  StoredCrops,
  sideRow,
} from '../../stages/index.ts';
import { digestBytes, type StageOutputs } from '../../store/index.ts';
import { type CropColumn, type CropTile, drawCropSheet, drawTargetCrops } from './crop-pictures.ts';
import type { Drawing } from './drawing.ts';
import { encodePicture, type PictureLine, type PictureWords } from './frame.ts';
import { GRADE_COLOURS, GRADE_WORDS, GREY } from './palette.ts';
import { drawSlice, type Marker, type SliceView } from './slice-picture.ts';

/** A picture that can be made. */
export type Picture =
  | { readonly of: 'crops' }
  | { readonly of: 'crop'; readonly target: Target }
  | { readonly of: 'sagittal'; readonly task: 'scs' | 'nfn'; readonly side: Side | undefined }
  | { readonly of: 'axial'; readonly level: Level };

export const PICTURES = [
  'crops',
  'crop:<target>',
  'sagittal_t2',
  'sagittal_t1_left',
  'sagittal_t1_right',
  'axial_t2:<level>',
] as const;

/** Parses the argument of `--picture`. @throws {ConfigError} for any other text. */
export function parsePicture(text: string): Picture {
  if (text === 'crops') return { of: 'crops' };
  if (text === 'sagittal_t2') return { of: 'sagittal', task: 'scs', side: undefined };
  const side = SIDES.find((one) => text === `sagittal_t1_${one}`);
  if (side) return { of: 'sagittal', task: 'nfn', side };
  const [what, which] = [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)];
  const target = what === 'crop' ? targetOfName(which) : undefined;
  if (target) return { of: 'crop', target };
  const level = what === 'axial_t2' ? LEVELS.find((one) => one === which) : undefined;
  if (level) return { of: 'axial', level };
  throw new ConfigError(`${text} is not a picture`, {
    expected: `one of ${PICTURES.join(', ')}`,
    hint: `<target> is a name from the results, such as ${TARGETS.at(-1)!.name}; <level> is one of ${LEVELS.join(', ')}`,
  });
}

/** What pictures are made from. */
export interface PictureSources {
  readonly outputs: StageOutputs;
  readonly sources: SourceReader;
}

/**
 * A picture as a PNG file, with the notice of the result in it.
 *
 * @throws {SpinelineError} `PICTURE_IMPOSSIBLE` for a view that the study does not have; `OUTPUT_GONE` if a needed
 *   output is missing or damaged in the store; `SOURCE_GONE`, `SOURCE_CHANGED` if a DICOM file is missing or is not the
 *   one that stage 1 read.
 */
export async function makePicture(picture: Picture, result: StudyResult, from: PictureSources): Promise<Buffer> {
  const { drawing, what } = await draw(picture, result, from);
  return encodePicture(drawing, wordsOf(result, what));
}

interface Drawn {
  readonly drawing: Drawing;
  readonly what: string;
}

function draw(picture: Picture, result: StudyResult, { outputs, sources }: PictureSources): Promise<Drawn> {
  if (picture.of === 'crops') return cropSheet(result, outputs);
  if (picture.of === 'crop') return targetCrops(picture.target, result, outputs);
  return slicePicture(picture, result, outputs, sources);
}

function wordsOf({ study, notice }: StudyResult, what: string): PictureWords {
  return { study, what, notice };
}

/** The right side of the patient is on the left, as in the slices. */
const SIDES_SHOWN = ['right', 'left'] as const;

async function cropSheet(result: StudyResult, outputs: StageOutputs): Promise<Drawn> {
  const crops = await CropReader.open(result, outputs);
  const column = (
    title: CropColumn['title'],
    array: CropArray,
    rowOf: (level: number) => number,
    graded?: (target: TargetResult) => boolean,
  ): CropColumn => {
    const tiles: CropTile[] = [];
    for (const [i, level] of LEVELS.entries()) {
      const target = graded && result.targets.find((one) => one.level === level && graded(one));
      tiles.push({ crop: crops.row(array, rowOf(i)), grade: target && gradeLine(target) });
    }
    return { title, tiles };
  };
  const same = (level: number) => level;
  const columns = [
    column(['SCS', 'sagittal T2'], 'sagittal_t2', same, (one) => one.condition === 'spinal_canal_stenosis'),
    column(['SCS', 'axial T2'], 'axial_middle', same),
  ];
  for (const side of SIDES_SHOWN) {
    const row = (level: number) => sideRow(side, level);
    const graded = (one: TargetResult) => one.condition === `${side}_neural_foraminal_narrowing`;
    columns.push(column([`NFN ${side}`, 'sagittal T1'], 'sagittal_t1', row, graded));
  }
  for (const side of SIDES_SHOWN) {
    const row = (level: number) => sideRow(side, level);
    const graded = (one: TargetResult) => one.condition === `${side}_subarticular_stenosis`;
    columns.push(column([`SS ${side}, also NFN`, 'axial T2'], 'axial_sides', row, graded));
  }
  const what = 'crops as the severity models saw them: the middle slice of each, and the most probable grade';
  return { drawing: drawCropSheet(columns, wordsOf(result, what)), what };
}

async function targetCrops(target: Target, result: StudyResult, outputs: StageOutputs): Promise<Drawn> {
  const crops = await CropReader.open(result, outputs);
  const level = LEVELS.indexOf(target.level);
  const side = target.side && sideRow(target.side, level);
  const sagittal = target.task === 'scs' ? (['sagittal_t2', 'Sagittal T2/STIR', level] as const) : undefined;
  const foraminal = target.task === 'nfn' ? (['sagittal_t1', 'Sagittal T1', side!] as const) : undefined;
  const axial =
    side === undefined ? (['axial_middle', 'Axial T2', level] as const) : (['axial_sides', 'Axial T2', side] as const);
  const views = [sagittal, foraminal, axial].filter((view) => view !== undefined);
  const rows = [];
  for (const [array, title, row] of views) rows.push({ title, crop: crops.row(array, row) });
  const found = result.targets.find(({ name }) => name === target.name)!;
  const what = `crops of ${target.name}`;
  const lines = [severityLine(found)];
  return { drawing: drawTargetCrops(rows, lines, wordsOf(result, what)), what };
}

/** The crops of a study in the store. */
class CropReader {
  readonly #crops: CropsArtefact;
  readonly #stored: StoredCrops;

  private constructor(crops: CropsArtefact, bytes: Uint8Array) {
    this.#crops = crops;
    this.#stored = new StoredCrops(crops, bytes);
  }

  /**
   * @throws {SpinelineError} `OUTPUT_GONE` if the crops of the study are not in the store any more;
   *   `PICTURE_IMPOSSIBLE` if an earlier version of spineline stored them.
   */
  static async open(result: StudyResult, outputs: StageOutputs): Promise<CropReader> {
    const { key } = result.steps.crops;
    const { made } = await whatIsKept(result, 'crops.json', () => outputs.provenance('stage2-crops', key));
    if (made.contract !== STEPS.crops.contract) {
      throw new SpinelineError(
        'PICTURE_IMPOSSIBLE',
        'permanent',
        'the crops were stored by another version of spineline',
        {
          study: result.study,
          expected: `contract ${STEPS.crops.contract}`,
          found: `contract ${made.contract}`,
          hint: 'a new run over the dataset cuts them again',
        },
      );
    }
    const read = <T>(name: string, of: () => Promise<T>) => whatIsKept(result, name, of);
    const crops = await read('crops.json', () => outputs.readJson('stage2-crops', key, 'crops.json', CropsArtefact));
    const bytes = await read(REGIONS_FILE, () => outputs.read('stage2-crops', key, REGIONS_FILE));
    return new CropReader(crops, bytes);
  }

  row(array: CropArray, row: number): CropTile['crop'] {
    const data = this.#stored.row(array, row);
    if (!data) return { missing: 'the study has no such view' };
    const [height, width] = this.#crops.arrays[array]!.to;
    return { data, slices: data.length / (height * width), height, width };
  }
}

async function slicePicture(
  picture: Extract<Picture, { of: 'sagittal' | 'axial' }>,
  result: StudyResult,
  outputs: StageOutputs,
  sources: SourceReader,
): Promise<Drawn> {
  const points = picture.of === 'sagittal' ? sagittalPoints(picture, result) : axialPoints(picture.level, result);
  const shown = mostPoints(points);
  const name =
    picture.of === 'sagittal'
      ? `${picture.task === 'scs' ? 'Sagittal T2/STIR' : `Sagittal T1 ${picture.side}`}`
      : `Axial T2 at ${levelLabel(picture.level)}`;
  if (!shown) {
    throw new SpinelineError('PICTURE_IMPOSSIBLE', 'permanent', `${name}: no slice was found`, {
      study: result.study,
      hint: 'for the reason see the flags: spineline show without --picture',
    });
  }
  const { key } = result.steps.stage1;
  const index = await whatIsKept(result, 'series-index.json', () =>
    outputs.readJson('stage1', key, 'series-index.json', SeriesIndex),
  );
  const series = index.series.find((one) => one.series === shown.series);
  const place = series?.slices.findIndex(({ instance }) => instance === shown.instance) ?? -1;
  if (!series || place < 0)
    throw new RangeError(`series ${shown.series} has no instance ${shown.instance} in its index`);
  const slice = series.slices[place]!;
  const view = await readSlice(result, slice, sources);
  const here = (point: FoundPoint) => point.series === shown.series && point.instance === shown.instance;
  const markers = points.map((point): Marker => {
    const { severity } = gradeOf(point.target.severities);
    const { x, y, label, beside } = point;
    return { x, y, label, beside, colour: here(point) ? GRADE_COLOURS[severity] : GREY };
  });
  const lines = points.map((point) => {
    const line = severityLine(point.target, point.label);
    return here(point) ? line : { text: `${line.text}  in instance ${point.instance}, not this one`, colour: GREY };
  });
  const what = `${name}: instance ${slice.instance}, slice ${place + 1} of ${series.slices.length}`;
  return { drawing: drawSlice(view, markers, lines, wordsOf(result, what)), what };
}

/** The point of a target in a slice. */
interface FoundPoint {
  readonly series: string;
  readonly instance: number;
  readonly x: number;
  readonly y: number;
  readonly label: string;
  readonly beside: Marker['beside'];
  readonly target: TargetResult;
}

function sagittalPoints({ task, side }: Extract<Picture, { of: 'sagittal' }>, { targets }: StudyResult): FoundPoint[] {
  const condition = task === 'scs' ? 'spinal_canal_stenosis' : `${side}_neural_foraminal_narrowing`;
  return targets
    .filter((one) => one.condition === condition)
    .flatMap((target) =>
      target.slice ? [{ ...target.slice, label: levelLabel(target.level), beside: 'right', target }] : [],
    );
}

/** The points of the two subarticular recesses and of the canal between them. */
function axialPoints(level: Level, { targets }: StudyResult): FoundPoint[] {
  const labels = {
    right_subarticular_stenosis: { label: 'SS right', beside: 'left' },
    spinal_canal_stenosis: { label: 'SCS', beside: 'above' },
    left_subarticular_stenosis: { label: 'SS left', beside: 'right' },
  } as const;
  return Object.entries(labels).flatMap(([condition, words]) => {
    const target = targets.find((one) => one.condition === condition && one.level === level);
    return target?.axial ? [{ ...target.axial, ...words, target }] : [];
  });
}

/** A point in the slice with the most points. If several slices have equally many, the first. */
function mostPoints(points: readonly FoundPoint[]): FoundPoint | undefined {
  const count = ({ series, instance }: FoundPoint) =>
    points.filter((one) => one.series === series && one.instance === instance).length;
  return points.reduce<FoundPoint | undefined>(
    (best, one) => (best && count(best) >= count(one) ? best : one),
    undefined,
  );
}

async function readSlice(result: StudyResult, slice: IndexedSlice, sources: SourceReader): Promise<SliceView> {
  const { location, sha256, rows, columns, spacing, orientation } = slice;
  const context = { study: result.study, file: location };
  const hint = 'the crops are in the store and can still be shown: --picture crops';
  let bytes: Uint8Array;
  try {
    bytes = await sources.read(location);
  } catch (cause) {
    if (!(cause instanceof SpinelineError) || cause.kind === 'transient') throw cause;
    const found = cause instanceof ObjectNotFoundError ? 'no file there' : cause.summary;
    throw new SpinelineError(
      'SOURCE_GONE',
      'permanent',
      'the DICOM file of this slice cannot be read any more',
      {
        ...{ ...context, found, hint },
      },
      { cause },
    );
  }
  const found = digestBytes(bytes);
  if (found !== sha256) {
    throw new SpinelineError('SOURCE_CHANGED', 'permanent', 'the DICOM file is not the one that stage 1 read', {
      ...{ ...context, expected: `SHA-256 ${sha256}`, found: `SHA-256 ${found}`, hint },
    });
  }
  const { values, padding } = await openImage(bytes, context).frame(slice.frame);
  return { image: { data: values, padding, height: rows, width: columns }, spacing, orientation };
}

/** Reads a stored object of a result. @throws {SpinelineError} `OUTPUT_GONE` if it is missing or damaged. */
export async function whatIsKept<T>(
  { study }: Pick<StudyResult, 'study'>,
  name: string,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const gone = cause instanceof ObjectNotFoundError;
    if (!gone && !(cause instanceof ArtefactDamagedError)) throw cause;
    throw new SpinelineError(
      'OUTPUT_GONE',
      'permanent',
      gone ? `${name} is not in the store any more` : `${name} is damaged or gone in the store`,
      { study, found: cause.message, hint: 'a new run over the dataset makes it again' },
      { cause },
    );
  }
}

function gradeLine({ severities, classShares }: TargetResult): PictureLine {
  const { severity, probability } = gradeOf(severities);
  const text = `${GRADE_WORDS[severity]} ${probability.toFixed(2)}${classShares ? ' (shares)' : ''}`;
  return { text, colour: classShares ? GREY : GRADE_COLOURS[severity] };
}

/** A line such as `L4/L5  moderate   normal 0.20  moderate 0.70  severe 0.10`. */
function severityLine({ severities, classShares }: TargetResult, label?: string): PictureLine {
  const { severity } = gradeOf(severities);
  const [normal, moderate, severe] = severities.map((value) => value.toFixed(2));
  const head = label === undefined ? '' : `${label.padEnd(9)} `;
  const text = `${head}${GRADE_WORDS[severity].padEnd(9)} ${normal} ${moderate} ${severe}${classShares ? '  class shares' : ''}`;
  return { text, colour: classShares ? GREY : GRADE_COLOURS[severity] };
}

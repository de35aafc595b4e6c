/**
 * Reads the challenge's `train_label_coordinates.csv`: the slice and the point of each labelled target.
 */

import { quoted, readCsvTable } from '../dataset/index.ts';
import {
  CONDITIONS,
  type Condition,
  conditionLabel,
  LEVELS,
  type Level,
  levelLabel,
  TARGETS,
  type Target,
} from '../domain/index.ts';

export interface LabelCoordinate {
  readonly study: string;
  readonly series: string;
  /** Instance number. */
  readonly instance: number;
  readonly target: Target;
  /** Column, in px of the slice; the centre of the first pixel is 0. */
  readonly x: number;
  /** Row, in px of the slice. */
  readonly y: number;
}

const CONDITION_OF_LABEL = new Map<string, Condition>(CONDITIONS.map((one) => [conditionLabel(one), one]));
const LEVEL_OF_LABEL = new Map<string, Level>(LEVELS.map((one) => [levelLabel(one), one]));

/**
 * Reads `study_id,series_id,instance_number,condition,level,x,y`.
 *
 * @throws {DatasetError} `COORDINATES_INVALID` with line numbers, for unknown words and invalid numbers.
 */
export async function readCoordinates(path: string): Promise<LabelCoordinate[]> {
  const table = await readCsvTable(path, {
    required: ['study_id', 'series_id', 'instance_number', 'condition', 'level', 'x', 'y'],
    code: 'COORDINATES_INVALID',
    hint: 'such as 4003253,702807833,8,Spinal Canal Stenosis,L1/L2,322.8,227.9',
  });
  const coordinates: LabelCoordinate[] = [];
  for (const { line, cells } of table.rows) {
    const before = table.faults.total;
    const condition = CONDITION_OF_LABEL.get(cells.condition);
    const level = LEVEL_OF_LABEL.get(cells.level);
    const target = TARGETS.find((one) => one.condition === condition && one.level === level);
    if (condition === undefined) table.faults.add(line, `unknown condition ${quoted(cells.condition)}`);
    if (level === undefined) table.faults.add(line, `unknown level ${quoted(cells.level)}`);
    if (cells.study_id === '' || cells.series_id === '') table.faults.add(line, 'no study_id or no series_id');
    const [instance, x, y] = [numberOf(cells.instance_number), numberOf(cells.x), numberOf(cells.y)];
    if (!Number.isInteger(instance)) {
      table.faults.add(line, `instance_number ${quoted(cells.instance_number)} is no whole number`);
    }
    if (!Number.isFinite(x) || !Number.isFinite(y)) table.faults.add(line, 'x or y is no number');
    if (target === undefined || table.faults.total > before) continue;
    coordinates.push({ study: cells.study_id, series: cells.series_id, instance, target, x, y });
  }
  table.check();
  return coordinates;
}

/** The number in a cell; NaN for a blank cell and any other text. */
function numberOf(cell: string): number {
  return cell === '' ? Number.NaN : Number(cell);
}

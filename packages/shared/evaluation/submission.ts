/**
 * The challenge's submission: `row_id,normal_mild,moderate,severe`, 25 rows per study in alphabetical order, studies in
 * ascending order of their numbers. Source: docs/pipeline.md, "Output".
 */

import { stringify } from 'csv-stringify/sync';
import { quoted, readCsvTable } from '../dataset/index.ts';
import { rowId, SEVERITIES, TARGETS, type Target } from '../domain/index.ts';

/** Probabilities in the order of `SEVERITIES`: normal/mild, moderate, severe. */
export type Probabilities = readonly [number, number, number];

export interface SubmissionRow {
  readonly study: string;
  readonly target: Target;
  readonly probabilities: Probabilities;
}

export const SUBMISSION_HEADER = `row_id,${SEVERITIES.join(',')}\n`;

/** Significant digits of a printed probability: a row of three then sums to 1 within 1.5e-9. */
const DIGITS = 9;

/** How far from 1 the sum of a row may be. A larger difference is an error, not rounding. */
const SUM_TOLERANCE = 1e-3;

/**
 * The 25 lines of one study, without the header. Rows that sum to 1 within 1e-3 are scaled to sum to 1. Values have
 * nine significant digits, so that small probabilities stay exact; they matter most in the log loss.
 *
 * @param rows in any order, one for each of the 25 targets.
 * @throws {RangeError} if a target is missing or repeated, or its values are no probabilities.
 */
export function submissionLines(study: string, rows: Iterable<SubmissionRow>): string {
  const byName = new Map<string, Probabilities>();
  for (const { target, probabilities } of rows) {
    if (byName.has(target.name)) throw new RangeError(`study ${study}: ${target.name} twice in a submission`);
    byName.set(target.name, probabilities);
  }
  const lines = TARGETS.map((target) => {
    const probabilities = byName.get(target.name);
    const fault = probabilities ? faultOf(probabilities, SUM_TOLERANCE) : 'is missing';
    if (!probabilities || fault) throw new RangeError(`study ${study}: ${target.name} ${fault} in a submission`);
    const sum = probabilities[0] + probabilities[1] + probabilities[2];
    return [rowId(study, target), ...probabilities.map((value) => String(Number((value / sum).toPrecision(DIGITS))))];
  });
  return stringify(lines);
}

/**
 * Reads a submission. Rows may be in any order, and a study may lack rows.
 *
 * @param sumTolerance how far from 1 the sum of a row may be; default 1e-3.
 * @throws {DatasetError} `SUBMISSION_INVALID` with line numbers, for a row id that names no target, a repeated one, or
 *   values that are no probabilities.
 */
export async function readSubmission(
  path: string,
  { sumTolerance = SUM_TOLERANCE }: { sumTolerance?: number } = {},
): Promise<SubmissionRow[]> {
  const table = await readCsvTable(path, {
    required: ['row_id', ...SEVERITIES],
    code: 'SUBMISSION_INVALID',
    hint: 'a row is {study}_{condition}_{level} and three probabilities that sum to 1',
  });
  const rows: SubmissionRow[] = [];
  const lines = new Map<string, number>();
  for (const { line, cells } of table.rows) {
    const parsed = parseRowId(cells.row_id);
    if (parsed === undefined) {
      table.faults.add(line, `${quoted(cells.row_id)} names no target`);
      continue;
    }
    const first = lines.get(cells.row_id);
    if (first !== undefined) table.faults.add(line, `${quoted(cells.row_id)} twice, first on line ${first}`);
    lines.set(cells.row_id, line);
    const [a, b, c] = SEVERITIES.map((severity) => (cells[severity] === '' ? Number.NaN : Number(cells[severity])));
    const probabilities: Probabilities = [a!, b!, c!];
    const fault = faultOf(probabilities, sumTolerance);
    if (fault !== undefined) table.faults.add(line, `${quoted(cells.row_id)} ${fault}`);
    rows.push({ ...parsed, probabilities });
  }
  if (table.rows.length === 0 && table.faults.total === 0) table.faults.add(undefined, 'no rows');
  table.check();
  return rows;
}

/** Study and target of a `row_id`. The study id may contain underscores. */
export function parseRowId(text: string): { study: string; target: Target } | undefined {
  const target = TARGETS.find(({ name }) => text.endsWith(`_${name}`));
  const study = target && text.slice(0, -target.name.length - 1);
  return target && study ? { study, target } : undefined;
}

/** The error in three probabilities; `undefined` if there is none. */
function faultOf(probabilities: Probabilities, sumTolerance: number): string | undefined {
  if (!probabilities.every(Number.isFinite)) return 'has a value that is no number';
  if (probabilities.some((value) => value < 0 || value > 1 + sumTolerance)) return 'has a value outside [0, 1]';
  const sum = probabilities[0] + probabilities[1] + probabilities[2];
  return Math.abs(sum - 1) > sumTolerance ? `sums to ${sum.toPrecision(7)}` : undefined;
}

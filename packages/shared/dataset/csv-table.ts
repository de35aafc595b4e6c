/**
 * Reads CSV files with named columns, such as the challenge's tables and CSV manifests, each row with its line number.
 * Errors in the header are thrown at once. Errors in rows are collected, and the caller can add its own.
 */

import { basename } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { DatasetError } from '../domain/index.ts';
import { LineFaults, quoted } from './line-faults.ts';
import { readText } from './text-file.ts';

export interface CsvTableShape<Required extends string, Optional extends string> {
  readonly required: readonly Required[];
  readonly optional?: readonly Optional[];
  /** Code of the errors for this table. */
  readonly code: string;
  /**
   * Whether unknown columns are an error, so that a misspelt optional column is noticed. An index column of a
   * spreadsheet or of pandas (a blank header, `Unnamed: 0`) is always accepted. Default: unknown columns are left out.
   */
  readonly strict?: boolean;
  /** What the reader can do about a fault. */
  readonly hint?: string;
}

export interface CsvRow<Column extends string> {
  readonly line: number;
  /** Trimmed; a missing optional column is the empty string. */
  readonly cells: Readonly<Record<Column, string>>;
}

export interface CsvTable<Column extends string> {
  readonly rows: readonly CsvRow<Column>[];
  /** Headers of columns that were left out, quoted. */
  readonly ignored: readonly string[];
  readonly faults: LineFaults;
  /** @throws {DatasetError} with the table's code and hint if any fault was collected. */
  check(): void;
}

/**
 * Reads a table. Columns may be in any order, among others. Rows with too few or too many cells are errors and left
 * out.
 *
 * @throws {DatasetError} with the table's code: no header, missing or repeated columns, unknown ones if `strict`,
 *   unbalanced quotes.
 */
export async function readCsvTable<Required extends string, Optional extends string = never>(
  path: string,
  shape: CsvTableShape<Required, Optional>,
): Promise<CsvTable<Required | Optional>> {
  return parseCsvTable(await readText(path), basename(path), shape);
}

/** As {@link readCsvTable}, from a text; `file` names it in errors. */
export function parseCsvTable<Required extends string, Optional extends string = never>(
  text: string,
  file: string,
  shape: CsvTableShape<Required, Optional>,
): CsvTable<Required | Optional> {
  type Column = Required | Optional;
  const faults = new LineFaults(file);
  const check = () => faults.throwIfAny(shape.code, shape.hint);
  const records = parseRecords(text, file, shape.code);
  const header = records.shift();
  if (header === undefined) {
    throw new DatasetError(shape.code, 'is empty', {
      file,
      expected: `a header line ${shape.required.join(',')}`,
      hint: shape.hint,
    });
  }
  const columns: Column[] = [...shape.required, ...(shape.optional ?? [])];
  const ignored = checkHeader(header, shape, columns, faults);
  check();

  const places = columns.map((column) => [column, header.cells.indexOf(column)] as const);
  const rows: CsvRow<Column>[] = [];
  for (const { line, cells } of records) {
    if (cells.length !== header.cells.length) {
      faults.add(line, `${cells.length} cells where the header has ${header.cells.length}`);
      continue;
    }
    const named = Object.fromEntries(places.map(([column, place]) => [column, cells[place] ?? '']));
    rows.push({ line, cells: named as Record<Column, string> });
  }
  return { rows, ignored, faults, check };
}

/** Notes for the reader about columns that were left out. */
export function notesOfColumns(file: string, ignored: readonly string[]): string[] {
  if (ignored.length === 0) return [];
  return [`${file}: ${ignored.length === 1 ? 'column' : 'columns'} ${ignored.join(', ')} left out`];
}

interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
}

function parseRecords(text: string, file: string, code: string): CsvRecord[] {
  try {
    const parsed = parse(text, {
      bom: true,
      info: true,
      trim: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as { info: { lines: number }; record: string[] }[];
    return parsed.map(({ info, record }) => ({ line: info.lines, cells: record }));
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = typeof cause.lines === 'number' ? `line ${cause.lines}: ` : '';
    throw new DatasetError(code, `${line}not CSV (${cause.code})`, { file, hint: 'check its quotes' }, { cause });
  }
}

/** @returns the headers of unknown columns. */
function checkHeader(
  header: CsvRecord,
  { required, strict }: Pick<CsvTableShape<string, string>, 'required' | 'strict'>,
  known: readonly string[],
  faults: LineFaults,
): string[] {
  for (const column of required) {
    if (!header.cells.includes(column)) faults.add(header.line, `no column ${quoted(column)}`);
  }
  const ignored: string[] = [];
  header.cells.forEach((column, place) => {
    if (known.includes(column)) {
      if (header.cells.indexOf(column) !== place) faults.add(header.line, `column ${quoted(column)} twice`);
    } else if (strict && !isIndexColumn(column)) {
      faults.add(header.line, `unknown column ${quoted(column)}`);
    } else {
      ignored.push(quoted(column));
    }
  });
  return ignored;
}

/** Whether a header is one that pandas gives to a table's index. */
function isIndexColumn(column: string): boolean {
  return column === '' || /^Unnamed: \d+$/.test(column);
}

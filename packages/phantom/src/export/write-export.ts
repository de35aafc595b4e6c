/**
 * Writes an export: studies as scanners, PACS and workstations of several vendors write them, with junk files between
 * them. Next to it are the expected result for each file (`expected.json`) and the truth (`train.csv` and similar
 * tables).
 */

import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigError } from '@spineline/shared/domain';
import { Piscina } from 'piscina';
import { challengeTables } from '../challenge-csv.ts';
import { PHANTOM_NOTICE } from '../notice.ts';
import { EXPECTATIONS_SCHEMA, type ExportExpectations } from './expectations.ts';
import { JUNK } from './junk.ts';
import { MEDIA } from './layouts.ts';
import { mediumDirectory } from './media.ts';
import { EXPORT_STUDIES } from './studies.ts';
import type { ExportedStudy, ExportTask } from './write-study.ts';

/** Raised whenever the same seed gives a different export. */
const EXPORT_VERSION = 1;

export interface ExportOptions {
  /** How many studies. The rows of the table are used in order and repeated. Default: all rows once. */
  readonly studies?: number | undefined;
  /** A whole number; the same seed gives the same bytes, whatever the number of threads. */
  readonly seed: number;
  /** Worker threads; default: one per core. */
  readonly threads?: number | undefined;
  /** Halve the rows and columns of the images to be read. Default false. */
  readonly small?: boolean | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ExportSummary {
  readonly directory: string;
  readonly seed: number;
  readonly version: number;
  readonly studies: number;
  readonly series: number;
  /** Files below `export`. */
  readonly files: number;
  readonly bytes: number;
  readonly expectations: ExportExpectations;
}

/** The folder for the reader. Files next to it describe it. */
const ROOT = 'export';

/**
 * Writes `directory`/export, expected.json, train.csv, train_label_coordinates.csv, truth.csv and
 * truth_coordinates.csv.
 *
 * @throws {ConfigError} for invalid options, or a folder whose `export` was not generated.
 */
export async function generateExport(directory: string, options: ExportOptions): Promise<ExportSummary> {
  const { seed, small = false, signal } = options;
  checkOptions(options);
  await clearFormer(directory);
  const root = join(directory, ROOT);
  await mkdir(root, { recursive: true });
  // Also written first, so that a partly written folder can be generated again.
  await writeFile(join(directory, 'expected.json'), `${JSON.stringify({ notice: PHANTOM_NOTICE, complete: false })}\n`);
  const studies = await writeStudies(root, options);
  const junk = await writeJunk(root, seed, studies);
  signal?.throwIfAborted();
  for (const [name, text] of Object.entries(truthTables(studies))) await writeFile(join(directory, name), text);
  const expectations: ExportExpectations = {
    schema: EXPECTATIONS_SCHEMA,
    notice: PHANTOM_NOTICE,
    generator: '@spineline/phantom',
    version: EXPORT_VERSION,
    seed,
    small,
    root: ROOT,
    studies: studies.map(({ expectation }) => expectation),
    junk: junk.map(({ file, what }) => ({ file, what })),
  };
  await writeFile(join(directory, 'expected.json'), `${JSON.stringify(expectations, null, 2)}\n`);
  const images = studies.flatMap((study) => study.images);
  return {
    directory,
    seed,
    version: EXPORT_VERSION,
    studies: studies.length,
    series: new Set(images.map(({ series }) => series.uid)).size,
    files: images.length + junk.length,
    bytes: studies.reduce((sum, study) => sum + study.bytes, 0) + junk.reduce((sum, { bytes }) => sum + bytes, 0),
    expectations,
  };
}

function checkOptions({ studies, seed, threads }: ExportOptions): void {
  const check = (name: string, value: number | undefined, least: number, most: number) => {
    if (value === undefined || (Number.isSafeInteger(value) && value >= least && value <= most)) return;
    throw new ConfigError(`phantom: ${name} cannot be used`, {
      expected: `a whole number from ${least} to ${most}`,
      found: String(value),
    });
  };
  check('studies', studies, 1, 100_000);
  check('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  check('threads', threads, 1, 1024);
}

/** Removes only files of an earlier call. */
async function clearFormer(directory: string): Promise<void> {
  const root = join(directory, ROOT);
  if (!(await stat(root).catch(() => undefined))) return;
  const expected = await readFile(join(directory, 'expected.json'), 'utf8').catch(() => '');
  if (!expected.includes(PHANTOM_NOTICE)) {
    throw new ConfigError('the folder already holds an export which was not generated', {
      file: root,
      hint: 'name an empty folder',
    });
  }
  await rm(root, { recursive: true });
}

/** The studies in the order of the table, in whatever order threads finish. */
async function writeStudies(root: string, options: ExportOptions): Promise<ExportedStudy[]> {
  const { seed, small = false, onProgress, signal } = options;
  const count = options.studies ?? EXPORT_STUDIES.length;
  const threads = Math.min(count, options.threads ?? availableParallelism());
  const pool = new Piscina<ExportTask, ExportedStudy>({
    filename: new URL('./export-worker.ts', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  });
  const studies: ExportedStudy[] = [];
  let next = 0;
  let done = 0;
  const feed = async () => {
    while (next < count) {
      signal?.throwIfAborted();
      const index = next++;
      studies[index] = await pool.run({ root, seed, index, small }, signal ? { signal } : {});
      onProgress?.(++done, count);
    }
  };
  try {
    await Promise.all(Array.from({ length: threads }, feed));
  } catch (error) {
    next = count;
    throw signal?.aborted ? signal.reason : error;
  } finally {
    await pool.destroy();
  }
  return studies;
}

/** Writes all files that belong to no study: the rows of `junk.ts`, and the directories of the media. */
async function writeJunk(root: string, seed: number, studies: readonly ExportedStudy[]) {
  const directories = MEDIA.flatMap((medium) => {
    const own = studies.filter(({ layout }) => layout === medium);
    if (own.length === 0) return [];
    return [
      { file: `${medium}/DICOMDIR`, what: 'the directory of a medium', bytes: () => mediumDirectory(medium, own) },
    ];
  });
  const written: { file: string; what: string; bytes: number }[] = [];
  for (const { file, what, bytes } of [...directories, ...JUNK]) {
    const content = bytes(seed);
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), content);
    written.push({ file, what, bytes: content.length });
  }
  return written;
}

/** The challenge's tables with UIDs instead of ids. */
function truthTables(studies: readonly ExportedStudy[]): Record<string, string> {
  const records = studies.flatMap(({ truth }) => (truth ? [truth] : []));
  const tables = challengeTables(records, { study: 'study_instance_uid', series: 'series_instance_uid' });
  const wanted = ['train.csv', 'train_label_coordinates.csv', 'truth.csv', 'truth_coordinates.csv'];
  return Object.fromEntries(wanted.map((name) => [name, tables[name]!]));
}

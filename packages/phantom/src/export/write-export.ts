/**
 * Writes an export: studies as vendors' scanners, PACS and workstations leave them, with all that lies about between them,
 * and beside it what a reader must make of each file (`expected.json`) and the truth (`train.csv` and its kin).
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

/** Raised whenever the same seed gives another export. */
const EXPORT_VERSION = 1;

export interface ExportOptions {
  /** How many studies: the rows of the table in turn, again from the first after the last. Default all rows once. */
  readonly studies?: number | undefined;
  /** A whole number; the same seed gives the same bytes, whatever the number of threads. */
  readonly seed: number;
  /** Worker threads; default one a core. */
  readonly threads?: number | undefined;
  /** Half the rows and columns of what is to be read. Default false. */
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

/** The folder that a reader is given; what is beside it is about it. */
const ROOT = 'export';

/**
 * Writes `directory`/export, expected.json, train.csv, train_label_coordinates.csv, truth.csv and truth_coordinates.csv.
 *
 * @throws {ConfigError} for options that make no sense, or a folder whose `export` was not made here.
 */
export async function generateExport(directory: string, options: ExportOptions): Promise<ExportSummary> {
  const { seed, small = false, signal } = options;
  checkOptions(options);
  await clearFormer(directory);
  const root = join(directory, ROOT);
  await mkdir(root, { recursive: true });
  // Written first too, so that a folder which was left half made may be made again.
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

/** Removes what a former call wrote, and nothing else. */
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

/** Studies in the order of the table, whatever the order in which threads finish. */
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

/** Everything that is part of no study: the rows of `junk.ts`, and the directories of the media. */
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

/** The challenge's tables with UIDs in place of its ids. */
function truthTables(studies: readonly ExportedStudy[]): Record<string, string> {
  const records = studies.flatMap(({ truth }) => (truth ? [truth] : []));
  const tables = challengeTables(records, { study: 'study_instance_uid', series: 'series_instance_uid' });
  const wanted = ['train.csv', 'train_label_coordinates.csv', 'truth.csv', 'truth_coordinates.csv'];
  return Object.fromEntries(wanted.map((name) => [name, tables[name]!]));
}

/**
 * Generates a dataset: studies in worker threads, then the tables. `phantom.json` is written first and last. A folder
 * with it was generated and may be generated again; a folder with other images is refused.
 */

import { mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@spineline/shared/domain';
import { Piscina } from 'piscina';
import { AWKWARD_MEANINGS } from './awkward.ts';
import { challengeTables } from './challenge-csv.ts';
import { PHANTOM_NOTICE } from './notice.ts';
import type { StudyRecord, StudyTask } from './study.ts';
import { checkVariation, type SeverityRule, severityTable, type Variation } from './variation.ts';

/** Raised whenever the same seed gives different bytes. */
export const PHANTOM_VERSION = 2;

export interface PhantomOptions {
  /** How many studies. */
  readonly studies: number;
  /** A whole number; the same seed gives the same bytes, whatever the number of threads. */
  readonly seed: number;
  /** Worker threads; default: one per core. */
  readonly threads?: number | undefined;
  /** Index of the first study, so that several calls can make parts of one dataset. Default 0. */
  readonly firstStudy?: number | undefined;
  /** Whether some studies are awkward, see `awkward.ts`. Default true. */
  readonly awkward?: boolean | undefined;
  /**
   * How the series of a plane are stored: turned or mirrored, geometry and labels with the pixels. Default `identity`.
   */
  readonly storedAs?: Variation['storedAs'];
  /** Padding outside the field of view. Default none. */
  readonly padding?: Variation['padding'];
  /**
   * The severity of targets, for all studies. Where it is `undefined`, the severity is drawn. `oneSided` makes such a
   * rule.
   */
  readonly severities?: SeverityRule | undefined;
  /** Halve rows and columns and double the spacing. Default false. */
  readonly small?: boolean | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface AwkwardStudy {
  readonly study: string;
  readonly what: string;
}

/** An artefact of one series, or of the whole study if it names no series. */
export interface PhantomArtefact {
  readonly study: string;
  readonly series?: string;
  readonly what: string;
}

export interface PhantomSummary {
  readonly directory: string;
  readonly seed: number;
  readonly version: number;
  readonly studies: number;
  readonly series: number;
  readonly files: number;
  readonly bytes: number;
  readonly awkward: readonly AwkwardStudy[];
  readonly artefacts: readonly PhantomArtefact[];
}

/**
 * Writes `studies` synthetic studies below `directory` in the challenge's layout. `test_images` is a symbolic link to
 * `train_images`: the same images under both names, once on the disk.
 *
 * @throws {ConfigError} for invalid options, or a folder with images that were not generated.
 */
export async function generatePhantom(directory: string, options: PhantomOptions): Promise<PhantomSummary> {
  checkOptions(options);
  const { seed, studies, firstStudy = 0, signal } = options;
  checkVariation(options);
  await clearFormer(directory);
  await mkdir(join(directory, 'train_images'), { recursive: true });
  await writeDescription(directory, options, undefined);
  const records = await writeStudies(directory, options);
  for (const [name, text] of Object.entries(challengeTables(records))) {
    signal?.throwIfAborted();
    await writeFile(join(directory, name), text);
  }
  await symlink('train_images', join(directory, 'test_images'));
  const total = (of: (record: StudyRecord) => number) => records.reduce((sum, record) => sum + of(record), 0);
  const summary: PhantomSummary = {
    directory,
    seed,
    version: PHANTOM_VERSION,
    studies,
    series: total((record) => record.series.length),
    files: total((record) => record.files),
    bytes: total((record) => record.bytes),
    awkward: records.flatMap((record) => awkwardStudy(record)),
    artefacts: records.flatMap(({ study, artefacts }) => artefacts.map((artefact) => ({ study, ...artefact }))),
  };
  await writeDescription(directory, { ...options, firstStudy }, summary);
  return summary;
}

function checkOptions({ studies, seed, threads, firstStudy }: PhantomOptions): void {
  const check = (name: string, value: number | undefined, least: number, most: number) => {
    if (value === undefined || (Number.isSafeInteger(value) && value >= least && value <= most)) return;
    throw new ConfigError(`phantom: ${name} cannot be used`, {
      expected: `a whole number from ${least} to ${most}`,
      found: String(value),
    });
  };
  check('studies', studies, 1, 1_000_000);
  check('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  check('threads', threads, 1, 1024);
  check('firstStudy', firstStudy, 0, 2 ** 28 - 1_000_000);
}

/** Removes only files of an earlier call. */
async function clearFormer(directory: string): Promise<void> {
  const images = join(directory, 'train_images');
  const present = await stat(images).catch(() => undefined);
  if (!present) return;
  const description = await readFile(join(directory, 'phantom.json'), 'utf8').catch(() => '');
  if (!description.includes(PHANTOM_NOTICE)) {
    throw new ConfigError('the folder already holds images which were not generated', {
      file: images,
      hint: 'name an empty folder',
    });
  }
  await rm(images, { recursive: true });
  await rm(join(directory, 'test_images'), { force: true });
}

/** The studies in the order of their indices, in whatever order threads finish. */
async function writeStudies(directory: string, options: PhantomOptions): Promise<StudyRecord[]> {
  const { seed, studies, firstStudy = 0, awkward = true, onProgress, signal } = options;
  const threads = Math.min(studies, options.threads ?? availableParallelism());
  const pool = new Piscina<StudyTask, StudyRecord>({
    filename: new URL('./study-worker.ts', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  });
  const variation = variationOf(options);
  const records: StudyRecord[] = [];
  let next = 0;
  let done = 0;
  // Only as many tasks at a time as threads, so that a million studies do not make a million promises.
  const feed = async () => {
    while (next < studies) {
      signal?.throwIfAborted();
      const place = next++;
      const task: StudyTask = { directory, seed, index: firstStudy + place, awkward, ...(variation && { variation }) };
      records[place] = await pool.run(task, signal ? { signal } : {});
      done++;
      onProgress?.(done, studies);
    }
  };
  try {
    await Promise.all(Array.from({ length: threads }, feed));
  } catch (error) {
    next = studies;
    throw signal?.aborted ? signal.reason : error;
  } finally {
    await pool.destroy();
  }
  return records;
}

/** The options that the seed does not determine, as plain data; `undefined` if there are none. */
function variationOf({ storedAs, padding, severities, small }: PhantomOptions): Variation | undefined {
  const table = severityTable(severities);
  if (!storedAs && !padding && !table && !small) return undefined;
  return {
    ...(storedAs && { storedAs }),
    ...(padding && { padding }),
    ...(table && { severities: table }),
    ...(small && { small }),
  };
}

function awkwardStudy(record: StudyRecord): AwkwardStudy[] {
  if (!record.awkward) return [];
  const syntaxes = record.awkward === 'transfer_syntaxes' ? `: ${record.transferSyntaxes.join(', ')}` : '';
  return [{ study: record.study, what: AWKWARD_MEANINGS[record.awkward] + syntaxes }];
}

async function writeDescription(
  directory: string,
  options: PhantomOptions,
  summary: PhantomSummary | undefined,
): Promise<void> {
  const description = {
    notice: PHANTOM_NOTICE,
    generator: '@spineline/phantom',
    version: PHANTOM_VERSION,
    seed: options.seed,
    firstStudy: options.firstStudy ?? 0,
    studies: options.studies,
    awkwardStudies: options.awkward ?? true,
    ...(variationOf(options) && { variation: variationOf(options) }),
    complete: summary !== undefined,
    ...(summary && {
      series: summary.series,
      files: summary.files,
      bytes: summary.bytes,
      awkward: summary.awkward,
      artefacts: summary.artefacts,
    }),
  };
  await writeFile(join(directory, 'phantom.json'), `${JSON.stringify(description, null, 2)}\n`);
}

/**
 * The challenge's layout: `{test,train}_images/{study}/{series}/{instance}.dcm` with
 * `{test,train}_series_descriptions.csv`, in a local folder or below an S3 prefix.
 *
 * If both halves are complete, `test_` is used, since the challenge asks for those scores, unless the caller says
 * `train`. Images without descriptions, and every other layout, are scanned (`scan/`).
 */

import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DatasetError, kindOfDescription } from '../domain/index.ts';
import { type CsvRow, type CsvTable, parseCsvTable } from './csv-table.ts';
import { compareNatural } from './natural-order.ts';
import type { Descriptions } from './scan/group-studies.ts';
import { hasForeignExtension, isDicomdirName, junkOfName } from './scan/names.ts';
import type { Skipped } from './scan/skipped.ts';
import { unknownDescription } from './series-description.ts';
import { type Problem, SeriesId, StudyId } from './study-entry.ts';
import { folderLocation, type StudyPlan } from './study-plan.ts';

/** Which half of a challenge folder. */
export type Split = 'test' | 'train';

/** Access to a place that may have the challenge's layout. */
export interface LayoutPlace {
  /** Name of the folder, for errors. */
  readonly name: string;
  hasFile(name: string): Promise<boolean>;
  hasFolder(name: string): Promise<boolean>;
}

export interface Layout {
  readonly split: Split | undefined;
  /** Folder of the images below the place; `''` for the place itself. */
  readonly images: string;
  /** File of the descriptions in the place; `undefined` if there is none. */
  readonly csv: string | undefined;
}

/**
 * Finds out whether a place has the challenge's layout.
 *
 * @throws {DatasetError} `DATASET_IMAGES_MISSING` for descriptions without images, or without the `wanted` half.
 */
export async function findLayout(place: LayoutPlace, wanted: Split | undefined): Promise<Layout> {
  const splits: readonly Split[] = wanted === undefined ? ['test', 'train'] : [wanted];
  const found = await Promise.all(
    splits.map(async (split) => {
      const csv = `${split}_series_descriptions.csv`;
      const images = `${split}_images`;
      const described = await place.hasFile(csv);
      return { split, csv: described ? csv : undefined, images, hasImages: await place.hasFolder(images) };
    }),
  );
  const best = found.find((one) => one.csv && one.hasImages) ?? found.find((one) => one.hasImages);
  if (best) return best;
  const bare = found.find((one) => one.csv);
  if (bare || wanted !== undefined) {
    throw new DatasetError(
      'DATASET_IMAGES_MISSING',
      bare ? 'descriptions, but no images' : `no ${wanted} half in this folder`,
      {
        file: place.name,
        expected: `a folder ${(bare ?? found[0]!).split}_images in it`,
        hint: 'if the images are in another place, use a manifest: see docs/manifests.md',
      },
    );
  }
  return { split: undefined, images: '', csv: undefined };
}

/** A local folder as a place. */
export function localPlace(folder: string): LayoutPlace {
  const found = (name: string) => stat(join(folder, name)).catch(() => undefined);
  return {
    name: basename(folder),
    hasFile: async (name) => (await found(name))?.isFile() ?? false,
    hasFolder: async (name) => (await found(name))?.isDirectory() ?? false,
  };
}

/**
 * Descriptions by study and series, from `{test,train}_series_descriptions.csv`.
 *
 * @param file its name, for errors.
 * @throws {DatasetError} `DATASET_INVALID` with every fault and its line.
 */
export function parseDescriptions(
  text: string,
  file: string,
): { descriptions: Descriptions; ignored: readonly string[] } {
  const table: CsvTable<DescriptionColumn> = parseCsvTable(text, file, {
    required: ['study_id', 'series_id', 'series_description'],
    code: 'DATASET_INVALID',
  });
  const studies = new Map<string, Map<string, Description>>();
  for (const row of table.rows) {
    const fault = faultOfIds(row.cells.study_id, row.cells.series_id) ?? describe(row, studies);
    if (fault !== undefined) table.faults.add(row.line, fault);
  }
  table.check();
  return { descriptions: studies, ignored: table.ignored };
}

type DescriptionColumn = 'study_id' | 'series_id' | 'series_description';
type Description = Descriptions extends ReadonlyMap<string, ReadonlyMap<string, infer One>> ? One : never;

function faultOfIds(study: string, series: string): string | undefined {
  const id = [StudyId.safeParse(study), SeriesId.safeParse(series)].find((parsed) => !parsed.success);
  return id?.error?.issues[0]?.message;
}

function describe(
  { cells }: CsvRow<DescriptionColumn>,
  studies: Map<string, Map<string, Description>>,
): string | undefined {
  const description = cells.series_description;
  const kind = kindOfDescription(description);
  if (kind === undefined && description !== '') return unknownDescription(description);
  const series = studies.get(cells.study_id) ?? new Map<string, Description>();
  studies.set(cells.study_id, series);
  if (series.has(cells.series_id)) return `series ${cells.series_id} of study ${cells.study_id} appears twice`;
  series.set(cells.series_id, { kind, description: description || undefined });
  return undefined;
}

/**
 * Folders and links to folders in a local folder. Junk is counted and left out; names of files are added to `files`.
 */
export async function subfolders(folder: string, skipped: Skipped, files: string[] = []): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const folders: string[] = [];
  for (const entry of entries) {
    const junk = junkOfName(entry.name);
    const path = join(folder, entry.name);
    if (junk !== undefined) skipped.add(junk);
    else if (entry.isDirectory()) folders.push(entry.name);
    else if (entry.isFile()) files.push(entry.name);
    else if (entry.isSymbolicLink()) {
      const target = await stat(path).catch(() => undefined);
      if (target?.isDirectory()) folders.push(entry.name);
      else if (target?.isFile()) files.push(entry.name);
      else skipped.add('special');
    } else skipped.add('special');
  }
  return folders;
}

/** Lists the folder of a described study. @param images local folder with the studies' folders. */
export async function planDescribedStudy(
  study: string,
  images: string,
  descriptions: ReadonlyMap<string, Description>,
  skipped: Skipped,
): Promise<StudyPlan> {
  const problems: Problem[] = [];
  let found: string[] = [];
  try {
    const files: string[] = [];
    found = await subfolders(join(images, study), skipped, files);
    const loose = files.filter((name) => !isDicomdirName(name) && !hasForeignExtension(name)).length;
    if (loose > 0) {
      const message = `${loose} ${loose === 1 ? 'file lies' : 'files lie'} in the study's folder outside any series`;
      problems.push({ code: 'FILES_OUTSIDE_SERIES', message });
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    problems.push(
      code === 'ENOENT' || code === 'ENOTDIR'
        ? { code: 'STUDY_FOLDER_MISSING', message: 'described, but there is no folder for this study' }
        : { code: 'STUDY_FOLDER_UNREADABLE', message: `the study's folder cannot be listed (${code})` },
    );
  }
  const listed = problems.every(({ code }) => code === 'FILES_OUTSIDE_SERIES');
  const series = [...new Set([...descriptions.keys(), ...found])].sort(compareNatural).map((id) => ({
    series: id,
    kind: descriptions.get(id)?.kind,
    description: descriptions.get(id)?.description,
    images: listed ? { folder: folderLocation(join(images, study, id)) } : ({ missing: true } as const),
  }));
  return { study, series, problems };
}

/**
 * A folder in the challenge's layout: `{test,train}_images/{study}/{series}/{instance}.dcm` with
 * `{test,train}_series_descriptions.csv`; or, without descriptions, just `{study}/{series}/...`.
 *
 * `test_` is taken where both are whole, since that is what a challenge asks to be scored, unless the caller says
 * `train`. What the descriptions and the folders say is united: a described study or series without a folder is listed
 * with a problem, and a folder that nobody described is listed without a kind, to be inferred from its DICOM.
 */

import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DatasetError, kindOfDescription } from '../domain/index.ts';
import { type CsvRow, readCsvTable } from './csv-table.ts';
import { isImageName } from './instance-finder.ts';
import { LineFaults, quoted } from './line-faults.ts';
import { compareNatural } from './natural-order.ts';
import { unknownDescription } from './series-description.ts';
import { type Problem, SeriesId, StudyId } from './study-entry.ts';
import { folderLocation, type SeriesPlan, type StudyPlan } from './study-plan.ts';

/** Which half of a challenge folder. */
export type Split = 'test' | 'train';

export interface ChallengeFolder {
  /** `undefined` for a folder of plain `{study}/{series}`. */
  readonly split: Split | undefined;
  /** All study ids, described or on disk, in natural order. */
  readonly studies: readonly string[];
  /** `train.csv`, where it is there. */
  readonly labels: string | undefined;
  /** `train_label_coordinates.csv`, where it is there. */
  readonly coordinates: string | undefined;
  /** Lists the study's folder now. */
  plan(study: string): Promise<StudyPlan>;
}

/**
 * Reads the descriptions and the names of the study folders; nothing below them yet.
 *
 * @throws {DatasetError} `DATASET_INVALID` for folders that can be no study and faults in the descriptions,
 *   `DATASET_EMPTY` where there is no study, `DATASET_IMAGES_MISSING` for descriptions without images.
 */
export async function openChallengeFolder(folder: string, wanted: Split | undefined): Promise<ChallengeFolder> {
  const { split, images, csv } = await findLayout(folder, wanted);
  const described = csv === undefined ? undefined : await readDescriptions(csv);
  const onDisk = new Set(await subfolders(images));
  checkStudyNames(onDisk, folder);
  const studies = [...new Set([...(described?.keys() ?? []), ...onDisk])].sort(compareNatural);
  if (studies.length === 0) {
    throw new DatasetError('DATASET_EMPTY', 'no study in this folder', {
      file: basename(folder),
      expected: 'test_images/{study}/{series}/*.dcm or {study}/{series}/*.dcm',
    });
  }
  const existing = async (name: string) => ((await isFile(join(folder, name))) ? join(folder, name) : undefined);
  return {
    split,
    studies,
    labels: await existing('train.csv'),
    coordinates: await existing('train_label_coordinates.csv'),
    plan: (study) => planStudy(study, images, described, onDisk.has(study)),
  };
}

interface Layout {
  readonly split: Split | undefined;
  readonly images: string;
  readonly csv: string | undefined;
}

async function findLayout(folder: string, wanted: Split | undefined): Promise<Layout> {
  const splits: readonly Split[] = wanted === undefined ? ['test', 'train'] : [wanted];
  const found = await Promise.all(
    splits.map(async (split) => {
      const csv = join(folder, `${split}_series_descriptions.csv`);
      const images = join(folder, `${split}_images`);
      return { split, csv: (await isFile(csv)) ? csv : undefined, images, hasImages: await isFolder(images) };
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
        file: basename(folder),
        expected: `a folder ${(bare ?? found[0]!).split}_images in it`,
        hint: 'if the images lie elsewhere, hand over a manifest instead: see docs/manifests.md',
      },
    );
  }
  return { split: undefined, images: folder, csv: undefined };
}

type Description = Pick<SeriesPlan, 'kind' | 'description'>;

/** Study to series to description, from `{test,train}_series_descriptions.csv`. */
async function readDescriptions(csv: string): Promise<Map<string, Map<string, Description>>> {
  const table = await readCsvTable(csv, {
    required: ['study_id', 'series_id', 'series_description'],
    code: 'DATASET_INVALID',
  });
  const studies = new Map<string, Map<string, Description>>();
  for (const row of table.rows) {
    const fault = faultOfIds(row.cells.study_id, row.cells.series_id) ?? describe(row, studies);
    if (fault !== undefined) table.faults.add(row.line, fault);
  }
  table.check();
  return studies;
}

function faultOfIds(study: string, series: string): string | undefined {
  const id = [StudyId.safeParse(study), SeriesId.safeParse(series)].find((parsed) => !parsed.success);
  return id?.error?.issues[0]?.message;
}

function describe(
  { cells }: CsvRow<'study_id' | 'series_id' | 'series_description'>,
  studies: Map<string, Map<string, Description>>,
): string | undefined {
  const description = cells.series_description;
  const kind = kindOfDescription(description);
  if (kind === undefined && description !== '') return unknownDescription(description);
  const series = studies.get(cells.study_id) ?? new Map<string, Description>();
  studies.set(cells.study_id, series);
  if (series.has(cells.series_id)) return `series ${cells.series_id} of study ${cells.study_id} for the second time`;
  series.set(cells.series_id, { kind, description: description || undefined });
  return undefined;
}

async function planStudy(
  study: string,
  images: string,
  described: ReadonlyMap<string, ReadonlyMap<string, Description>> | undefined,
  onDisk: boolean,
): Promise<StudyPlan> {
  const descriptions = described?.get(study) ?? new Map<string, Description>();
  const problems: Problem[] = [];
  let found: string[] = [];
  if (!onDisk) {
    problems.push({ code: 'STUDY_FOLDER_MISSING', message: 'described, but there is no folder for this study' });
  } else {
    try {
      const files: string[] = [];
      found = await subfolders(join(images, study), files);
      const loose = files.filter(isImageName).length;
      if (loose > 0) {
        const message = `${loose} ${loose === 1 ? 'file lies' : 'files lie'} in the study's folder outside any series`;
        problems.push({ code: 'FILES_OUTSIDE_SERIES', message });
      }
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
      problems.push({ code: 'STUDY_FOLDER_UNREADABLE', message: `the study's folder cannot be listed (${code})` });
    }
    if (described && !described.has(study)) {
      const message = 'not in the series descriptions: kinds are inferred from DICOM';
      problems.push({ code: 'STUDY_NOT_DESCRIBED', message });
    }
  }
  const listed = onDisk && !problems.some(({ code }) => code === 'STUDY_FOLDER_UNREADABLE');
  const series = [...new Set([...descriptions.keys(), ...found])].sort(compareNatural).map((id) => ({
    series: id,
    kind: descriptions.get(id)?.kind,
    description: descriptions.get(id)?.description,
    images: listed ? { folder: folderLocation(join(images, study, id)) } : ({ missing: true } as const),
  }));
  return { study, series, problems };
}

/** Names of the folders in a folder, links followed, hidden ones left out; the names of its files go to `files`. */
async function subfolders(folder: string, files: string[] = []): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const folders: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(path)))) folders.push(entry.name);
    else files.push(entry.name);
  }
  return folders;
}

function checkStudyNames(names: Iterable<string>, folder: string): void {
  const faults = new LineFaults(basename(folder));
  for (const name of names) {
    if (!StudyId.safeParse(name).success) faults.add(undefined, `folder ${quoted(name)} cannot name a study`);
  }
  faults.throwIfAny('DATASET_INVALID', 'a study id is letters, digits, ".", "_" and "-": rename, or use a manifest');
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Whose damaged files are: a file that cannot be read is named on the study, and where possible the series, it lies in. */

import type { Problem } from '../study-entry.ts';
import type { NamedStudy } from './name-studies.ts';
import type { DamagedFile } from './scan-sink.ts';

export interface DamageOf {
  /** By the study's place. */
  readonly studies: ReadonlyMap<number, Problem>;
  /** By the study's place and the series' id. */
  readonly series: ReadonlyMap<number, ReadonlyMap<string, Problem>>;
}

const SEVERAL = -1;
const NAMED = 3;

/** A study's folder of which no file can be read: it stays in the dataset, so that it fails in the open. */
export interface LostStudy {
  readonly study: string;
  readonly problem: Problem;
}

/**
 * The folders at the depth of studies' folders that hold damaged files and no image. What is left of the damaged files may
 * lie with studies that are there.
 *
 * @param depth at which folders name studies; `undefined` where they do not: then nobody knows whose a file is.
 * @param taken ids of other studies.
 */
export function lostStudies(
  damaged: readonly DamagedFile[],
  studies: readonly NamedStudy[],
  depth: number | undefined,
  taken: Iterable<string>,
  isName: (name: string) => boolean,
): { lost: LostStudy[]; others: DamagedFile[] } {
  if (depth === undefined || damaged.length === 0) return { lost: [], others: [...damaged] };
  const folderOf = (folder: string) => {
    const parts = folder.split('/');
    return parts.length < depth ? undefined : parts.slice(0, depth).join('/');
  };
  const holding = new Set<string | undefined>();
  for (const { series, rejected } of studies) {
    for (const { images } of [...series, ...rejected]) for (const { folder } of images) holding.add(folderOf(folder));
  }
  const ids = new Set(taken);
  const lost = new Map<string, DamagedFile[]>();
  const others: DamagedFile[] = [];
  for (const file of damaged) {
    const folder = folderOf(file.folder);
    const name = folder?.slice(folder.lastIndexOf('/') + 1);
    const isLost = folder !== undefined && folder !== '' && !holding.has(folder) && isName(name!) && !ids.has(name!);
    if (isLost) lost.set(name!, [...(lost.get(name!) ?? []), file]);
    else others.push(file);
  }
  return { lost: [...lost].map(([study, files]) => ({ study, problem: problemOf(files) })), others };
}

/** A folder, or the nearest above it, that holds images of one study alone says whose a file is; no other rule does. */
export function ownersOfDamaged(damaged: readonly DamagedFile[], studies: readonly NamedStudy[]): DamageOf {
  const ofStudies = new Map<number, DamagedFile[]>();
  const ofSeries = new Map<number, Map<string, DamagedFile[]>>();
  if (damaged.length === 0) return { studies: new Map(), series: new Map() };
  const { owners, seriesIn } = foldersOfStudies(studies);
  for (const file of damaged) {
    let folder = file.folder;
    while (!owners.has(folder) && folder !== '') folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')));
    const owner = owners.get(folder);
    if (owner === undefined || owner === SEVERAL) continue;
    const series = seriesIn.get(file.folder);
    if (series?.size === 1) {
      const ofStudy = ofSeries.get(owner) ?? new Map<string, DamagedFile[]>();
      ofSeries.set(owner, ofStudy);
      const [id] = series;
      ofStudy.set(id!, [...(ofStudy.get(id!) ?? []), file]);
    } else ofStudies.set(owner, [...(ofStudies.get(owner) ?? []), file]);
  }
  return {
    studies: new Map([...ofStudies].map(([place, files]) => [place, problemOf(files)])),
    series: new Map(
      [...ofSeries].map(([place, all]) => [place, new Map([...all].map(([id, files]) => [id, problemOf(files)]))]),
    ),
  };
}

function foldersOfStudies(studies: readonly NamedStudy[]) {
  const owners = new Map<string, number>();
  const seriesIn = new Map<string, Set<string>>();
  studies.forEach(({ series, rejected }, place) => {
    const folders = new Set<string>();
    for (const { images, series: id } of series) {
      for (const { folder } of images) {
        folders.add(folder);
        seriesIn.set(folder, (seriesIn.get(folder) ?? new Set()).add(id));
      }
    }
    for (const { images } of rejected) for (const { folder } of images) folders.add(folder);
    const above = new Set<string>(['']);
    for (const folder of folders) {
      for (let at = folder; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) above.add(at);
    }
    for (const folder of above) owners.set(folder, owners.has(folder) ? SEVERAL : place);
  });
  return { owners, seriesIn };
}

function problemOf(files: readonly DamagedFile[]): Problem {
  const shown = [...files].sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, NAMED);
  const names = shown.map(({ name, detail }) => `${name} (${detail})`).join(', ');
  const more = files.length > NAMED ? ', ...' : '';
  const count =
    files.length === 1 ? '1 file is damaged and left out' : `${files.length} files are damaged and left out`;
  return { code: 'FILES_DAMAGED', message: `${count}: ${names}${more}` };
}

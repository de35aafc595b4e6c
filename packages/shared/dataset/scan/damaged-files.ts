/**
 * Assigns damaged files to studies, and to series if possible, by their folders. A folder that cannot be listed is
 * assigned to a study.
 */

import { withoutUids } from '../../domain/index.ts';
import type { Problem } from '../study-entry.ts';
import type { FoundProblems } from './found-problems.ts';
import type { Loss } from './losses.ts';
import type { NamedStudy } from './name-studies.ts';

const NAMED = 3;

/**
 * Finds the study of a folder: the study of all images in it or in its nearest parent folder with images. A folder with
 * images of several studies has no owner.
 */
export class FolderOwners {
  /** Study index by folder, for all folders with an image at any depth; `undefined` for several studies. */
  readonly #owners = new Map<string, number | undefined>();
  readonly #seriesIn = new Map<string, Set<string>>();

  constructor(studies: readonly NamedStudy[]) {
    studies.forEach(({ series, rejected }, place) => {
      const above = new Set<string>();
      for (const { images, series: id } of series) {
        for (const { folder } of images) {
          addWithParents(above, folder);
          this.#seriesIn.set(folder, (this.#seriesIn.get(folder) ?? new Set()).add(id));
        }
      }
      for (const { images } of rejected) for (const { folder } of images) addWithParents(above, folder);
      for (const folder of above) this.#owners.set(folder, this.#owners.has(folder) ? undefined : place);
    });
  }

  /** Whether the folder holds an image at any depth. */
  holds(folder: string): boolean {
    return this.#owners.has(folder);
  }

  /** Index of the study that a folder belongs to. */
  ownerOf(folder: string): number | undefined {
    let at = folder;
    while (!this.#owners.has(at) && at !== '') at = parentOf(at);
    return this.#owners.get(at);
  }

  /** The series that is read from the folder itself, if there is exactly one. */
  seriesIn(folder: string): string | undefined {
    const series = this.#seriesIn.get(folder);
    return series?.size === 1 ? [...series][0] : undefined;
  }
}

/** Adds each loss to its study or series. Losses without an owner are only counted and listed. */
export function addDamage(losses: readonly Loss[], owners: FolderOwners, problems: FoundProblems): void {
  const ofStudies = new Map<number, Loss[]>();
  const ofSeries = new Map<number, Map<string, Loss[]>>();
  for (const loss of losses) {
    const owner = owners.ownerOf(loss.folder);
    if (owner === undefined) continue;
    const series = loss.name === undefined ? undefined : owners.seriesIn(loss.folder);
    if (series === undefined) push(ofStudies, owner, loss);
    else {
      const ofStudy = ofSeries.get(owner) ?? new Map<string, Loss[]>();
      ofSeries.set(owner, ofStudy);
      push(ofStudy, series, loss);
    }
  }
  for (const [place, all] of ofStudies) problems.addToStudy(place, ...problemsOf(all, 'SERIES_FOLDER_UNREADABLE'));
  for (const [place, series] of ofSeries) {
    for (const [id, all] of series) problems.addToSeries(place, id, ...problemsOf(all, 'SERIES_FOLDER_UNREADABLE'));
  }
}

/** The problems for some losses. @param ofFolders the code for folders that cannot be listed. */
export function problemsOf(
  losses: readonly Loss[],
  ofFolders: 'STUDY_FOLDER_UNREADABLE' | 'SERIES_FOLDER_UNREADABLE',
): Problem[] {
  const files = losses.flatMap(({ name, detail }) => (name === undefined ? [] : [{ name, detail }]));
  const folders = losses.length - files.length;
  const problems: Problem[] = [];
  if (folders > 0) {
    const message = `${folders === 1 ? 'a folder' : `${folders} folders`} of this study cannot be listed`;
    problems.push({ code: ofFolders, message });
  }
  if (files.length > 0) {
    const shown = files.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, NAMED);
    const names = shown.map(({ name, detail }) => `${withoutUids(name)} (${detail})`).join(', ');
    const count =
      files.length === 1
        ? '1 file cannot be read and is left out'
        : `${files.length} files cannot be read and are left out`;
    problems.push({ code: 'FILES_DAMAGED', message: `${count}: ${names}${files.length > NAMED ? ', ...' : ''}` });
  }
  return problems;
}

function addWithParents(folders: Set<string>, folder: string): void {
  for (let at = folder; !folders.has(at); at = parentOf(at)) folders.add(at);
}

function parentOf(folder: string): string {
  return folder.slice(0, Math.max(0, folder.lastIndexOf('/')));
}

function push<Key>(lists: Map<Key, Loss[]>, key: Key, loss: Loss): void {
  const list = lists.get(key);
  if (list) list.push(loss);
  else lists.set(key, [loss]);
}

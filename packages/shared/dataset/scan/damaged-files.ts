/**
 * Whose the damaged files are: a file that cannot be read is named on the study, and where possible the series, it lies in;
 * a folder that cannot be listed is told on the study.
 */

import { withoutUids } from '../../domain/index.ts';
import type { Problem } from '../study-entry.ts';
import type { FoundProblems } from './found-problems.ts';
import type { Loss } from './losses.ts';
import type { NamedStudy } from './name-studies.ts';

const NAMED = 3;

/** A folder, or the nearest above it, that holds images of one study alone says whose a loss is; no other rule does. */
export class FolderOwners {
  /** By folder, of all that hold an image at any depth; `undefined` for several studies. */
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

  /** Whether an image lies in the folder, at any depth. */
  holds(folder: string): boolean {
    return this.#owners.has(folder);
  }

  /** Place of the study that a folder belongs to. */
  ownerOf(folder: string): number | undefined {
    let at = folder;
    while (!this.#owners.has(at) && at !== '') at = parentOf(at);
    return this.#owners.get(at);
  }

  /** The one series that is read from the folder itself. */
  seriesIn(folder: string): string | undefined {
    const series = this.#seriesIn.get(folder);
    return series?.size === 1 ? [...series][0] : undefined;
  }
}

/** Adds each loss to the study or series whose it is; what is nobody's is only counted and listed. */
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

/** What to say of losses. @param ofFolders the code for folders that cannot be listed. */
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

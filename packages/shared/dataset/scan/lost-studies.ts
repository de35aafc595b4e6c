/**
 * Studies of which nothing can be read. Each stays in the dataset as a study without series, so that it is reported as
 * failed.
 */

import type { Problem } from '../study-entry.ts';
import { type FolderOwners, problemsOf } from './damaged-files.ts';
import { depthOf } from './folder-names.ts';
import { EMPTY, type Loss } from './losses.ts';
import { isStudyName } from './name-studies.ts';
import { pseudonym } from './pseudonyms.ts';

export interface LostStudy {
  readonly study: string;
  readonly problems: readonly Problem[];
}

export interface LostOptions {
  /** The depth at which each study has a folder of its own; `undefined` if there is none. */
  readonly depth: number | undefined;
  /** Whether folders at that depth name studies. */
  readonly named: boolean;
  /** Names of folders in the root that are described as studies. */
  readonly described: { has(name: string): boolean };
  /** Ids of other studies. */
  readonly taken: Iterable<string>;
  readonly idKey: string | undefined;
}

/**
 * If studies have folders of their own at a depth, a folder at that depth with losses and no image is a lost study.
 * Otherwise it is the folder of the losses itself, if it holds no image and is in no study's folder. Its id is the
 * folder's name if folders name studies, otherwise a pseudonym of the path.
 *
 * @param others losses that belong to existing studies, or are in folders of several.
 */
export function lostStudies(
  losses: readonly Loss[],
  owners: FolderOwners,
  options: LostOptions,
): { lost: LostStudy[]; others: Loss[] } {
  const { depth, named, described, idKey } = options;
  const ofFolders = new Map<string, Loss[]>();
  const others: Loss[] = [];
  for (const loss of losses) {
    const folder = folderOf(loss);
    const list = folder === undefined ? others : ofFolders.get(folder);
    if (list) list.push(loss);
    else ofFolders.set(folder!, [loss]);
  }
  for (const [folder, found] of ofFolders) {
    // Empty files alone make no study: they are left over from something else.
    if (!described.has(folder) && found.every(({ detail }) => detail === EMPTY)) {
      others.push(...found);
      ofFolders.delete(folder);
    }
  }
  const ids = new Set(options.taken);
  const lost = [...ofFolders.keys()].sort().map((folder): LostStudy => {
    const name = folder.slice(folder.lastIndexOf('/') + 1);
    const fits = named && depthOf(folder) === depth && isStudyName(name) && !ids.has(name);
    const study = described.has(folder) || fits ? name : pseudonym('study', `folder ${folder}`, idKey);
    ids.add(study);
    return { study, problems: problemsOf(ofFolders.get(folder)!, 'STUDY_FOLDER_UNREADABLE') };
  });
  return { lost, others };

  function folderOf({ folder }: Loss): string | undefined {
    const parts = folder.split('/');
    if (described.has(parts[0]!)) return owners.holds(parts[0]!) ? undefined : parts[0];
    if (folder === '' || (depth === undefined && (!owners.holds('') || owners.ownerOf(folder) !== undefined))) {
      return undefined;
    }
    const at = depth === undefined ? folder : parts.slice(0, depth).join('/');
    return owners.holds(at) ? undefined : at;
  }
}

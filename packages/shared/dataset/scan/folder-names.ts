/**
 * Takes ids from folder names if folders and UIDs agree one to one: at some depth every folder holds one study and
 * every study is in one folder. The same applies to the series within a study.
 */

/** The folders with images of a member (a study or a series), as paths with slashes. */
export type FoldersOf = ReadonlySet<string>;

export interface AgreedNames {
  readonly depth: number;
  /** The last part of each folder, in the order of the members. */
  readonly names: readonly string[];
}

/** Why folders cannot name the members. */
export interface Disagreement {
  /** Members that are in several folders at the depth that was tried first. */
  readonly split: number;
  /** Folders at that depth that hold several members. */
  readonly shared: number;
}

/**
 * Tries one depth after the other; depth 1 means the folders in the root.
 *
 * @param isName whether a folder name can be an id. Names must be unique among the members.
 */
export function agreeOnNames(
  members: readonly FoldersOf[],
  depths: readonly number[],
  isName: (name: string) => boolean,
): AgreedNames | undefined {
  for (const depth of depths) {
    if (!haveOwnFolders(members, depth)) continue;
    const folders = members.map((member) => folderAt(member, depth));
    const names = folders.map((folder) => folder!.slice(folder!.lastIndexOf('/') + 1));
    if (new Set(names).size === names.length && names.every(isName)) return { depth, names };
  }
  return undefined;
}

/** Whether every member has a folder of its own at a depth, whatever its name. */
export function haveOwnFolders(members: readonly FoldersOf[], depth: number): boolean {
  const folders = members.map((member) => folderAt(member, depth));
  return !folders.includes(undefined) && new Set(folders).size === folders.length;
}

/** Why folders at a depth cannot name the members. */
export function disagreement(members: readonly FoldersOf[], depth: number): Disagreement {
  const holders = new Map<string, number>();
  let split = 0;
  for (const member of members) {
    const folders = new Set([...member].map((folder) => prefixOf(folder, depth) ?? folder));
    if (folders.size > 1) split += 1;
    for (const folder of folders) holders.set(folder, (holders.get(folder) ?? 0) + 1);
  }
  return { split, shared: [...holders.values()].filter((count) => count > 1).length };
}

/** The single folder at this depth that holds all of them; `undefined` if there is none. */
function folderAt(folders: FoldersOf, depth: number): string | undefined {
  let common: string | undefined;
  for (const folder of folders) {
    const prefix = prefixOf(folder, depth);
    if (prefix === undefined || (common !== undefined && prefix !== common)) return undefined;
    common = prefix;
  }
  return common;
}

function prefixOf(folder: string, depth: number): string | undefined {
  if (depth === 0) return '';
  let end = -1;
  for (let part = 0; part < depth; part++) {
    if (end === folder.length || folder === '') return undefined;
    const slash = folder.indexOf('/', end + 1);
    end = slash < 0 ? folder.length : slash;
  }
  return folder.slice(0, end);
}

/** Number of parts of a path: 0 for the root. */
export function depthOf(folder: string): number {
  return folder === '' ? 0 : folder.split('/').length;
}

/** Depth of the deepest folder that holds all of them. */
export function commonDepth(folders: FoldersOf): number {
  let common: string[] | undefined;
  for (const folder of folders) {
    const parts = folder === '' ? [] : folder.split('/');
    if (common === undefined) common = parts;
    else {
      const differs: number = common.findIndex((part, i) => part !== parts[i]);
      if (differs >= 0) common = common.slice(0, differs);
    }
  }
  return common?.length ?? 0;
}

/** The integers from `from` to `to`, both included, in either direction. */
export function depthsFrom(from: number, to: number): number[] {
  const step = from <= to ? 1 : -1;
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => from + i * step);
}

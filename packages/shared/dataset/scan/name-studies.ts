/** Gives studies their ids: folder names if folders and UIDs agree one to one, otherwise pseudonyms. */

import { withoutUids } from '../../domain/index.ts';
import { compareNatural } from '../natural-order.ts';
import { SeriesId, StudyId } from '../study-entry.ts';
import {
  agreeOnNames,
  commonDepth,
  type Disagreement,
  depthOf,
  depthsFrom,
  disagreement,
  type FoldersOf,
  haveOwnFolders,
} from './folder-names.ts';
import type { SeriesGroup } from './group-studies.ts';
import { pseudonym } from './pseudonyms.ts';
import type { KeptStack, RejectedImages, SortedStudy } from './sort-study.ts';

export interface NamedStudy {
  readonly study: string;
  readonly group: SortedStudy['group'];
  /** In natural order of their ids. */
  readonly series: readonly (KeptStack & { readonly series: string })[];
  readonly rejected: readonly (RejectedImages & { readonly series: string })[];
}

/** Where the ids of the studies come from, and why not from folders. */
export type IdSource = { readonly from: 'folders' } | ({ readonly from: 'pseudonyms' } & Disagreement);

interface NamingOptions {
  readonly idKey: string | undefined;
  /** Whether ids may come from folders; false for a server. */
  readonly foldersName: boolean;
}

/**
 * @param studies in any order.
 * @returns in natural order of their ids; `depth` at which each has a folder of its own, if there is one, whether or
 *   not the folder names can be ids.
 */
export function nameStudies(
  studies: readonly SortedStudy[],
  { idKey, foldersName, reserved = [] }: NamingOptions & { readonly reserved?: Iterable<string> | undefined },
): { studies: NamedStudy[]; ids: IdSource; depth: number | undefined } {
  const found = studies.filter(({ group }) => group.described === undefined);
  const folders = found.map(({ group }) => foldersOf(group.series));
  const depths = foldersName ? studyDepths(found, folders) : [];
  const agreed = foldersName ? agreeOnNames(folders, depths, (name) => isName(StudyId, name)) : undefined;
  const taken = new Set([...reserved, ...studies.flatMap(({ group }) => group.described ?? [])]);
  const usable = agreed?.names.every((name) => !taken.has(name)) ? agreed : undefined;
  const named = new Map(
    found.map((study, i) => [study, usable?.names[i] ?? pseudonym('study', study.group.key, idKey)]),
  );
  const all = studies.map((study) => {
    const id = study.group.described ?? named.get(study)!;
    const depth = study.group.described === undefined ? usable?.depth : 1;
    return nameSeries(study, id, depth, { idKey, foldersName });
  });
  all.sort((a, b) => compareNatural(a.study, b.study));
  const ids: IdSource =
    usable || found.length === 0
      ? { from: 'folders' }
      : { from: 'pseudonyms', ...(foldersName ? disagreement(folders, depths[0] ?? 1) : { split: 0, shared: 0 }) };
  return { studies: all, ids, depth: usable?.depth ?? depths.find((depth) => haveOwnFolders(folders, depth)) };
}

/** Whether a folder name can be a study id. */
export function isStudyName(name: string): boolean {
  return isName(StudyId, name);
}

/**
 * Whether a folder name can be an id. Names with a UID cannot: ids are in logs and results, which must not contain
 * UIDs.
 */
function isName(id: typeof StudyId | typeof SeriesId, name: string): boolean {
  return id.safeParse(name).success && !/^\d+(\.\d+){3,}$/.test(name) && withoutUids(name) === name;
}

function foldersOf(series: readonly SeriesGroup[]): FoldersOf {
  return new Set(series.flatMap(({ images }) => images.map(({ folder }) => folder)));
}

/** Depths at which folders may be studies: first that of the folders above the series' folders, then upwards. */
function studyDepths(studies: readonly SortedStudy[], folders: readonly FoldersOf[]): number[] {
  const spread = folders.filter((one) => one.size > 1);
  if (spread.length > 0) {
    const deepest = Math.min(...spread.map(commonDepth));
    return deepest > 0 ? depthsFrom(deepest, 1) : [];
  }
  const leaf = Math.min(...folders.map(commonDepth));
  if (!Number.isFinite(leaf) || leaf === 0) return [];
  // Every study is in one folder. With several series that is the folder of the study; with one series it may be that
  // of the series.
  const flat = studies.some(({ kept }) => new Set(kept.map(({ group }) => group)).size > 1);
  const above = leaf > 1 ? depthsFrom(leaf - 1, 1) : [];
  const areSeries = !flat && leaf > 1 && haveOwnFolders(folders, leaf - 1);
  return areSeries ? above : [leaf, ...above];
}

function nameSeries(
  { group: study, kept, rejected }: SortedStudy,
  id: string,
  studyDepth: number | undefined,
  { idKey, foldersName }: NamingOptions,
): NamedStudy {
  const read = [...new Set(kept.map(({ group }) => group))];
  const others = [...new Set(rejected.map(({ group }) => group))].filter((group) => !read.includes(group));
  const names = new Map<SeriesGroup, string>();
  for (const group of [...read, ...others]) if (group.described !== undefined) names.set(group, group.described);

  const unnamed = read.filter((group) => !names.has(group));
  const folders = unnamed.map(foldersOfImages(kept));
  const depths = foldersName ? seriesDepths(folders, studyDepth) : [];
  const agreed = agreeOnNames(folders, depths, (name) => isName(SeriesId, name));
  const used = () => new Set(names.values());
  const clash = agreed?.names.some((name) => used().has(name)) ?? true;
  unnamed.forEach((group, i) => {
    names.set(group, (!clash && agreed?.names[i]) || pseudonym('series', group.key, idKey));
  });
  // Rejected images are named by their folder if it holds nothing else.
  const readFolders = new Set(kept.flatMap(({ images }) => images.map(({ folder }) => folder)));
  const foldersOfOther = foldersOfImages(rejected);
  const holders = new Map<string, number>();
  for (const folder of others.flatMap((group) => [...foldersOfOther(group)])) {
    holders.set(folder, (holders.get(folder) ?? 0) + 1);
  }
  for (const group of others) {
    if (names.has(group)) continue;
    const [folder, ...more] = foldersOfOther(group);
    const alone = folder !== undefined && more.length === 0 && holders.get(folder) === 1 && !readFolders.has(folder);
    const name = alone && foldersName ? folder.slice(folder.lastIndexOf('/') + 1) : '';
    const fits = isName(SeriesId, name) && !used().has(name) && depthOf(folder!) > (studyDepth ?? 0);
    names.set(group, fits ? name : pseudonym('series', group.key, idKey));
  }
  const ids = new Set<string>();
  const series = numbered(kept, names, '-', ids);
  return {
    study: id,
    group: study,
    series: series.sort((a, b) => compareNatural(a.series, b.series)),
    rejected: numbered(rejected, names, '-rejected-', ids).sort((a, b) => compareNatural(a.series, b.series)),
  };
}

function foldersOfImages(stacks: readonly (KeptStack | RejectedImages)[]): (group: SeriesGroup) => FoldersOf {
  const folders = new Map<SeriesGroup, Set<string>>();
  for (const { group, images } of stacks) {
    const ofGroup = folders.get(group) ?? new Set();
    folders.set(group, ofGroup);
    for (const { folder } of images) ofGroup.add(folder);
  }
  return (group) => folders.get(group) ?? new Set();
}

/** First the folders in the study's folder or, if that is unknown, those below the common folder of the series. */
function seriesDepths(folders: readonly FoldersOf[], studyDepth: number | undefined): number[] {
  const all = new Set(folders.flatMap((one) => [...one]));
  if (all.size === 0) return [];
  const deepest = Math.max(...[...all].map(depthOf));
  const first = studyDepth === undefined ? (all.size > 1 ? commonDepth(all) + 1 : deepest) : studyDepth + 1;
  return first <= deepest && first > 0 ? depthsFrom(first, deepest) : [];
}

/** The first part of a series gets its name, the others get numbers; `taken` holds all names in use. */
function numbered<Part extends { readonly group: SeriesGroup }>(
  parts: readonly Part[],
  names: ReadonlyMap<SeriesGroup, string>,
  sign: string,
  taken: Set<string>,
): (Part & { series: string })[] {
  return parts.map((part) => {
    const base = names.get(part.group)!;
    let series = base;
    for (let place = 2; taken.has(series); place++) series = `${base}${sign}${place}`;
    taken.add(series);
    return { ...part, series };
  });
}

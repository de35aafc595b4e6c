/**
 * Groups scanned images by StudyInstanceUID and SeriesInstanceUID (PS3.3 C.7.2.1, C.7.3.1), by folder if these are
 * absent, and by the described folder if there is a description. Copies of an image are removed.
 */

import type { Kind } from '../../domain/index.ts';
import { isIdentified } from './compact-facts.ts';
import type { ImageTable, ScannedImage } from './image-table.ts';
import type { Skipped } from './skipped.ts';

/** Descriptions by study folder and series folder. */
export type Descriptions = ReadonlyMap<
  string,
  ReadonlyMap<string, { readonly kind: Kind | undefined; readonly description: string | undefined }>
>;

export interface SeriesGroup {
  readonly uid: string | undefined;
  /** Its id in the descriptions. */
  readonly described: string | undefined;
  /** The input of its pseudonym: the UID, or the folder if there is none. */
  readonly key: string;
  /** In the order of folder and name, without copies. */
  images: readonly ScannedImage[];
}

export interface StudyGroup {
  readonly uid: string | undefined;
  readonly described: string | undefined;
  readonly key: string;
  readonly series: readonly SeriesGroup[];
}

/** @param skipped counts the copies. */
export function groupStudies(table: ImageTable, skipped: Skipped, descriptions?: Descriptions): StudyGroup[] {
  const studies = new Map<string, StudyGroup & { series: SeriesGroup[] }>();
  const series = new Map<string, SeriesGroup & { images: ScannedImage[] }>();
  for (const image of table.inOrder()) {
    const { studyInstanceUid, seriesInstanceUid } = table.sharedOf(image);
    const [first = '', second = ''] = image.folder.split('/', 2);
    const ofStudy = descriptions?.get(first);
    const describedStudy = ofStudy && first;
    const describedSeries = ofStudy?.has(second) ? second : undefined;

    const studyKey = describedStudy ?? studyInstanceUid ?? `folder ${studyFolderOf(image.folder)}`;
    const studyAt = `${ofStudy ? 'described' : 'found'} ${studyKey}`;
    let study = studies.get(studyAt);
    if (!study) {
      study = { uid: studyInstanceUid, described: describedStudy, key: studyKey, series: [] };
      studies.set(studyAt, study);
    }
    const seriesKey = describedSeries ?? seriesInstanceUid ?? `folder ${image.folder}`;
    const seriesAt = `${studyAt}\n${describedSeries !== undefined ? 'described' : 'found'} ${seriesKey}`;
    let one = series.get(seriesAt);
    if (!one) {
      one = { uid: seriesInstanceUid, described: describedSeries, key: seriesKey, images: [] };
      series.set(seriesAt, one);
      study.series.push(one);
    }
    one.images.push(image);
  }
  for (const one of series.values()) one.images = withoutCopies(one.images, skipped);
  return [...studies.values()];
}

/**
 * The folder that stands for a study without a UID: the one that holds the folders of its series, as in
 * `{study}/{series}/*`.
 */
function studyFolderOf(folder: string): string {
  const slash = folder.lastIndexOf('/');
  return slash < 0 ? folder : folder.slice(0, slash);
}

/**
 * Of the copies of an image the largest file is kept, since a truncated copy has the same header. Of equal sizes the
 * one in the folder with most images of the series is kept, so that a partial copy does not split the series.
 */
function withoutCopies(images: readonly ScannedImage[], skipped: Skipped): ScannedImage[] {
  const inFolder = new Map<string, number>();
  for (const { folder } of images) inFolder.set(folder, (inFolder.get(folder) ?? 0) + 1);
  const isBetter = (image: ScannedImage, other: ScannedImage) =>
    (image.size - other.size || inFolder.get(image.folder)! - inFolder.get(other.folder)!) > 0;
  const kept = new Map<string, ScannedImage>();
  const nameless: ScannedImage[] = [];
  for (const image of images) {
    if (!isIdentified(image.own)) {
      nameless.push(image);
      continue;
    }
    const identity = `${image.shared} ${image.own}`;
    const other = kept.get(identity);
    if (other) skipped.add('duplicate');
    if (!other || isBetter(image, other)) kept.set(identity, image);
  }
  return [...kept.values(), ...nameless];
}

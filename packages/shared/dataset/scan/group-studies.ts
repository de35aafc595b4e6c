/**
 * Puts scanned images together by StudyInstanceUID and SeriesInstanceUID (PS3.3 C.7.2.1, C.7.3.1), by folder where these
 * are absent, and by the described folder where somebody described it. A copy of an image is taken once.
 */

import type { Kind } from '../../domain/index.ts';
import { isIdentified } from './compact-facts.ts';
import type { ImageTable, ScannedImage } from './image-table.ts';
import type { Skipped } from './skipped.ts';

/** Study folder to series folder to what somebody wrote of it. */
export type Descriptions = ReadonlyMap<
  string,
  ReadonlyMap<string, { readonly kind: Kind | undefined; readonly description: string | undefined }>
>;

export interface SeriesGroup {
  readonly uid: string | undefined;
  /** The id that the descriptions give it. */
  readonly described: string | undefined;
  /** What its pseudonym is made of: the UID, or else the folder. */
  readonly key: string;
  /** In the order of folder and name, no image twice. */
  images: readonly ScannedImage[];
}

export interface StudyGroup {
  readonly uid: string | undefined;
  readonly described: string | undefined;
  readonly key: string;
  readonly series: readonly SeriesGroup[];
}

/** @param skipped told of copies. */
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

/** A study without a UID is the folder that holds its series' folders, as in `{study}/{series}/*`. */
function studyFolderOf(folder: string): string {
  const slash = folder.lastIndexOf('/');
  return slash < 0 ? folder : folder.slice(0, slash);
}

/**
 * Of equal images the larger file, because a copy that was cut in its pixels has the same header; of files of one size the one
 * in the folder that holds most of the series, so that a partial copy does not split it.
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

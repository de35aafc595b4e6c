/** Makes the studies of a dataset from a finished scan: grouped, sorted, named, and returned as entries on request. */

import type { Kind } from '../../domain/index.ts';
import { compareNatural } from '../natural-order.ts';
import type { Problem, SeriesEntry, StudyEntry } from '../study-entry.ts';
import { addDamage, FolderOwners } from './damaged-files.ts';
import { FoundProblems } from './found-problems.ts';
import { type Descriptions, groupStudies } from './group-studies.ts';
import type { ScannedImage } from './image-table.ts';
import { lostStudies } from './lost-studies.ts';
import { type NamedStudy, nameStudies } from './name-studies.ts';
import { reportOf, type ScanReport } from './scan-report.ts';
import type { ScanSink } from './scan-sink.ts';
import { addShortSeries } from './short-series.ts';
import { sortStudy } from './sort-study.ts';

export interface ScannedOptions {
  /** The absolute location of an image. */
  readonly locationOf: (image: ScannedImage) => string;
  readonly idKey?: string | undefined;
  /** Whether ids may come from folders; default true. */
  readonly foldersName?: boolean | undefined;
  readonly descriptions?: Descriptions | undefined;
  /** Ids of other studies of the dataset. */
  readonly reserved?: Iterable<string> | undefined;
  /** The depth at which folders are studies, if known; default: the depth at which they agree with the UIDs. */
  readonly studyDepth?: number | undefined;
}

/** What the scan knows about a study in addition to its entry. */
export interface StudyScan {
  /** The kind by the headers, for each series. */
  readonly kinds: ReadonlyMap<string, Kind>;
  /** The locations of each rejected group, by series. An entry has only their number. */
  readonly rejected: ReadonlyMap<string, readonly string[]>;
}

/** Which id stands for which UID. It identifies patients: only for people who may see that. */
export interface Identity {
  readonly study: string;
  readonly series: string;
  readonly studyUid: string | undefined;
  readonly seriesUid: string | undefined;
  /** Folders with images of the series, below the dataset's folder. */
  readonly folders: readonly string[];
  readonly seriesDescription: string | undefined;
  readonly rejection: string | undefined;
}

export interface ScannedStudies {
  readonly report: ScanReport;
  readonly studies: readonly string[];
  /** @throws {RangeError} for an id that is not among `studies`. */
  entry(study: string): StudyEntry;
  /** `undefined` for an id that is not among `studies`. */
  scanOf(study: string): StudyScan | undefined;
  identities(): Generator<Identity>;
}

export function scannedStudies(sink: ScanSink, options: ScannedOptions): ScannedStudies {
  const { table, skipped, losses, short } = sink;
  const { descriptions, idKey, foldersName = true, locationOf } = options;
  const groups = groupStudies(table, skipped, descriptions);
  const sorted = groups.map((group) => sortStudy(group, table, descriptions));
  const reserved = [...(options.reserved ?? [])];
  const { studies, ids, depth } = nameStudies(sorted, { idKey, foldersName, reserved });
  const owners = new FolderOwners(studies);
  const { lost: ofFolders, others } = lostStudies(losses, owners, {
    depth: options.studyDepth ?? depth,
    named: ids.from === 'folders',
    described: descriptions ?? new Map(),
    taken: [...reserved, ...(descriptions?.keys() ?? []), ...studies.map(({ study }) => study)],
    idKey,
  });
  const problems = new FoundProblems();
  addDamage(others, owners, problems);
  const lost = [...ofFolders, ...addShortSeries(short, studies, problems, idKey)];
  const problemsOfLost = new Map(lost.map((one) => [one.study, one.problems]));
  const places = new Map(studies.map(({ study }, place) => [study, place]));
  return {
    report: reportOf(studies, lost, sink, ids),
    studies: [...places.keys(), ...problemsOfLost.keys()].sort(compareNatural),
    entry(study) {
      const whyLost = problemsOfLost.get(study);
      if (whyLost) return { study, series: [], problems: [...whyLost] };
      const place = places.get(study) ?? -1;
      const found = studies[place];
      if (!found) throw new RangeError('no such study in the scan');
      return entryOf(found, place, problems, options);
    },
    scanOf(study) {
      const found = studies[places.get(study) ?? -1];
      if (!found) return undefined;
      return {
        kinds: new Map(found.series.flatMap(({ series, kind }) => (kind ? [[series, kind]] : []))),
        rejected: new Map(found.rejected.map(({ series, images }) => [series, byName(images).map(locationOf)])),
      };
    },
    *identities() {
      for (const { study, group, series, rejected } of studies) {
        for (const one of [...series, ...rejected]) {
          yield {
            study,
            series: one.series,
            studyUid: group.uid,
            seriesUid: one.group.uid,
            folders: foldersName ? [...new Set(one.images.map(({ folder }) => folder))].sort(compareNatural) : [],
            seriesDescription: table.sharedOf(one.images[0]!).seriesDescription,
            rejection: 'rejection' in one ? one.rejection : undefined,
          };
        }
      }
    },
  };
}

function entryOf(
  { study, group, series, rejected }: NamedStudy,
  place: number,
  found: FoundProblems,
  { locationOf, descriptions }: ScannedOptions,
): StudyEntry {
  const problems: Problem[] = [];
  if (group.uid === undefined && group.described === undefined) {
    const images = group.series.reduce((sum, one) => sum + one.images.length, 0);
    const message = `${images === 1 ? '1 image has' : `${images} images have`} no StudyInstanceUID: the folder is taken for the study`;
    problems.push({ code: 'STUDY_UID_MISSING', message });
  }
  problems.push(...found.ofStudy(place));
  return {
    study,
    series: series.map(({ series: id, reasons, images, group: { described } }): SeriesEntry => {
      // Only text by a person is a description. Stage 1 infers the kind from the headers again.
      const given = described === undefined ? undefined : descriptions?.get(group.described!)?.get(described);
      const ofSeries = found.ofSeries(place, id);
      return {
        series: id,
        ...(given?.kind !== undefined && { kind: given.kind }),
        ...(given?.description !== undefined && { description: given.description }),
        instances: byName(images).map((image) => ({ location: locationOf(image), fingerprint: image.fingerprint })),
        ...(ofSeries.length > 0 && { problems: [...ofSeries] }),
        ...(reasons.length > 0 && { reasons: [...reasons] }),
      };
    }),
    ...(problems.length > 0 && { problems }),
    ...(rejected.length > 0 && {
      rejected: rejected.map(({ series: id, images, rejection, reason, kind }) => ({
        series: id,
        images: images.length,
        rejection,
        reason: reason || rejection,
        ...(kind !== undefined && { kind }),
      })),
    }),
  };
}

/** Sorts images in natural order of folder and name, as in a described folder. */
function byName(images: readonly ScannedImage[]): ScannedImage[] {
  return images
    .map((image) => ({ image, path: `${image.folder}/${image.name}` }))
    .sort((a, b) => compareNatural(a.path, b.path))
    .map(({ image }) => image);
}

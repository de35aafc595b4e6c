/**
 * The parts of a dataset that come from a scan of a local folder, bucket or server. With descriptions, also the
 * described studies that the scan did not find. Everything is looked up by id.
 */

import { basename } from 'node:path';
import { DatasetError } from '../domain/index.ts';
import type { Dataset, SkippedCounts } from './dataset.ts';
import { compareNatural } from './natural-order.ts';
import type { Descriptions } from './scan/group-studies.ts';
import type { ScannedStudies } from './scan/scanned-dataset.ts';
import { SKIP_REASONS } from './scan/skipped.ts';
import type { Problem, SeriesEntry, StudyEntry } from './study-entry.ts';

export type Scanned = Omit<Dataset, 'origin' | 'form' | 'split' | 'labels' | 'coordinates'>;

/**
 * A scan as a dataset.
 *
 * @param described the descriptions and notes on them, if there are any. Then a scan without images is no error here,
 *   described studies that were not found are added, and studies without a description get a problem.
 * @throws {DatasetError} `DATASET_EMPTY`
 */
export function scanned(
  found: ScannedStudies,
  origin: string,
  described?: { readonly descriptions: Descriptions; readonly notes: readonly string[] },
): Scanned {
  const descriptions = described?.descriptions;
  const ids = new Set(found.studies);
  const studies = descriptions ? [...new Set([...ids, ...descriptions.keys()])].sort(compareNatural) : found.studies;
  if (studies.length === 0) throw noImages(origin, found.report.skipped);
  return {
    notes: described?.notes ?? [],
    scan: found.report,
    studyCount: studies.length,
    skipped: () => found.report.skipped,
    async *studies() {
      for (const study of studies) {
        const series = descriptions?.get(study);
        if (!ids.has(study)) yield absentStudy(study, series!);
        else if (!descriptions) yield found.entry(study);
        else yield series ? withAbsentSeries(found.entry(study), series) : undescribed(found.entry(study));
      }
    },
    scanOf: (study) => found.scanOf(study),
    identities: () => found.identities(),
  };
}

/** The error for a dataset without an image. It says what else was found. */
export function noImages(origin: string, skipped: SkippedCounts): DatasetError {
  const counts = Object.entries(skipped).map(([reason, count]) => {
    const [one, many] = SKIP_REASONS[reason as keyof SkippedCounts];
    return `${count} ${count === 1 ? one : many}`;
  });
  return new DatasetError('DATASET_EMPTY', 'no DICOM image in this folder', {
    file: basename(origin),
    expected: 'DICOM images at any depth, or test_images/{study}/{series}/* with test_series_descriptions.csv',
    found: counts.length > 0 ? counts.join(', ') : 'nothing',
  });
}

/** The entry of a study that is not described. */
export function undescribed(entry: StudyEntry): StudyEntry {
  const message = 'not in the series descriptions: kinds are inferred from DICOM';
  return { ...entry, problems: [{ code: 'STUDY_NOT_DESCRIBED', message }, ...(entry.problems ?? [])] };
}

type SeriesDescriptions = Descriptions extends ReadonlyMap<string, infer OfStudy> ? OfStudy : never;

function withAbsentSeries(entry: StudyEntry, described: SeriesDescriptions): StudyEntry {
  const known = new Set([...entry.series, ...(entry.rejected ?? [])].map((one) => one.series));
  const problem = { code: 'SERIES_FOLDER_MISSING', message: 'there is no folder with images for this series' } as const;
  const added = withoutImages(described, [problem]).filter(({ series }) => !known.has(series));
  if (added.length === 0) return entry;
  return { ...entry, series: [...entry.series, ...added].sort((a, b) => compareNatural(a.series, b.series)) };
}

function absentStudy(study: string, described: SeriesDescriptions): StudyEntry {
  const message = 'described, but there is no image in a folder for this study';
  return { study, series: withoutImages(described), problems: [{ code: 'STUDY_FOLDER_MISSING', message }] };
}

function withoutImages(described: SeriesDescriptions, problems?: Problem[]): SeriesEntry[] {
  return [...described]
    .map(([series, { kind, description }]): SeriesEntry => ({
      series,
      ...(kind !== undefined && { kind }),
      ...(description !== undefined && { description }),
      instances: [],
      ...(problems && { problems }),
    }))
    .sort((a, b) => compareNatural(a.series, b.series));
}

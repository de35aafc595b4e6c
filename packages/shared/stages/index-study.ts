/**
 * Makes the series index of a study from its files: its slices, their order and position, which series are read, and
 * what is odd about them.
 */

import type { StudyEntry } from '../dataset/index.ts';
import type { Allocate } from '../dicom/index.ts';
import { type Flag, type Kind, type PixelData, SERIES_DESCRIPTIONS, StudyError } from '../domain/index.ts';
import type { Image } from '../imaging/index.ts';
import type { IndexedSlice, RejectedSeries, SeriesIndex } from './artefacts.ts';
import { timeDecoding } from './decode-time.ts';
import {
  type Files,
  type Findings,
  FrameNumbers,
  type ReadSeries,
  type ReadSlice,
  readEntry,
  StackNames,
} from './read-series.ts';
import { chooseSeries } from './series-choice.ts';

export interface IndexedStudy {
  readonly index: SeriesIndex;
  /** The slices of the sagittal series in use, by kind, in spatial order. */
  readonly sagittal: Partial<Record<Kind, ReadSlice[]>>;
  /** The pixels of a slice of the index, in canonical orientation: see {@link ReadSlice}. */
  image(slice: IndexedSlice): Image<PixelData>;
}

/**
 * Indexes a study.
 *
 * @param files fetched bytes by location. The study refers to them, so they must not change.
 * @param allocate gives the memory of pixel values; default: new arrays.
 * @throws {StudyError} `STUDY_WITHOUT_IMAGES` if the dataset has no file for it, `STUDY_UNREADABLE` if no slice of it
 *   can be read and placed, `STUDY_WITHOUT_SERIES` if none of its images is of a scored kind.
 */
export async function indexStudy(study: StudyEntry, files: Files, allocate?: Allocate): Promise<IndexedStudy> {
  const instances = study.series.flatMap((series) => series.instances);
  const rejected: RejectedSeries[] = (study.rejected ?? []).map(({ series, images, rejection, reason }) => ({
    series,
    images,
    rejection,
    reason,
  }));
  if (instances.length === 0) throw withoutImages(study, rejected);
  const flags: Flag[] = [];
  const names = new StackNames(study.series.map(({ series }) => series));
  const findings: Findings = { frames: new FrameNumbers(), names, studyUids: new Set(), rejected, flags, allocate };
  const series: ReadSeries[] = [];
  for (const entry of study.series) {
    series.push(...(await timeDecoding(() => readEntry(study.study, entry, files, findings))));
  }
  if (series.length === 0) throw unreadable(study, flags, rejected);
  if (findings.studyUids.size > 1) {
    const named = [...findings.studyUids].filter((uid) => uid !== '').length;
    const without = findings.studyUids.has('') ? ', and images without one' : '';
    flags.push({ code: 'study_uids_differ', detail: `${named === 1 ? 'one' : `${named} different ones`}${without}` });
  }
  flagDatasetProblems(study, flags);
  chooseSeries(series, flags);
  const images = new Map<IndexedSlice, () => Image<PixelData>>();
  const indexed = ({ image, ...slice }: ReadSlice): IndexedSlice => {
    images.set(slice, image);
    return slice;
  };
  return {
    index: {
      schema: 'spineline.series-index/1',
      series: series.map(({ slices, preference, ...rest }) => ({ ...rest, slices: slices.map(indexed) })),
      ...(rejected.length > 0 && { rejected }),
      flags,
    },
    sagittal: Object.fromEntries(
      series.filter(({ kind, used }) => used && kind !== 'axial_t2').map(({ kind, slices }) => [kind, slices]),
    ),
    image: (slice) => images.get(slice)!(),
  };
}

/**
 * Problems found when the dataset was read: a series that is described but has no files, a folder that is not
 * described.
 */
function flagDatasetProblems(study: StudyEntry, flags: Flag[]): void {
  for (const { message } of study.problems ?? []) flags.push({ code: 'dataset_problem', detail: message });
  for (const { series, kind, problems } of study.series) {
    const known = flags.some((flag) => flag.series === series && flag.code === 'series_unreadable');
    if (known) continue;
    for (const { message } of problems ?? []) flags.push({ code: 'dataset_problem', kind, series, detail: message });
  }
}

/** Problems of a dataset that cost no image. */
const REMARKS: ReadonlySet<string> = new Set(['STUDY_NOT_DESCRIBED', 'STUDY_UID_MISSING', 'FILES_OUTSIDE_SERIES']);
/** Rejections that a manifest cannot overrule. */
const NEVER_READ: ReadonlySet<string> = new Set(['not_mr', 'colour', 'capture']);
/** How many reasons a message names. The manifest and the results list all. */
const REASONS_SHOWN = 5;

function withoutImages(study: StudyEntry, rejected: readonly RejectedSeries[]): StudyError {
  const problems = [...(study.problems ?? []), ...study.series.flatMap((series) => series.problems ?? [])];
  const problem = problems.find(({ code }) => !REMARKS.has(code)) ?? problems[0];
  const damaged = study.problems?.find(({ code }) => code === 'FILES_DAMAGED');
  if (damaged) {
    return new StudyError('STUDY_UNREADABLE', 'no file of the study could be read', {
      study: study.study,
      expected: 'readable DICOM of at least one series',
      found: damaged.message,
    });
  }
  const lost = problem !== undefined && !REMARKS.has(problem.code);
  if (!lost && rejected.length > 0) return withoutSeries(study, rejected);
  return new StudyError('STUDY_WITHOUT_IMAGES', 'the study has no images', {
    study: study.study,
    series: study.series.map(({ series }) => series).join(', ') || undefined,
    expected: 'at least one DICOM file',
    found: problem?.message ?? 'none',
  });
}

/** The study has images, but none of a scored kind. */
function withoutSeries(study: StudyEntry, rejected: readonly RejectedSeries[]): StudyError {
  const reasons = rejected.map(
    ({ series, images, reason }) => `series ${series} (${images} ${images === 1 ? 'image' : 'images'}): ${reason}`,
  );
  const more = reasons.length > REASONS_SHOWN ? [`and ${reasons.length - REASONS_SHOWN} more`] : [];
  return new StudyError('STUDY_WITHOUT_SERIES', 'no series of the study is of a kind that is scored', {
    study: study.study,
    expected: `one of ${Object.values(SERIES_DESCRIPTIONS).join(', ')}, as MR`,
    found: [...reasons.slice(0, REASONS_SHOWN), ...more].join(' | '),
    hint: rejected.every(({ rejection }) => NEVER_READ.has(rejection))
      ? 'only MR images in grey levels are read; a manifest cannot overrule that'
      : 'if a series is nevertheless of one of these kinds, say so in a manifest: docs/manifests.md, "Overruling"',
  });
}

function unreadable(study: StudyEntry, flags: readonly Flag[], rejected: readonly RejectedSeries[]): StudyError {
  const first = flags.find(({ code }) => code === 'series_unreadable' || code === 'slice_unreadable');
  if (!first && rejected.length > 0) return withoutSeries(study, rejected);
  const shown = first ?? flags.find(({ detail }) => detail !== undefined) ?? flags[0];
  return new StudyError('STUDY_UNREADABLE', 'not one slice of the study could be read and placed', {
    study: study.study,
    series: shown?.series,
    file: shown?.instance === undefined ? undefined : String(shown.instance),
    expected: 'readable DICOM of at least one series',
    found: shown?.detail ?? 'no series of a kind that is scored',
  });
}

/**
 * From a study's files to its series index: which slices there are, in which order, where they lie, which series are
 * read, and what is odd about them. Every file is opened and decoded once here, so that the later stages know that what
 * the index names can be read.
 */

import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { InstanceEntry, SeriesEntry, StudyEntry } from '../dataset/index.ts';
import { classifySeries, type DicomHeader, type FrameHeader, readFrame, readHeader } from '../dicom/index.ts';
import { DicomError, type Flag, type Kind, SERIES_DESCRIPTIONS, StudyError } from '../domain/index.ts';
import { isPlaceable, orderSlices, planeKind } from '../geometry/index.ts';
import type { Image } from '../imaging/index.ts';
import type { IndexedSeries, IndexedSlice, SeriesIndex } from './artefacts.ts';
import { timeDecoding } from './decode-time.ts';
import { chooseSeries } from './series-choice.ts';

/** The bytes of a file, or why they could not be fetched (a file that vanished is a slice less, not a study less). */
export type FetchedFile = Uint8Array | { readonly missing: string };

/** A slice of the index with its pixels (modality values, row-major). */
export interface ReadSlice extends IndexedSlice {
  readonly image: Image;
}

export interface IndexedStudy {
  readonly index: SeriesIndex;
  /** Pixels of the sagittal series in use, by kind, in spatial order. */
  readonly sagittal: Partial<Record<Kind, ReadSlice[]>>;
  /** Pixels of every slice of the index. */
  readonly images: ReadonlyMap<IndexedSlice, Image>;
}

/** Fewer slices than this and a crop repeats slices; the result says so. */
const FEW_SLICES = 5;
/** Cosines that differ by more than this (half a degree or so) belong to blocks of another angle. */
const SAME_PLANE = 0.01;

/**
 * Indexes a study.
 *
 * @param files fetched bytes by location.
 * @throws {StudyError} `STUDY_WITHOUT_IMAGES` if the dataset has no file for it, `STUDY_UNREADABLE` if not one slice of
 *   it can be read and placed.
 */
export async function indexStudy(study: StudyEntry, files: ReadonlyMap<string, FetchedFile>): Promise<IndexedStudy> {
  const instances = study.series.flatMap((series) => series.instances);
  if (instances.length === 0) {
    const problem = study.problems?.[0] ?? study.series.flatMap((series) => series.problems ?? [])[0];
    throw new StudyError('STUDY_WITHOUT_IMAGES', 'the study has no images', {
      study: study.study,
      series: study.series.map(({ series }) => series).join(', ') || undefined,
      expected: 'at least one DICOM file',
      found: problem?.message ?? 'none',
    });
  }
  const flags: Flag[] = [];
  const frames = new FrameNumbers();
  const series: ReadSeries[] = [];
  for (const entry of study.series) {
    const read = await timeDecoding(() => readSeries(study.study, entry, files, frames, flags));
    if (read) series.push(read);
  }
  if (series.length === 0) throw unreadable(study, flags);
  flagDatasetProblems(study, flags);
  chooseSeries(series, flags);
  const images = new Map<IndexedSlice, Image>();
  const indexed = ({ image, ...slice }: ReadSlice): IndexedSlice => {
    images.set(slice, image);
    return slice;
  };
  return {
    index: {
      schema: 'spineline.series-index/1',
      series: series.map(({ series: name, kind, used, slices }) => ({
        series: name,
        kind,
        used,
        slices: slices.map(indexed),
      })),
      flags,
    },
    sagittal: Object.fromEntries(
      series.filter(({ kind, used }) => used && kind !== 'axial_t2').map(({ kind, slices }) => [kind, slices]),
    ),
    images,
  };
}

type ReadSeries = Omit<IndexedSeries, 'slices'> & { slices: ReadSlice[] };

/** Numbers frames of reference in order of appearance: equal numbers mean equal UIDs, and no UID is kept. */
class FrameNumbers {
  readonly #numbers = new Map<string, number>();
  of(uid: string | undefined): number | null {
    if (!uid) return null;
    const known = this.#numbers.get(uid) ?? this.#numbers.size;
    this.#numbers.set(uid, known);
    return known;
  }
}

/** One series: reads what can be read, flags what cannot, orders the rest. `undefined` if nothing is left of it. */
async function readSeries(
  study: string,
  entry: SeriesEntry,
  files: ReadonlyMap<string, FetchedFile>,
  frames: FrameNumbers,
  flags: Flag[],
): Promise<ReadSeries | undefined> {
  const series = entry.series;
  const headers: DicomHeader[] = [];
  const slices: (ReadSlice & { instanceNumber: number })[] = [];
  const problems: Flag[] = [];
  for (const instance of entry.instances) {
    try {
      const bytes = bytesOf(study, series, instance, files);
      const context = { study, series, file: fileName(instance) };
      const header = readHeader(bytes, context);
      headers.push(header);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      for (const frame of header.frames) {
        const number = frame.instanceNumber ?? instanceNumberOfName(instance) ?? slices.length + 1;
        const unplaced = whatIsNotPlaced(frame, header);
        if (unplaced) {
          problems.push({
            code: 'slice_not_placed',
            series,
            instance: number,
            detail: `${fileName(instance)}: no ${unplaced}`,
          });
          continue;
        }
        const data = await readFrame(bytes, header, frame.frame, context);
        slices.push({
          instance: number,
          instanceNumber: number,
          location: instance.location,
          frame: frame.frame,
          sha256,
          rows: header.rows,
          columns: header.columns,
          spacing: [...frame.spacing!],
          position: [...frame.position!],
          orientation: [...frame.orientation!],
          frameOfReference: frames.of(frame.frameOfReferenceUid),
          image: { data, height: header.rows, width: header.columns },
        });
      }
    } catch (error) {
      if (!(error instanceof DicomError)) throw error;
      problems.push({ code: 'slice_unreadable', series, instance: fileName(instance), detail: reasonOf(error) });
    }
  }
  const kind = entry.kind ?? inferKind(headers, series, flags);
  if (!kind) return undefined;
  if (slices.length === 0) {
    const reason = problems[0]?.detail ?? entry.problems?.[0]?.message ?? 'the dataset lists no file for it';
    flags.push({ code: 'series_unreadable', kind, series, instance: problems[0]?.instance, detail: reason });
    return undefined;
  }
  flags.push(...problems.map((flag) => ({ ...flag, kind })));
  const order = orderSlices(slices, kind);
  flagOrder(order, kind, series, flags);
  return { series, kind, used: true, slices: order.ordered.map(({ instanceNumber, ...slice }) => slice) };
}

function bytesOf(
  study: string,
  series: string,
  instance: InstanceEntry,
  files: ReadonlyMap<string, FetchedFile>,
): Uint8Array {
  const file = files.get(instance.location);
  if (file instanceof Uint8Array) return file;
  throw new DicomError('DICOM_NOT_DICOM', 'the file could not be opened', {
    study,
    series,
    file: fileName(instance),
    found: file?.missing ?? 'nothing there',
  });
}

function fileName(instance: InstanceEntry): string {
  return decodeURIComponent(basename(instance.location));
}

/** The challenge's layout names a file by its instance number; a file that lacks the attribute still has its name. */
function instanceNumberOfName(instance: InstanceEntry): number | undefined {
  const match = /^(\d{1,9})(?:\.dcm)?$/i.exec(fileName(instance));
  return match ? Number(match[1]) : undefined;
}

function whatIsNotPlaced(
  { position, orientation, spacing }: FrameHeader,
  { rows, columns }: DicomHeader,
): string | undefined {
  if (position && orientation && spacing) {
    return isPlaceable({ rows, columns, position, orientation, spacing }) ? undefined : 'usable plane';
  }
  const lacking = [
    !position && 'ImagePositionPatient',
    !orientation && 'ImageOrientationPatient',
    !spacing && 'PixelSpacing',
  ].filter(Boolean);
  return `usable ${lacking.join(', ')}`;
}

/** What is wrong with the file, without repeating study, series and file, which the flag has as fields. */
function reasonOf(error: DicomError): string {
  const { summary, context } = error;
  return [summary, context.expected && `expected ${context.expected}`, context.found && `found ${context.found}`]
    .filter(Boolean)
    .join('; ');
}

function inferKind(headers: readonly DicomHeader[], series: string, flags: Flag[]): Kind | undefined {
  const kind = headers[0] && classifySeries(headers[0]);
  if (kind) flags.push({ code: 'series_kind_inferred', kind, series, detail: `read as ${SERIES_DESCRIPTIONS[kind]}` });
  else if (headers[0]) flags.push({ code: 'series_kind_unknown', series });
  else flags.push({ code: 'series_unreadable', series, detail: 'no file of it could be read' });
  return kind;
}

function flagOrder(
  order: ReturnType<typeof orderSlices<ReadSlice & { instanceNumber: number }>>,
  kind: Kind,
  series: string,
  flags: Flag[],
): void {
  const { ordered, repeated, gaps, mismatched, asPromised } = order;
  for (const { instance } of repeated) flags.push({ code: 'slice_repeated', kind, series, instance });
  for (const { instance } of mismatched) {
    flags.push({ code: 'slice_not_placed', kind, series, instance, detail: 'its plane is not that of the series' });
  }
  for (const { after, distanceMm, typicalMm } of gaps) {
    const next = ordered[ordered.indexOf(after) + 1];
    // Blocks that are angled to the discs lie apart by design.
    if (next?.orientation.some((cosine, i) => Math.abs(cosine - after.orientation[i]!) > SAME_PLANE)) continue;
    const detail = `${distanceMm.toFixed(1)} mm to the next slice, usually ${typicalMm.toFixed(1)} mm`;
    flags.push({ code: 'slice_gap', kind, series, instance: after.instance, detail });
  }
  const sizes = new Set(ordered.map(({ rows, columns }) => `${columns}x${rows}`));
  if (sizes.size > 1) flags.push({ code: 'slice_sizes_differ', kind, series, detail: [...sizes].join(', ') });
  if (ordered.length < FEW_SLICES) flags.push({ code: 'slices_few', kind, series, detail: `${ordered.length} slices` });
  if (!asPromised && ordered[0]) {
    flags.push({ code: 'orientation_unexpected', kind, series, detail: `${planeKind(ordered[0].orientation)} planes` });
  }
  const frames = new Set(ordered.map(({ frameOfReference }) => frameOfReference));
  if (frames.has(null)) flags.push({ code: 'frame_of_reference_missing', kind, series });
  if (frames.size > 1) {
    flags.push({ code: 'frame_of_reference_differs', kind, series, detail: 'its own slices are in several frames' });
  }
}

/** What was odd when the dataset was read: a series that is described and has no files, a folder that nobody described. */
function flagDatasetProblems(study: StudyEntry, flags: Flag[]): void {
  for (const { message } of study.problems ?? []) flags.push({ code: 'dataset_problem', detail: message });
  for (const { series, kind, problems } of study.series) {
    const known = flags.some((flag) => flag.series === series && flag.code === 'series_unreadable');
    if (known) continue;
    for (const { message } of problems ?? []) flags.push({ code: 'dataset_problem', kind, series, detail: message });
  }
}

function unreadable(study: StudyEntry, flags: readonly Flag[]): StudyError {
  const first = flags.find(({ detail }) => detail !== undefined) ?? flags[0];
  return new StudyError('STUDY_UNREADABLE', 'not one slice of the study could be read and placed', {
    study: study.study,
    series: first?.series,
    file: first?.instance === undefined ? undefined : String(first.instance),
    expected: 'readable DICOM of at least one series',
    found: first?.detail ?? 'no series of a kind that is scored',
  });
}

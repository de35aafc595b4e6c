/**
 * Reads the series of one entry of the dataset: opens every file, leaves out images of no scored kind with a reason,
 * separates stacks, and decodes and orders the slices of each.
 *
 * Every file of a scored kind is decoded here once, so that later stages know that every slice of the index can be
 * read. Pixel values are made only of slices that are asked for. Source of the rules: docs/pipeline.md, "Which series", "Order of slices" and "Orientation".
 */

import { hash } from 'node:crypto';
import type { InstanceEntry, SeriesEntry } from '../dataset/index.ts';
import {
  type Allocate,
  type DicomHeader,
  type DicomImage,
  type FrameHeader,
  type FramePixels,
  openImage,
  readFacts,
} from '../dicom/index.ts';
import { DicomError, type Flag, type Kind, type PixelData, SERIES_DESCRIPTIONS } from '../domain/index.ts';
import { canonicalTurns, isPlaceable, isUpright, orderSlices, type Turn } from '../geometry/index.ts';
import { type Image, turnImage } from '../imaging/index.ts';
import { type Preferred, type RejectedUnits, type Stack, sortOut, type Unit } from '../series/index.ts';
import { describeLocation, type FetchedFile } from '../sources/index.ts';
import type { IndexedSeries, IndexedSlice, RejectedSeries } from './artefacts.ts';
import { flagOrder, flagOrientation, flagRejected, flagRepairs, flagUnread } from './series-flags.ts';

/** A slice of the index that has been decoded. */
export interface ReadSlice extends IndexedSlice {
  /** Its pixels, row-major, in canonical orientation. They are made once, at the first call. */
  readonly image: () => Image<PixelData>;
}

/** A series with its slices, and with the traits that decide between several series of one kind. */
export type ReadSeries = Omit<IndexedSeries, 'slices'> & Preferred & { slices: ReadSlice[] };

/** Fetched files by location. */
export type Files = ReadonlyMap<string, FetchedFile>;

/** What is collected about a study while its series are read. */
export interface Findings {
  readonly frames: FrameNumbers;
  readonly names: StackNames;
  /** StudyInstanceUIDs of all images that are read, '' for an image without one; never shown. */
  readonly studyUids: Set<string>;
  readonly rejected: RejectedSeries[];
  readonly flags: Flag[];
  /** Gives the memory of pixel values. */
  readonly allocate?: Allocate | undefined;
}

/** Numbers frames of reference in order of appearance: equal numbers mean equal UIDs, and no UID is kept. */
export class FrameNumbers {
  readonly #numbers = new Map<string, number>();
  of(uid: string | undefined): number | null {
    if (!uid) return null;
    const known = this.#numbers.get(uid) ?? this.#numbers.size;
    this.#numbers.set(uid, known);
    return known;
  }
}

/** Names the second and later stacks of an entry: `X-2`, `X-3`, as the scan of a folder does. */
export class StackNames {
  readonly #taken: Set<string>;

  /** @param entries names of the study's entries. */
  constructor(entries: Iterable<string>) {
    this.#taken = new Set(entries);
  }

  of(series: string): string {
    for (let place = 2; ; place++) {
      const name = `${series}-${place}`;
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      return name;
    }
  }
}

/** A frame and its file. */
interface FileFrame extends Unit {
  readonly bytes: Uint8Array;
  readonly image: DicomImage;
  /** Index in the frames of the header. */
  readonly place: number;
  readonly instance: InstanceEntry;
  readonly instanceNumber: number;
}

/**
 * Reads one entry of the dataset, which may hold several stacks and images that are no slices. Flags what is left out.
 *
 * @returns one series per stack of a scored kind. What is not read is added to `rejected` and `flags` of `to`.
 */
export async function readEntry(study: string, entry: SeriesEntry, files: Files, to: Findings): Promise<ReadSeries[]> {
  const { series } = entry;
  const unreadable: Flag[] = [];
  const found: FileFrame[] = [];
  /** Number of objects without pixels, by their description. */
  const foreigners = new Map<string, number>();
  for (const instance of entry.instances) {
    try {
      found.push(...framesOf(study, series, instance, files, found.length));
    } catch (error) {
      const foreign = foreignObject(files.get(instance.location));
      if (foreign) foreigners.set(foreign, (foreigners.get(foreign) ?? 0) + 1);
      else unreadable.push(unreadableFlag(series, instance, error));
    }
  }
  for (const [reason, images] of foreigners) {
    to.rejected.push({ series, images, rejection: 'capture', reason });
    const detail = `${images} ${images === 1 ? 'object' : 'objects'}: ${reason}`;
    to.flags.push({ code: 'slice_rejected', kind: entry.kind, series, detail });
  }
  const options = { described: entry.kind, trusted: entry.trust === 'description' };
  const { stacks, rejected } = sortOut(found, options);
  // The largest stack keeps the name of the entry.
  const scored = stacks
    .filter(({ assessment }) => assessment.kind !== undefined)
    .sort((a, b) => b.units.length - a.units.length);
  for (const { assessment } of stacks) {
    for (const detail of assessment.contradictions) {
      to.flags.push({ code: 'description_contradicts_header', kind: assessment.kind ?? entry.kind, series, detail });
    }
  }
  const left = [...rejected, ...stacks.flatMap(rejectionOf)];
  for (const { units, rejection, reason } of left) {
    to.rejected.push({ series, images: units.length, rejection, reason });
  }
  flagRejected(series, entry.kind, left, scored.length > 0, to.flags);
  const images = found.map(({ image }) => image);
  flagRepairs(series, entry.kind, images, to.flags);
  if (scored.length > 1) {
    const detail = scored.map(({ units, assessment }) => `${units.length} images, ${assessment.kind}`).join('; ');
    to.flags.push({ code: 'series_split', series, detail });
  }
  const read: ReadSeries[] = [];
  for (const [place, stack] of scored.entries()) {
    const name = place === 0 ? series : to.names.of(series);
    const one = await readStack(name, entry, stack, place === 0 ? unreadable : [], to);
    if (one) read.push(one);
  }
  for (const { facts } of scored.flatMap(({ units }) => units)) to.studyUids.add(facts.studyInstanceUid ?? '');
  if (scored.length === 0 && (left.length === 0 || unreadable.length > 0)) {
    flagUnread(entry, unreadable, left.length > 0, to.flags);
  }
  return read;
}

/** The frames of one file. @throws {DicomError} if the file cannot be read. */
function framesOf(study: string, series: string, instance: InstanceEntry, files: Files, before: number): FileFrame[] {
  const bytes = bytesOf(study, series, instance, files);
  const image = openImage(bytes, { study, series, file: describeLocation(instance.location) });
  const { header } = image;
  return header.frames.map((frame, place) => ({
    facts: header.facts,
    frame: header.facts.frames[place] ?? {},
    bytes,
    image,
    place,
    instance,
    instanceNumber: frame.instanceNumber ?? instanceNumberOfName(instance) ?? before + place + 1,
  }));
}

/** Decodes and orders the slices of one stack. `undefined` if no slice of it can be used. */
async function readStack(
  series: string,
  entry: SeriesEntry,
  { units, assessment }: Stack<FileFrame>,
  unreadable: readonly Flag[],
  { frames, flags, allocate }: Findings,
): Promise<ReadSeries | undefined> {
  const kind = assessment.kind!;
  const problems = [...unreadable];
  const slices: (ReadSlice & { instanceNumber: number })[] = [];
  const digests = new Map<Uint8Array, string>();
  const turns = turnsOf(units, kind);
  for (const { bytes, image, place, instance, instanceNumber } of units) {
    const { header } = image;
    const frame = header.frames[place]!;
    const file = describeLocation(instance.location);
    const unplaced = whatIsNotPlaced(frame, header);
    if (unplaced) {
      const detail = `${file}: no ${unplaced}`;
      problems.push({ code: 'slice_not_placed', series, instance: instanceNumber, detail });
      continue;
    }
    try {
      const pixels = await image.decode(frame.frame);
      const sha256 = digests.get(bytes) ?? hash('sha256', bytes, 'hex');
      digests.set(bytes, sha256);
      const turn = turns.get(frame)!;
      slices.push({
        instance: instanceNumber,
        instanceNumber,
        location: instance.location,
        frame: frame.frame,
        sha256,
        rows: header.rows,
        columns: header.columns,
        spacing: [...frame.spacing!],
        position: [...frame.position!],
        orientation: [...frame.orientation!],
        frameOfReference: frames.of(frame.frameOfReferenceUid),
        ...(!isUpright(turn) && { turn }),
        image: once(() => imageOf(header, pixels(allocate), turn)),
      });
    } catch (error) {
      problems.push(unreadableFlag(series, instance, error));
    }
  }
  const reasons = assessment.reasons.join('; ');
  if (entry.kind === undefined) {
    const detail = `read as ${SERIES_DESCRIPTIONS[kind]}: ${reasons}`;
    flags.push({ code: 'series_kind_inferred', kind, series, detail });
  }
  if (assessment.tooShort) flags.push({ code: 'coverage_short', kind, series, detail: assessment.tooShort });
  if (slices.length === 0) {
    const reason = problems[0]?.detail ?? entry.problems?.[0]?.message ?? 'the dataset lists no file for it';
    flags.push({ code: 'series_unreadable', kind, series, instance: problems[0]?.instance, detail: reason });
    return undefined;
  }
  flags.push(...problems.map((flag) => ({ ...flag, kind })));
  const order = orderSlices(slices, kind);
  flagOrder(order, kind, series, flags);
  flagOrientation(order.ordered, kind, series, flags);
  return {
    series,
    ...(series !== entry.series && { stackOf: entry.series }),
    kind,
    used: true,
    reasons: [...assessment.reasons],
    slices: order.ordered.map(({ instanceNumber, ...slice }) => slice),
    preference: assessment.preference,
  };
}

/** The pixels of a frame in canonical orientation. */
function imageOf({ rows, columns }: DicomHeader, pixels: FramePixels, turn: Turn): Image<PixelData> {
  return turnImage({ ...pixels, height: rows, width: columns }, turn);
}

/** A function that makes a value at its first call, and gives the same value later. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  let left: (() => T) | undefined = make;
  return () => {
    if (left) made = left();
    // What the value was made of is not needed any more.
    left = undefined;
    return made!;
  };
}

/** Describes a DICOM object without an image, such as a report; `undefined` for an image that cannot be read. */
function foreignObject(file: FetchedFile | undefined): string | undefined {
  if (!(file instanceof Uint8Array)) return undefined;
  try {
    const read = readFacts(file, { whole: true });
    if (typeof read === 'string' || read.damage || read.facts.rows !== undefined) return undefined;
    // Without a modality, or with MR, it may be an image that was cut off.
    const { modality } = read.facts;
    if (modality === undefined || modality === 'MR') return undefined;
    // Only a code (PS3.3 C.7.3.1.1.1) is repeated: other text may be patient data.
    return `an object of ${/^[A-Z]{2,16}$/.test(modality) ? `Modality ${modality}` : 'another Modality'} without pixels`;
  } catch {
    return undefined;
  }
}

/** The turn of each frame of a stack that has an orientation. */
function turnsOf(units: readonly FileFrame[], kind: Kind): Map<FrameHeader, Turn> {
  const placed = units.map(({ image, place }) => image.header.frames[place]!).filter(({ orientation }) => orientation);
  const turns = canonicalTurns(
    placed.map(({ orientation }) => orientation!),
    kind,
  );
  return new Map(placed.map((frame, i) => [frame, turns[i]!]));
}

function bytesOf(study: string, series: string, instance: InstanceEntry, files: Files): Uint8Array {
  const file = files.get(instance.location);
  if (file instanceof Uint8Array) return file;
  throw new DicomError('DICOM_NOT_DICOM', 'the file could not be opened', {
    study,
    series,
    file: describeLocation(instance.location),
    found: file?.missing ?? 'nothing there',
  });
}

/**
 * The flag of a file that cannot be read. The rest of the study is read.
 *
 * @throws the error itself if it is no DicomError, since then the file is not at fault.
 */
function unreadableFlag(series: string, instance: InstanceEntry, error: unknown): Flag {
  if (!(error instanceof DicomError)) throw error;
  return {
    code: 'slice_unreadable',
    series,
    instance: describeLocation(instance.location),
    detail: reasonOf(error),
  };
}

/** The instance number from the file name, as in the challenge's layout, for files that lack the attribute. */
function instanceNumberOfName(instance: InstanceEntry): number | undefined {
  const match = /^(\d{1,9})(?:\.dcm)?$/i.exec(describeLocation(instance.location));
  return match ? Number(match[1]) : undefined;
}

/** The attributes that a slice lacks to be placed in space, with the value where it is present but unusable. */
function whatIsNotPlaced(frame: FrameHeader, { rows, columns }: DicomHeader): string | undefined {
  const { position, orientation, spacing, found } = frame;
  if (position && orientation && spacing) {
    return isPlaceable({ rows, columns, position, orientation, spacing }) ? undefined : 'usable plane';
  }
  const lacking = [
    !position && 'ImagePositionPatient',
    !orientation && 'ImageOrientationPatient',
    !spacing && 'PixelSpacing',
  ] as const;
  const words = lacking.flatMap((keyword) => {
    if (!keyword) return [];
    const value = found?.[keyword];
    return [value === undefined ? keyword : `${keyword} (found ${JSON.stringify(value)})`];
  });
  return `usable ${words.join(', ')}`;
}

/** The reason alone: study, series and file are fields of the flag. */
function reasonOf(error: DicomError): string {
  const { summary, context } = error;
  return [summary, context.expected && `expected ${context.expected}`, context.found && `found ${context.found}`]
    .filter(Boolean)
    .join('; ');
}

/** The images of a stack of no scored kind, as rejected images. */
function rejectionOf({ units, assessment }: Stack<FileFrame>): RejectedUnits<FileFrame>[] {
  if (assessment.kind !== undefined) return [];
  return [{ units, rejection: assessment.rejection ?? 'kind_unknown', reason: assessment.reasons.join('; ') }];
}

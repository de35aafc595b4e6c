/**
 * The slices of a study in stage 2. Points and crops are found in several tasks, which often need the same slices. So
 * the tasks of one study run on one thread, in a session, which keeps each file and what was decoded of it.
 */

import { hash } from 'node:crypto';
import { type Allocate, type DicomImage, type FramePixels, openImage } from '../dicom/index.ts';
import { type PixelData, SpinelineError } from '../domain/index.ts';
import { UPRIGHT } from '../geometry/index.ts';
import { type Image, turnImage } from '../imaging/index.ts';
import { describeLocation, type FetchedFile } from '../sources/index.ts';
import { type Files, type IndexedSlice, timeDecoding } from '../stages/index.ts';
import { withScratch } from './scratch.ts';
import { free } from './transfer.ts';

/** A session as each of its tasks names it. */
export interface SessionOfTask {
  readonly id: number;
  /** Number of files that were given with earlier tasks. */
  readonly filesGiven: number;
}

/** The study of a task that reads slices. */
export interface StudyOfTask {
  readonly study: string;
  /** The files that the task needs; in a session, those that were not given before. */
  readonly files: Files;
  /** Absent for a task that shares nothing with others. */
  readonly session?: SessionOfTask;
}

/** The sessions of this thread. */
const sessions = new Map<number, StudySlices>();

/**
 * Runs a task that reads slices.
 *
 * @param work reads pixels, row-major, in canonical orientation. The same slice gives the same object. It is memory of
 *   the file or scratch memory, so it must not be part of the result. `floats` gives more scratch memory.
 * @throws {SpinelineError} `SOURCE_CHANGED`; transient `COMPUTE_THREAD_DIED` if the thread of the session was replaced.
 */
export function withSlices<T>(
  { study, files, session }: StudyOfTask,
  work: (read: (slice: IndexedSlice) => Promise<Image<PixelData>>, floats: Allocate) => Promise<T>,
): Promise<T> {
  const slices = session ? slicesOfSession(study, session) : new StudySlices(study);
  slices.add(files);
  return withScratch((floats) => {
    const images = new Map<string, Promise<Image<PixelData>>>();
    const read = (slice: IndexedSlice) => {
      const key = keyOf(slice);
      const image = images.get(key) ?? slices.read(slice, floats);
      images.set(key, image);
      return image;
    };
    return work(read, floats);
  });
}

/** Forgets a session, and gives back the memory of its files. */
export function endSession(id: number): void {
  sessions.get(id)?.free();
  sessions.delete(id);
}

function slicesOfSession(study: string, { id, filesGiven }: SessionOfTask): StudySlices {
  const slices = sessions.get(id) ?? new StudySlices(study);
  if (slices.fileCount !== filesGiven) {
    throw new SpinelineError(
      'COMPUTE_THREAD_DIED',
      'transient',
      'the compute thread with the files of the study died',
      {
        study,
      },
    );
  }
  sessions.set(id, slices);
  return slices;
}

/** Decodes slices of the index, each once. First checks that the file is still the one that was indexed. */
class StudySlices {
  readonly #study: string;
  readonly #files = new Map<string, FetchedFile>();
  /** By location. */
  readonly #opened = new Map<string, DicomImage>();
  /** By location and frame. */
  readonly #decoded = new Map<string, Promise<(allocate: Allocate) => FramePixels>>();

  constructor(study: string) {
    this.#study = study;
  }

  get fileCount(): number {
    return this.#files.size;
  }

  add(files: Files): void {
    for (const [location, file] of files) this.#files.set(location, file);
  }

  /** No slice can be read afterwards. */
  free(): void {
    free(this.#files.values());
  }

  read(slice: IndexedSlice, floats: Allocate): Promise<Image<PixelData>> {
    return timeDecoding(async () => {
      const key = keyOf(slice);
      const decoding = this.#decoded.get(key) ?? this.#decode(slice);
      this.#decoded.set(key, decoding);
      const pixels = (await decoding)(floats);
      return turnImage({ ...pixels, height: slice.rows, width: slice.columns }, slice.turn ?? UPRIGHT);
    });
  }

  async #decode({ location, frame, sha256 }: IndexedSlice): Promise<(allocate: Allocate) => FramePixels> {
    const opened = this.#opened.get(location) ?? this.#open(location, sha256);
    this.#opened.set(location, opened);
    return opened.decode(frame);
  }

  #open(location: string, sha256: string): DicomImage {
    const context = { study: this.#study, file: describeLocation(location) };
    const bytes = this.#files.get(location);
    const found = bytes instanceof Uint8Array ? hash('sha256', bytes, 'hex') : undefined;
    if (!(bytes instanceof Uint8Array) || found !== sha256) {
      throw new SpinelineError('SOURCE_CHANGED', 'permanent', 'the file is not the one that stage 1 read', {
        ...context,
        expected: `SHA-256 ${sha256}`,
        found: found ? `SHA-256 ${found}` : bytes instanceof Uint8Array ? 'nothing' : bytes?.missing,
        hint: 'enqueue the dataset again',
      });
    }
    return openImage(bytes, context);
  }
}

function keyOf({ location, frame }: IndexedSlice): string {
  return `${location}#${frame}`;
}

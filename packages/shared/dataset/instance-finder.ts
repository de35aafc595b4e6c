/**
 * Turns a plan into an entry: lists the folders and looks up the files of a study's series. Missing folders and files
 * become problems of the series. A store that does not answer throws.
 *
 * All files of a folder are taken except hidden files, files of operating systems, DICOMDIR, and files with the
 * extension of another format whose content is not DICOM. So a thumbnail does not count as a lost slice, but a `*.dcm`
 * file that is not DICOM does: stage 1 flags it.
 */

import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pLimit, { type LimitFunction } from 'p-limit';
import { kindOfError } from '../domain/index.ts';
import { describeLocation } from '../sources/describe-location.ts';
import type { InstanceLister } from './instance-lister.ts';
import { compareNatural } from './natural-order.ts';
import { lookAtStart } from './scan/look-at-start.ts';
import { hasForeignExtension, isDicomdirName, junkOfPath } from './scan/names.ts';
import type { Skipped } from './scan/skipped.ts';
import type { InstanceEntry, Problem, SeriesEntry, StudyEntry } from './study-entry.ts';
import type { ImagePlace, SeriesPlan, StudyPlan } from './study-plan.ts';

/** Enough bytes to recognise a DICOM file. */
const SNIFFED_BYTES = 4096;

/** Completes plans, with at most `concurrency` concurrent listings and look-ups over all studies. */
export class InstanceFinder {
  readonly #sources: InstanceLister;
  readonly #limit: LimitFunction;
  readonly #skipped: Skipped;

  /** @param skipped counts the files in folders that are left out. */
  constructor(sources: InstanceLister, concurrency: number, skipped: Skipped) {
    this.#sources = sources;
    this.#limit = pLimit(concurrency);
    this.#skipped = skipped;
  }

  /** @throws {SpinelineError} if the store does not answer or refuses access. No study is left out for that reason. */
  async complete(plan: StudyPlan): Promise<StudyEntry> {
    const series = await Promise.all(plan.series.map((one) => this.#completeSeries(one)));
    return {
      study: plan.study,
      series,
      ...(plan.problems.length > 0 && { problems: [...plan.problems] }),
      ...(plan.rejected && plan.rejected.length > 0 && { rejected: [...plan.rejected] }),
    };
  }

  async #completeSeries({
    series,
    kind,
    description,
    images,
    reasons,
    trust,
    ...plan
  }: SeriesPlan): Promise<SeriesEntry> {
    const found = await this.#find(images);
    const { instances } = found;
    const problems = [...(plan.problems ?? []), ...found.problems];
    return {
      series,
      ...(kind !== undefined && { kind }),
      ...(description !== undefined && { description }),
      instances,
      ...(problems.length > 0 && { problems }),
      ...(reasons && { reasons }),
      ...(trust && { trust }),
    };
  }

  async #find(images: ImagePlace): Promise<Found> {
    if ('missing' in images) return { instances: [], problems: [] };
    if ('files' in images) return this.#findFiles(images.files);
    if ('folder' in images) return this.#findInFolder(asFolder(images.folder));
    const location = images.folderOrFile;
    if (location.endsWith('/')) return this.#findInFolder(location);
    return (await this.#isFile(location)) ? this.#findFiles([location]) : this.#findInFolder(asFolder(location));
  }

  async #isFile(location: string): Promise<boolean> {
    if (!location.startsWith('file:')) return (await this.#limit(() => this.#sources.head(location))) !== undefined;
    return stat(fileURLToPath(location)).then(
      (found) => found.isFile(),
      () => false,
    );
  }

  async #findFiles(locations: readonly string[]): Promise<Found> {
    const heads = await Promise.all(
      locations.map((location) =>
        this.#limit(() => this.#sources.head(location)).catch((error) => {
          if (ABSENT.has(codeOf(error)) || isLocalFault(location, error)) return undefined;
          throw error;
        }),
      ),
    );
    const instances = locations.flatMap((location, i) => {
      const fingerprint = heads[i]?.fingerprint;
      return fingerprint === undefined ? [] : [{ location, fingerprint }];
    });
    const missing = locations.filter((_, i) => heads[i] === undefined).map(describeLocation);
    if (missing.length === 0) return { instances, problems: [] };
    const names = `${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ', ...' : ''}`;
    const message = `${missing.length} of ${locations.length} files of the manifest cannot be read: ${names}`;
    return { instances, problems: [{ code: 'FILES_MISSING', message }] };
  }

  async #findInFolder(folder: string): Promise<Found> {
    const missing = problem('SERIES_FOLDER_MISSING', 'there is no folder with images for this series');
    try {
      if (folder.startsWith('file:')) {
        // Checked here, since an empty listing does not say whether the folder exists.
        const found = await stat(fileURLToPath(folder));
        if (!found.isDirectory()) return missing;
      }
      return await this.#takeImages(folder, await this.#limit(() => this.#listFolder(folder)));
    } catch (error) {
      const code = codeOf(error);
      if (ABSENT.has(code)) return missing;
      if (!isLocalFault(folder, error)) throw error;
      return problem('SERIES_FOLDER_UNREADABLE', `the folder of this series cannot be listed (${code})`);
    }
  }

  async #listFolder(folder: string): Promise<Listed[]> {
    const listed: Listed[] = [];
    for await (const { location, fingerprint, size } of this.#sources.list(folder)) {
      const name = relativeName(location, folder);
      if (name !== '' && !name.endsWith('/')) listed.push({ name, size, instance: { location, fingerprint } });
    }
    return listed;
  }

  async #takeImages(folder: string, listed: readonly Listed[]): Promise<Found> {
    // An object store has no folders: a prefix without objects does not exist.
    if (listed.length === 0 && !folder.startsWith('file:')) {
      return problem('SERIES_FOLDER_MISSING', 'there is no object under the location of this series');
    }
    if (listed.length === 0) return problem('SERIES_FOLDER_EMPTY', 'the folder of this series is empty');
    const taken = await Promise.all(listed.map((file) => this.#isTaken(file)));
    const named = listed.filter((_, i) => taken[i]);
    if (named.length > 0) {
      named.sort((a, b) => compareNatural(a.name, b.name));
      return { instances: named.map(({ instance }) => instance), problems: [] };
    }
    const files = listed.length === 1 ? 'the one file there is not' : `none of the ${listed.length} files there is`;
    return problem('SERIES_FOLDER_EMPTY', `${files} a DICOM image`);
  }

  async #isTaken({ name, size, instance }: Listed): Promise<boolean> {
    const junk = junkOfPath(name) ?? (isDicomdirName(fileNameOf(name)) ? 'dicomdir' : undefined);
    if (junk !== undefined) {
      this.#skipped.add(junk, name);
      return false;
    }
    if (!hasForeignExtension(name)) return true;
    const start =
      size === 0
        ? new Uint8Array()
        : await this.#limit(() => this.#sources.readStart(instance.location, Math.min(size, SNIFFED_BYTES)));
    const look = lookAtStart(name, start, start.length >= size);
    if (look === 'more' || 'image' in look || look.skip === 'damaged') return true;
    this.#skipped.add(look.skip, name);
    return false;
  }
}

interface Listed {
  /** Path below the folder. */
  readonly name: string;
  readonly size: number;
  readonly instance: InstanceEntry;
}

interface Found {
  readonly instances: InstanceEntry[];
  readonly problems: Problem[];
}

const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'OBJECT_NOT_FOUND']);

function problem(code: Problem['code'], message: string): Found {
  return { instances: [], problems: [{ code, message }] };
}

/**
 * Whether the error concerns one local file or folder only, such as its permissions. A disk or server that does not
 * answer, or an object store that refuses access, affects the whole dataset and is reported at once.
 */
function isLocalFault(location: string, error: unknown): boolean {
  const isSystemError = error instanceof Error && 'syscall' in error;
  return location.startsWith('file:') && (isSystemError || kindOfError(error) === 'permanent');
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? 'unknown';
}

function asFolder(location: string): string {
  return location.endsWith('/') ? location : `${location}/`;
}

function relativeName(location: string, folder: string): string {
  return location.startsWith(folder) ? location.slice(folder.length) : fileNameOf(location);
}

function fileNameOf(location: string): string {
  return location.slice(location.lastIndexOf('/') + 1);
}

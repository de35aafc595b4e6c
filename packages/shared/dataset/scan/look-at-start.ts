/**
 * Classifies a file by its first bytes: an image with its facts, or the reason why it is none. The same rule for every
 * scheme.
 */

import { readFacts } from '../../dicom/index.ts';
import { DicomError } from '../../domain/index.ts';
import { type CompactFacts, compactFacts } from './compact-facts.ts';
import { EMPTY } from './losses.ts';
import { isNamedDicom } from './names.ts';
import type { SkipReason } from './skipped.ts';

/**
 * How many first bytes are read, one size after the other until the header is complete. Most headers fit into the
 * first.
 */
export const START_SIZES: readonly number[] = [8 * 1024, 128 * 1024, 2 * 1024 * 1024, Number.POSITIVE_INFINITY];

/** The Media Storage Directory, DICOMDIR (PS3.3 F.3). */
const MEDIA_STORAGE_DIRECTORY = '1.2.840.10008.1.3.10';

/** Storage classes whose objects have pixels: CR, CT, US, MR, secondary capture, XA, NM, PET (PS3.4 table B.5-1). */
const IMAGE_STORAGE =
  /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.(?:[136]|3\.1|6\.1|2(?:\.[12])?|4(?:\.[134])?|7(?:\.[1-4])?|12\.[12](?:\.1)?|20|128)$/;

export type Look =
  /** `damage`: the header ends too early, but its series is known; the file belongs to it and cannot be read. */
  | { readonly image: CompactFacts; readonly damage?: string | undefined }
  | { readonly skip: SkipReason; readonly detail?: string };

/**
 * @param start the first bytes of the file.
 * @param whole whether these are all bytes of the file.
 * @returns `'more'` if the header does not end within them.
 */
export function lookAtStart(name: string, start: Uint8Array, whole: boolean): Look | 'more' {
  if (start.length === 0) return isNamedDicom(name) ? { skip: 'damaged', detail: EMPTY } : { skip: 'empty' };
  try {
    const read = readFacts(start, { whole }, { file: name });
    if (read === 'more') return 'more';
    if (read === 'no dicom') {
      return isNamedDicom(name) ? { skip: 'damaged', detail: 'its content is not DICOM' } : { skip: 'not_dicom' };
    }
    const { facts, damage } = read;
    if (damage) return { image: compactFacts(facts), damage: damage.summary };
    if (facts.rows !== undefined && facts.columns !== undefined) return { image: compactFacts(facts) };
    if (facts.sopClassUid === MEDIA_STORAGE_DIRECTORY) return { skip: 'dicomdir' };
    if (!IMAGE_STORAGE.test(facts.sopClassUid ?? '')) return { skip: 'no_image' };
    // If a file was cut between two elements, the parser finds no error.
    const detail = 'it has no Rows and Columns: it may have been cut short';
    const placed = facts.studyInstanceUid !== undefined && facts.seriesInstanceUid !== undefined;
    return placed ? { image: compactFacts(facts), damage: detail } : { skip: 'damaged', detail };
  } catch (error) {
    if (!(error instanceof DicomError)) throw error;
    return { skip: 'damaged', detail: error.summary };
  }
}

/**
 * Facts of a file from its header alone, for the scan of folders with very many files: usually the first few KB are
 * enough, and no pixel is touched.
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import { AttributeValues, type Element } from './attribute-values.ts';
import { TAG } from './attributes.ts';
import { readElements } from './data-set.ts';
import { asDicomError } from './dicom-error.ts';
import { type FileStart, looksLikeDicom, readFileStart } from './file-start.ts';
import { factsOf, type InstanceFacts } from './instance-facts.ts';

/** What `readFacts` found. */
interface FoundFacts {
  readonly facts: InstanceFacts;
  /** Why the rest of the header could not be read, if the file is damaged after the attributes that name its series. */
  readonly damage?: DicomError | undefined;
}

/**
 * The facts of a file, from its first bytes or from all of it.
 *
 * Every DICOM object has facts, a report or a DICOMDIR, too; `sopClassUid` says what it is. Reading ends after group
 * 0028, or after the functional groups if there is a NumberOfFrames.
 *
 * A damaged header still gives the facts before the damage if they name study and series, with `damage`. The file then
 * counts as part of its series. Stage 1 reads it again and lists it as unreadable.
 *
 * @param start the first bytes of a file, or all of them
 * @param options.whole whether `start` is the whole file; a deflated file can only be read as a whole
 * @returns `more` if wanted attributes may come after `start`; `no dicom` if the content is not DICOM
 * @throws {DicomError} and nothing else, if the header is damaged before it names study and series
 */
export function readFacts(
  start: Uint8Array,
  { whole }: { whole: boolean },
  context: ErrorContext = {},
): FoundFacts | 'more' | 'no dicom' {
  if (!whole && start.length < 132 + 8) return 'more';
  if (!looksLikeDicom(start, whole)) return 'no dicom';
  const kept = new Map<number, Element>();
  let file: FileStart | undefined;
  try {
    file = readFileStart(start, whole, context);
    readElements(file, kept, endsFacts);
    return { facts: factsOfFile(file, kept) };
  } catch (error) {
    const damage = asDicomError(error, 'the header cannot be read', context);
    // A part of a file may look damaged because it ends early. Only the whole file can tell.
    if (!whole && damage instanceof DicomError) return 'more';
    const facts = file && factsOfFile(file, kept);
    if (!facts?.studyInstanceUid || !facts.seriesInstanceUid || !(damage instanceof DicomError)) throw damage;
    return { facts, damage };
  }
}

/** Whether no wanted attribute comes at this tag or after it. */
function endsFacts(tag: number, kept: ReadonlyMap<number, Element>): boolean {
  if (tag < 0x00290000) return false;
  return tag > TAG.PerFrameFunctionalGroupsSequence || !kept.has(TAG.NumberOfFrames);
}

function factsOfFile({ source, transferSyntax, sopClassUid }: FileStart, kept: Map<number, Element>): InstanceFacts {
  const facts = factsOf(new AttributeValues(source.bytes, source.view, transferSyntax.bigEndian, kept));
  return facts.sopClassUid === undefined && sopClassUid !== undefined ? { ...facts, sopClassUid } : facts;
}

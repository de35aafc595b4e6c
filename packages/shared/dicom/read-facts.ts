/**
 * What an instance says of itself, from any source that gives values by keyword (`factsOf`), and from the first bytes of
 * a file (`readFacts`). The same rules hold for both, so that a file and a server's metadata give the same facts.
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import { Attributes, type Element } from './attributes.ts';
import { type FileStart, looksLikeDicom, readElements, readFileStart } from './data-set.ts';
import { type Keyword, TAG } from './dictionary.ts';
import { functionalGroupsOf, type Macro, placeOf, placeSourcesOf } from './functional-groups.ts';
import { asDicomError } from './guard.ts';
import type { FrameFacts, InstanceFacts } from './instance-facts.ts';

/** Values by keyword: a data set, an item of a sequence, or DICOM JSON. What is absent has no value; nothing throws. */
export interface FactSource {
  /** The first value, without padding; `undefined` if it is absent or empty. */
  text(keyword: Keyword): string | undefined;
  /** All values, without padding; none if it is absent. */
  texts(keyword: Keyword): readonly string[];
  /** All values of a numeric attribute, binary or text; `undefined` if it is absent, or if one is no finite number. */
  numbers(keyword: Keyword): readonly number[] | undefined;
  /** The items of a sequence, none if it is absent. */
  items(keyword: Keyword): readonly FactSource[];
}

/**
 * The facts of an instance, plain (PS3.3 C.8.3.1) or enhanced (C.8.13). Of an enhanced image the first frame speaks for
 * what is said of all; fat suppression by SpectrallySelectedSuppression is given as the ScanOptions value FS.
 */
export function factsOf(source: FactSource): InstanceFacts {
  const groups = functionalGroupsOf(source);
  const macro = groups.macroOf(0);
  const timing = macro('MRTimingAndRelatedParametersSequence');
  const modifier = macro('MRModifierSequence');
  const scanningSequence = source.texts('ScanningSequence');
  return {
    sopClassUid: source.text('SOPClassUID'),
    sopInstanceUid: source.text('SOPInstanceUID'),
    studyInstanceUid: source.text('StudyInstanceUID'),
    seriesInstanceUid: source.text('SeriesInstanceUID'),
    modality: source.text('Modality'),
    studyDescription: source.text('StudyDescription'),
    seriesDescription: source.text('SeriesDescription'),
    protocolName: source.text('ProtocolName'),
    bodyPartExamined: source.text('BodyPartExamined'),
    seriesNumber: integer(source, 'SeriesNumber'),
    instanceNumber: integer(source, 'InstanceNumber'),
    acquisitionNumber: integer(source, 'AcquisitionNumber'),
    echoNumber: integer(source, 'EchoNumbers'),
    imageType: source.texts('ImageType'),
    photometricInterpretation: source.text('PhotometricInterpretation'),
    samplesPerPixel: integer(source, 'SamplesPerPixel'),
    rows: integer(source, 'Rows'),
    columns: integer(source, 'Columns'),
    echoTimeMs: echoTimeOf(source, macro),
    repetitionTimeMs: number(source, 'RepetitionTime') ?? number(timing, 'RepetitionTime'),
    inversionTimeMs: number(source, 'InversionTime') ?? number(modifier, 'InversionTimes'),
    flipAngle: number(source, 'FlipAngle') ?? number(timing, 'FlipAngle'),
    scanningSequence: scanningSequence.length > 0 ? scanningSequence : source.texts('EchoPulseSequence'),
    scanOptions: scanOptionsOf(source, modifier),
    acquisitionContrast: source.text('AcquisitionContrast'),
    contrastAgent:
      source.text('ContrastBolusAgent') !== undefined || source.items('ContrastBolusAgentSequence').length > 0,
    frames: framesOf(source),
  };
}

/** The frames of a multi-frame image are placed by its per-frame functional groups and by nothing else. */
function framesOf(source: FactSource): FrameFacts[] {
  const groups = functionalGroupsOf(source);
  const numberOfFrames = Math.max(1, integer(source, 'NumberOfFrames') ?? 1);
  if (numberOfFrames > 1 && groups.perFrame.length !== numberOfFrames) return [];
  return Array.from({ length: numberOfFrames }, (_, frame): FrameFacts => {
    const macro = groups.macroOf(frame);
    const content = macro('FrameContentSequence');
    return {
      ...placeOf(placeSourcesOf(source, macro, numberOfFrames)),
      echoTimeMs: echoTimeOf(source, macro),
      temporalPosition: integer(content, 'TemporalPositionIndex') ?? integer(source, 'TemporalPositionIdentifier'),
    };
  });
}

function echoTimeOf(source: FactSource, macro: Macro<FactSource>): number | undefined {
  return number(macro('MREchoSequence'), 'EffectiveEchoTime') ?? number(source, 'EchoTime');
}

/** PS3.3 C.8.13.5.4: FAT, or both fat and water, suppressed by frequency. */
function scanOptionsOf(source: FactSource, modifier: FactSource | undefined): readonly string[] {
  const options = source.texts('ScanOptions');
  const suppressed = modifier?.text('SpectrallySelectedSuppression');
  return suppressed?.startsWith('FAT') && !options.includes('FS') ? [...options, 'FS'] : options;
}

/** What `readFacts` found. */
export interface FoundFacts {
  readonly facts: InstanceFacts;
  /** Why the rest of the header could not be read, where the file is damaged after what tells its series. */
  readonly damage?: DicomError | undefined;
}

/**
 * The facts of a file, from its beginning or from all of it.
 *
 * Pixels are not looked for: any DICOM object has facts, a report or a DICOMDIR as well; `sopClassUid` tells. Reading
 * ends after group 0028, and after the functional groups where there is a NumberOfFrames.
 *
 * A damaged header still gives the facts up to the damage if they tell study and series, with `damage`: the file then
 * counts as part of its series, and stage 1, which reads it again, names it among what is unreadable.
 *
 * @param start the first bytes of a file, some 64 KB, or all of them
 * @param options.whole whether `start` is the whole file; a deflated file needs that
 * @returns `more` if what is wanted may go on beyond `start`, `no dicom` if the content is no DICOM, whatever its name
 * @throws {DicomError} and nothing else, for a header that is damaged before it tells study and series
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
    // Bytes that end early may look damaged: the whole file decides.
    if (!whole && damage instanceof DicomError) return 'more';
    const facts = file && factsOfFile(file, kept);
    if (!facts?.studyInstanceUid || !facts.seriesInstanceUid || !(damage instanceof DicomError)) throw damage;
    return { facts, damage };
  }
}

/** Whether no attribute that is wanted comes from this tag on. */
function endsFacts(tag: number, kept: ReadonlyMap<number, Element>): boolean {
  if (tag < 0x00290000) return false;
  return tag > TAG.PerFrameFunctionalGroupsSequence || !kept.has(TAG.NumberOfFrames);
}

function factsOfFile({ source, transferSyntax, sopClassUid }: FileStart, kept: Map<number, Element>): InstanceFacts {
  const facts = factsOf(new Attributes(source.bytes, source.view, transferSyntax.bigEndian, kept));
  return facts.sopClassUid === undefined && sopClassUid !== undefined ? { ...facts, sopClassUid } : facts;
}

function number(source: FactSource | undefined, keyword: Keyword): number | undefined {
  return source?.numbers(keyword)?.[0];
}

function integer(source: FactSource | undefined, keyword: Keyword): number | undefined {
  const value = number(source, keyword);
  return Number.isSafeInteger(value) ? value : undefined;
}

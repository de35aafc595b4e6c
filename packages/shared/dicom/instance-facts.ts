/**
 * What an instance says about itself, as far as spineline needs it to tell studies, series and stacks apart. The source
 * is the header of a file (`readFacts`, `openImage`) or DICOM JSON from a server (`sources/dicomweb/dicom-json.ts`);
 * the rules are the same for both.
 *
 * UIDs and free texts may identify a patient. They are never logged or stored. A reason that is shown to a person
 * quotes single known words of them at most.
 */

import type { Keyword } from './attributes.ts';
import type { FactSource } from './fact-source.ts';
import { type FramePlace, placeOf, placeSourcesOf } from './frame-place.ts';
import { functionalGroupsOf, type Macro } from './functional-groups.ts';

/** Where a frame lies, and what distinguishes it from other frames at the same place. */
export interface FrameFacts extends FramePlace {
  /** EffectiveEchoTime or EchoTime, ms. */
  readonly echoTimeMs?: number | undefined;
  /** TemporalPositionIdentifier; TemporalPositionIndex in an enhanced image. */
  readonly temporalPosition?: number | undefined;
}

/** No attribute is required: one that is absent or not usable is `undefined` or empty. */
export interface InstanceFacts {
  readonly sopClassUid?: string | undefined;
  readonly sopInstanceUid?: string | undefined;
  readonly studyInstanceUid?: string | undefined;
  readonly seriesInstanceUid?: string | undefined;
  readonly modality?: string | undefined;

  /** StudyDescription, SeriesDescription and ProtocolName are free text. */
  readonly studyDescription?: string | undefined;
  readonly seriesDescription?: string | undefined;
  readonly protocolName?: string | undefined;
  readonly bodyPartExamined?: string | undefined;

  readonly seriesNumber?: number | undefined;
  readonly instanceNumber?: number | undefined;
  readonly acquisitionNumber?: number | undefined;
  /** The first value of EchoNumbers. */
  readonly echoNumber?: number | undefined;

  /** ImageType, such as ORIGINAL, PRIMARY, OTHER. */
  readonly imageType: readonly string[];
  readonly photometricInterpretation?: string | undefined;
  readonly samplesPerPixel?: number | undefined;
  readonly rows?: number | undefined;
  readonly columns?: number | undefined;

  /** Of an enhanced image, that of its first frame. */
  readonly echoTimeMs?: number | undefined;
  readonly repetitionTimeMs?: number | undefined;
  readonly inversionTimeMs?: number | undefined;
  /** Degrees. */
  readonly flipAngle?: number | undefined;
  /** ScanningSequence, such as SE, IR, GR, EP; EchoPulseSequence if that is absent (enhanced images). */
  readonly scanningSequence: readonly string[];
  /** ScanOptions, such as FS (fat saturation). */
  readonly scanOptions: readonly string[];
  /** AcquisitionContrast of an enhanced image, such as T1, T2, STIR. */
  readonly acquisitionContrast?: string | undefined;
  /** Whether ContrastBolusAgent or ContrastBolusAgentSequence has a value. */
  readonly contrastAgent: boolean;

  /**
   * One, or NumberOfFrames. Empty if the per-frame groups do not match NumberOfFrames: the image then counts as one
   * frame without a place.
   */
  readonly frames: readonly FrameFacts[];
}

/**
 * The facts of an instance, plain (PS3.3 C.8.3.1) or enhanced (C.8.13). Never throws.
 *
 * Of an enhanced image the first frame gives the values that hold for the whole image. Fat suppression by
 * SpectrallySelectedSuppression is given as the ScanOptions value FS.
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

/** Only per-frame functional groups place the frames of a multi-frame image. */
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

/** FS if fat, or fat and water, is suppressed by frequency (PS3.3 C.8.13.5.5). */
function scanOptionsOf(source: FactSource, modifier: FactSource | undefined): readonly string[] {
  const options = source.texts('ScanOptions');
  const suppressed = modifier?.text('SpectrallySelectedSuppression');
  return suppressed?.startsWith('FAT') && !options.includes('FS') ? [...options, 'FS'] : options;
}

function number(source: FactSource | undefined, keyword: Keyword): number | undefined {
  return source?.numbers(keyword)?.[0];
}

function integer(source: FactSource | undefined, keyword: Keyword): number | undefined {
  const value = number(source, keyword);
  return Number.isSafeInteger(value) ? value : undefined;
}

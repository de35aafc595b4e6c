/**
 * What the header says about each frame: its number, where it lies, and how its values are rescaled. A single-frame
 * image says it at its top level, an enhanced multi-frame image in its functional groups (PS3.3 C.7.6.16).
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import type { AttributeValues } from './attribute-values.ts';
import { type FramePlace, type PlaceSources, placeOf, placeSourcesOf } from './frame-place.ts';
import { functionalGroupsOf } from './functional-groups.ts';

/** What the header says about one frame. A value that is absent or not usable is `undefined`. */
export interface FrameHeader extends FramePlace {
  /** Place in the pixel data, from 0. */
  readonly frame: number;
  /**
   * Single-frame image: InstanceNumber. Multi-frame image: InStackPositionNumber if every frame has one and no two are
   * equal, else `frame` + 1 (docs/pipeline.md, "Words and coordinates").
   */
  readonly instanceNumber?: number | undefined;
  /**
   * Those of position, orientation and spacing that are present but not usable, as text of about 64 characters at most.
   */
  readonly found?: FoundPlace | undefined;
  readonly frameOfReferenceUid?: string | undefined;
  /** Modality value = `rescaleSlope` * stored value + `rescaleIntercept`. */
  readonly rescaleSlope: number;
  readonly rescaleIntercept: number;
}

/** Values that are not usable, by keyword. */
type FoundPlace = Readonly<Partial<Record<keyof PlaceSources<unknown>, string>>>;

/**
 * The frames of an image, in the order of the pixel data.
 *
 * @throws {DicomError} `DICOM_ATTRIBUTE_INVALID` if there are per-frame groups, but not NumberOfFrames of them, or if
 *   RescaleSlope or RescaleIntercept is not usable
 */
export function readFrameHeaders(from: AttributeValues, numberOfFrames: number, context: ErrorContext): FrameHeader[] {
  const groups = functionalGroupsOf(from);
  const { perFrame } = groups;
  if (perFrame.length > 0 && perFrame.length !== numberOfFrames) {
    throw new DicomError('DICOM_ATTRIBUTE_INVALID', 'NumberOfFrames and the per-frame functional groups disagree', {
      ...context,
      expected: `${numberOfFrames} items`,
      found: `${perFrame.length}`,
    });
  }
  const frameOfReferenceUid = from.text('FrameOfReferenceUID');
  const numbers = instanceNumbers(from, perFrame, numberOfFrames);

  return Array.from({ length: numberOfFrames }, (_, frame): FrameHeader => {
    const macro = groups.macroOf(frame);
    const sources = placeSourcesOf(from, macro, numberOfFrames);
    const place = placeOf(sources);
    const found = foundOf(sources, place);
    return {
      frame,
      instanceNumber: numbers[frame],
      ...place,
      ...(found && { found }),
      frameOfReferenceUid,
      ...rescaleOf(macro('PixelValueTransformationSequence') ?? from, context),
    };
  });
}

function foundOf(sources: PlaceSources<AttributeValues>, place: FramePlace): FoundPlace | undefined {
  const unusable = [
    ['ImagePositionPatient', place.position],
    ['ImageOrientationPatient', place.orientation],
    ['PixelSpacing', place.spacing],
  ] as const;
  const found = unusable.flatMap(([keyword, value]) => {
    const text = value === undefined ? sources[keyword]?.found(keyword) : undefined;
    return text === undefined ? [] : [[keyword, text] as const];
  });
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}

function instanceNumbers(
  from: AttributeValues,
  perFrame: readonly AttributeValues[],
  numberOfFrames: number,
): (number | undefined)[] {
  if (numberOfFrames === 1) return [from.integer('InstanceNumber')];
  const stacked = perFrame.map((group) => group.items('FrameContentSequence')[0]?.integer('InStackPositionNumber'));
  const usable =
    stacked.length === numberOfFrames && !stacked.includes(undefined) && new Set(stacked).size === numberOfFrames;
  return usable ? stacked : Array.from({ length: numberOfFrames }, (_, frame) => frame + 1);
}

/** Rescale slope and intercept (PS3.3 C.11.1, per frame C.7.6.16.2.9); 1 and 0 if they are absent. */
function rescaleOf(
  from: AttributeValues,
  context: ErrorContext,
): Pick<FrameHeader, 'rescaleSlope' | 'rescaleIntercept'> {
  const rescaleSlope = from.has('RescaleSlope') ? from.number('RescaleSlope') : 1;
  const rescaleIntercept = from.has('RescaleIntercept') ? from.number('RescaleIntercept') : 0;
  if (rescaleSlope === undefined || rescaleSlope === 0 || rescaleIntercept === undefined) {
    throw new DicomError('DICOM_ATTRIBUTE_INVALID', 'RescaleSlope and RescaleIntercept make no scale', {
      ...context,
      expected: 'finite numbers and a slope other than 0',
      found: `slope "${from.found('RescaleSlope') ?? ''}", intercept "${from.found('RescaleIntercept') ?? ''}"`,
    });
  }
  return { rescaleSlope, rescaleIntercept };
}

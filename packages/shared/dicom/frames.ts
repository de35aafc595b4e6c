/**
 * Where each frame of an image lies and how its values are scaled. A single-frame image says so at its top level; an
 * enhanced multi-frame image in functional groups, shared and a frame each (PS3.3 C.7.6.16).
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import type { Attributes } from './attributes.ts';
import { functionalGroupsOf, type PlaceSources, placeOf, placeSourcesOf } from './functional-groups.ts';

/** What is said of one frame. What is absent or makes no geometry is `undefined`. */
export interface FrameHeader {
  /** Place in the pixel data, from 0. */
  readonly frame: number;
  /**
   * Single-frame: InstanceNumber. Multi-frame: InStackPositionNumber where every frame has one and no two the same
   * (stacks, echoes and repeats share theirs), else `frame` + 1.
   */
  readonly instanceNumber?: number | undefined;
  /** ImagePositionPatient: centre of the first pixel, mm, LPS. */
  readonly position?: readonly [number, number, number] | undefined;
  /** ImageOrientationPatient as written: unit vectors along a row and along a column, orthogonal within 0.01. */
  readonly orientation?: readonly [number, number, number, number, number, number] | undefined;
  /** PixelSpacing: between rows, between columns; mm, positive. */
  readonly spacing?: readonly [number, number] | undefined;
  /** Of those three the ones that are there and make no geometry, as they were found: up to about 64 characters. */
  readonly found?: FoundPlace | undefined;
  readonly frameOfReferenceUid?: string | undefined;
  /** Modality value = `rescaleSlope` * stored value + `rescaleIntercept`. */
  readonly rescaleSlope: number;
  readonly rescaleIntercept: number;
}

/** Values that could not be used, by keyword. */
export type FoundPlace = Readonly<Partial<Record<keyof PlaceSources<unknown>, string>>>;

/**
 * The frames of a data set, in the order of the pixel data.
 *
 * @throws {DicomError} `DICOM_ATTRIBUTE_INVALID` if the per-frame groups are not NumberOfFrames many, or if a rescale
 *   slope or intercept makes no scale.
 */
export function readFrames(from: Attributes, numberOfFrames: number, context: ErrorContext): FrameHeader[] {
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

function foundOf(sources: PlaceSources<Attributes>, place: ReturnType<typeof placeOf>): FoundPlace | undefined {
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
  from: Attributes,
  perFrame: readonly Attributes[],
  numberOfFrames: number,
): (number | undefined)[] {
  if (numberOfFrames === 1) return [from.integer('InstanceNumber')];
  const stacked = perFrame.map((group) => group.items('FrameContentSequence')[0]?.integer('InStackPositionNumber'));
  const usable =
    stacked.length === numberOfFrames && !stacked.includes(undefined) && new Set(stacked).size === numberOfFrames;
  return usable ? stacked : Array.from({ length: numberOfFrames }, (_, frame) => frame + 1);
}

/** Rescale slope and intercept (PS3.3 C.11.1, C.7.6.16.2.9); absent they change nothing. */
function rescaleOf(from: Attributes, context: ErrorContext): Pick<FrameHeader, 'rescaleSlope' | 'rescaleIntercept'> {
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

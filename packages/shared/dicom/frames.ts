/**
 * Where each frame of an image lies and how its values are scaled. A single-frame image says so at its top level; an
 * enhanced multi-frame image in functional groups, shared and a frame each (PS3.3 C.7.6.16).
 */

import { DicomError, type ErrorContext } from '../domain/index.ts';
import {
  type Attributes,
  decimal,
  decimals,
  firstItem,
  has,
  integer,
  items,
  TAG,
  type Tag,
  text,
  unsigned32,
} from './attributes.ts';

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
  readonly frameOfReferenceUid?: string | undefined;
  /** Modality value = `rescaleSlope` * stored value + `rescaleIntercept`. */
  readonly rescaleSlope: number;
  readonly rescaleIntercept: number;
}

/**
 * The frames of a data set, in the order of the pixel data.
 *
 * @throws {DicomError} `DICOM_ATTRIBUTE_INVALID` if the per-frame groups are not NumberOfFrames many, or if a rescale
 *   slope or intercept makes no scale.
 */
export function readFrames(from: Attributes, numberOfFrames: number, context: ErrorContext): FrameHeader[] {
  const shared = firstItem(from, TAG.SharedFunctionalGroupsSequence);
  const perFrame = items(from, TAG.PerFrameFunctionalGroupsSequence);
  if (perFrame.length > 0 && perFrame.length !== numberOfFrames) {
    throw new DicomError('DICOM_ATTRIBUTE_INVALID', 'NumberOfFrames and the per-frame functional groups disagree', {
      ...context,
      expected: `${numberOfFrames} items`,
      found: `${perFrame.length}`,
    });
  }
  const frameOfReferenceUid = text(from, TAG.FrameOfReferenceUID);
  const numbers = instanceNumbers(from, perFrame, numberOfFrames);

  return Array.from({ length: numberOfFrames }, (_, frame): FrameHeader => {
    // A macro is in the shared groups or in every frame's, never in both; if it is, the frame's own is nearer.
    const macro = (tag: Tag) => firstItem(perFrame[frame], tag) ?? firstItem(shared, tag);
    // Outside of groups, one position cannot be that of several frames.
    const plane = macro(TAG.PlanePositionSequence) ?? (numberOfFrames === 1 ? from : undefined);
    const turned = macro(TAG.PlaneOrientationSequence) ?? from;
    const measured = macro(TAG.PixelMeasuresSequence) ?? from;
    const scaled = macro(TAG.PixelValueTransformationSequence) ?? from;
    return {
      frame,
      instanceNumber: numbers[frame],
      position: plane && positionOf(decimals(plane, TAG.ImagePositionPatient)),
      orientation: orientationOf(decimals(turned, TAG.ImageOrientationPatient)),
      spacing: spacingOf(decimals(measured, TAG.PixelSpacing)),
      frameOfReferenceUid,
      ...rescaleOf(scaled, context),
    };
  });
}

function instanceNumbers(
  from: Attributes,
  perFrame: readonly Attributes[],
  numberOfFrames: number,
): (number | undefined)[] {
  if (numberOfFrames === 1) return [integer(from, TAG.InstanceNumber)];
  const stacked = perFrame.map((group) => {
    const content = firstItem(group, TAG.FrameContentSequence);
    return content && unsigned32(content, TAG.InStackPositionNumber);
  });
  const usable =
    stacked.length === numberOfFrames && !stacked.includes(undefined) && new Set(stacked).size === numberOfFrames;
  return usable ? stacked : Array.from({ length: numberOfFrames }, (_, frame) => frame + 1);
}

function positionOf(values: number[] | undefined): FrameHeader['position'] {
  return values?.length === 3 ? (values as unknown as [number, number, number]) : undefined;
}

function spacingOf(values: number[] | undefined): FrameHeader['spacing'] {
  if (values?.length !== 2 || !values.every((value) => value > 0)) return undefined;
  return values as unknown as [number, number];
}

/** Direction cosines are written with few digits at times: a hundredth is a turn of about half a degree. */
const ORIENTATION_TOLERANCE = 0.01;

/** ImageOrientationPatient, if it is two orthogonal unit vectors (PS3.3 C.7.6.2.1.1). */
function orientationOf(values: number[] | undefined): FrameHeader['orientation'] {
  if (values?.length !== 6) return undefined;
  const [a, b, c, d, e, f] = values as [number, number, number, number, number, number];
  const skew = Math.abs(a * d + b * e + c * f);
  const stretch = Math.max(Math.abs(Math.hypot(a, b, c) - 1), Math.abs(Math.hypot(d, e, f) - 1));
  return skew <= ORIENTATION_TOLERANCE && stretch <= ORIENTATION_TOLERANCE ? [a, b, c, d, e, f] : undefined;
}

/** Rescale slope and intercept (PS3.3 C.11.1, C.7.6.16.2.9); absent they change nothing. */
function rescaleOf(from: Attributes, context: ErrorContext): Pick<FrameHeader, 'rescaleSlope' | 'rescaleIntercept'> {
  const rescaleSlope = has(from, TAG.RescaleSlope) ? decimal(from, TAG.RescaleSlope) : 1;
  const rescaleIntercept = has(from, TAG.RescaleIntercept) ? decimal(from, TAG.RescaleIntercept) : 0;
  if (rescaleSlope === undefined || rescaleSlope === 0 || rescaleIntercept === undefined) {
    throw new DicomError('DICOM_ATTRIBUTE_INVALID', 'RescaleSlope and RescaleIntercept make no scale', {
      ...context,
      expected: 'finite numbers and a slope other than 0',
    });
  }
  return { rescaleSlope, rescaleIntercept };
}

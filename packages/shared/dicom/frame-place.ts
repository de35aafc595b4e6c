/**
 * Where a frame lies in the patient: position, orientation and pixel spacing. A single-frame image gives them at its
 * top level, an enhanced multi-frame image in its functional groups (PS3.3 C.7.6.2, C.7.6.16.2.1, C.7.6.16.2.3,
 * C.7.6.16.2.4). What counts as usable: docs/pipeline.md, "Words and coordinates".
 */

import type { FactSource } from './fact-source.ts';
import type { Macro } from './functional-groups.ts';

/** Position, orientation and spacing of a frame. A value that is absent or not usable is `undefined`. */
export interface FramePlace {
  /** ImagePositionPatient: centre of the first pixel, mm, LPS. */
  readonly position?: readonly [number, number, number] | undefined;
  /** ImageOrientationPatient as written: unit vectors along a row and along a column, orthogonal within 0.01. */
  readonly orientation?: readonly [number, number, number, number, number, number] | undefined;
  /** PixelSpacing: between rows, between columns; mm, positive. */
  readonly spacing?: readonly [number, number] | undefined;
}

/** The item or data set that holds each of the three attributes of a frame. */
export interface PlaceSources<S> {
  readonly ImagePositionPatient: S | undefined;
  readonly ImageOrientationPatient: S;
  readonly PixelSpacing: S;
}

/** Where to look up position, orientation and spacing of a frame. */
export function placeSourcesOf<S>(source: S, macro: Macro<S>, numberOfFrames: number): PlaceSources<S> {
  return {
    // A position at the top level cannot hold for several frames.
    ImagePositionPatient: macro('PlanePositionSequence') ?? (numberOfFrames === 1 ? source : undefined),
    ImageOrientationPatient: macro('PlaneOrientationSequence') ?? source,
    PixelSpacing: macro('PixelMeasuresSequence') ?? source,
  };
}

/** Position, orientation and spacing of a frame. A value that is absent or not usable is `undefined`. */
export function placeOf(sources: PlaceSources<FactSource>): FramePlace {
  return {
    position: positionOf(sources.ImagePositionPatient?.numbers('ImagePositionPatient')),
    orientation: orientationOf(sources.ImageOrientationPatient.numbers('ImageOrientationPatient')),
    spacing: spacingOf(sources.PixelSpacing.numbers('PixelSpacing')),
  };
}

function positionOf(values: readonly number[] | undefined): FramePlace['position'] {
  return values?.length === 3 ? (values as unknown as [number, number, number]) : undefined;
}

function spacingOf(values: readonly number[] | undefined): FramePlace['spacing'] {
  if (values?.length !== 2 || !values.every((value) => value > 0)) return undefined;
  return values as unknown as [number, number];
}

/** Some writers round direction cosines to two or three digits. An error of 0.01 is an angle of about half a degree. */
const ORIENTATION_TOLERANCE = 0.01;

/** ImageOrientationPatient, if it is two orthogonal unit vectors (PS3.3 C.7.6.2.1.1). */
function orientationOf(values: readonly number[] | undefined): FramePlace['orientation'] {
  if (values?.length !== 6) return undefined;
  const [a, b, c, d, e, f] = values as [number, number, number, number, number, number];
  const skew = Math.abs(a * d + b * e + c * f);
  const stretch = Math.max(Math.abs(Math.hypot(a, b, c) - 1), Math.abs(Math.hypot(d, e, f) - 1));
  return skew <= ORIENTATION_TOLERANCE && stretch <= ORIENTATION_TOLERANCE ? [a, b, c, d, e, f] : undefined;
}

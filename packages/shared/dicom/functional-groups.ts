/**
 * Where the attributes of a frame are found: at the top level of a single-frame image; of an enhanced multi-frame image
 * in its functional groups, shared or its own (PS3.3 C.7.6.16).
 */

import type { Keyword } from './dictionary.ts';
import type { FrameFacts } from './instance-facts.ts';
import type { FactSource } from './read-facts.ts';

/** A data set, or what stands for one, whose sequences hold the same. */
export interface Nested<S> {
  items(keyword: Keyword): readonly S[];
}

/** Finds the first item of a functional group macro's sequence for one frame. */
export type Macro<S> = (sequence: Keyword) => S | undefined;

/** Functional groups of an image. */
export interface FunctionalGroups<S> {
  readonly perFrame: readonly S[];
  /** Looks in the frame's own groups first, then in the shared ones. @param frame from 0 */
  macroOf(frame: number): Macro<S>;
}

/** The functional groups of an image; none for a single-frame one. */
export function functionalGroupsOf<S extends Nested<S>>(source: S): FunctionalGroups<S> {
  const perFrame = source.items('PerFrameFunctionalGroupsSequence');
  const shared = source.items('SharedFunctionalGroupsSequence')[0];
  return {
    perFrame,
    // A macro is in the shared groups or in every frame's, never in both; if it is, the frame's own is nearer.
    macroOf: (frame) => (sequence) => perFrame[frame]?.items(sequence)[0] ?? shared?.items(sequence)[0],
  };
}

/** What holds each of the three attributes that place a frame. */
export interface PlaceSources<S> {
  readonly ImagePositionPatient: S | undefined;
  readonly ImageOrientationPatient: S;
  readonly PixelSpacing: S;
}

/** Where position, orientation and spacing of a frame are looked up. */
export function placeSourcesOf<S>(source: S, macro: Macro<S>, numberOfFrames: number): PlaceSources<S> {
  return {
    // Outside of groups, one position cannot be that of several frames.
    ImagePositionPatient: macro('PlanePositionSequence') ?? (numberOfFrames === 1 ? source : undefined),
    ImageOrientationPatient: macro('PlaneOrientationSequence') ?? source,
    PixelSpacing: macro('PixelMeasuresSequence') ?? source,
  };
}

/** Position, orientation and spacing of a frame; what is absent or makes no geometry is `undefined`. */
export function placeOf(sources: PlaceSources<FactSource>): Pick<FrameFacts, 'position' | 'orientation' | 'spacing'> {
  return {
    position: positionOf(sources.ImagePositionPatient?.numbers('ImagePositionPatient')),
    orientation: orientationOf(sources.ImageOrientationPatient.numbers('ImageOrientationPatient')),
    spacing: spacingOf(sources.PixelSpacing.numbers('PixelSpacing')),
  };
}

function positionOf(values: readonly number[] | undefined): FrameFacts['position'] {
  return values?.length === 3 ? (values as unknown as [number, number, number]) : undefined;
}

function spacingOf(values: readonly number[] | undefined): FrameFacts['spacing'] {
  if (values?.length !== 2 || !values.every((value) => value > 0)) return undefined;
  return values as unknown as [number, number];
}

/** Direction cosines are written with few digits at times: a hundredth is a turn of about half a degree. */
const ORIENTATION_TOLERANCE = 0.01;

/** ImageOrientationPatient, if it is two orthogonal unit vectors (PS3.3 C.7.6.2.1.1). */
function orientationOf(values: readonly number[] | undefined): FrameFacts['orientation'] {
  if (values?.length !== 6) return undefined;
  const [a, b, c, d, e, f] = values as [number, number, number, number, number, number];
  const skew = Math.abs(a * d + b * e + c * f);
  const stretch = Math.max(Math.abs(Math.hypot(a, b, c) - 1), Math.abs(Math.hypot(d, e, f) - 1));
  return skew <= ORIENTATION_TOLERANCE && stretch <= ORIENTATION_TOLERANCE ? [a, b, c, d, e, f] : undefined;
}

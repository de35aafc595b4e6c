/**
 * The order of the slices of one kind in space: sagittal from the patient's right to left, axial from head to feet.
 * Instance numbers may run in either direction and have gaps, so they only decide ties.
 *
 * Slices are ordered by the position of their centres along the mean normal of the series. For parallel slices that
 * equals the order of Image Position (Patient) along the slice normal. An axial series with blocks angled to the discs
 * has several orientations. There the corner of an image, which is its Image Position, can lie beyond the line where
 * the planes of two blocks cross; the centre of the image lies in the spine.
 *
 * Source: docs/pipeline.md, "Order of slices"; docs/decisions/0002-slices-ordered-by-their-middles.md.
 */

import type { Kind } from '../domain/index.ts';
import { centreOf, dot, normalOf, planeKind, type SlicePlane, subtract, type Vec3 } from './slice-plane.ts';

/** Two slices are repeats if their positions differ by no more than this ... */
const REPEAT_DISTANCE_MM = 0.01;
/** ... and every cosine of their orientations by no more than this (about 0.06 degrees). */
const REPEAT_COSINE = 0.001;
/** Positions along the normal that are closer than this are a tie; the lower instance number decides. */
const TIE_MM = 0.001;
/** A slice whose normal is further than this from the axis of its kind belongs to another plane: cos 60 degrees. */
const MISMATCH_COSINE = 0.5;
/** A gap is a distance above this many times the median distance. */
const GAP_FACTOR = 1.5;

/** A slice that can be ordered. */
export type NumberedSlice = SlicePlane & { readonly instanceNumber: number };

/** An unusually large distance between neighbouring slices. */
export interface SliceGap<S> {
  /** The slice before the gap, in order. */
  readonly after: S;
  readonly distanceMm: number;
  /** The median distance of the series. */
  readonly typicalMm: number;
}

/** The slices of a series in order, and what is odd about them. */
export interface SliceOrder<S> {
  readonly ordered: S[];
  /** Left out: another slice has the same position and orientation and a lower instance number. */
  readonly repeated: S[];
  /**
   * Distances above 1.5 times the median, along the normal. Only a hint that slices may be missing: axial blocks angled
   * to the discs have such distances between blocks by design.
   */
  readonly gaps: SliceGap<S>[];
  /** Left out: the plane is more than 60 degrees from the others', such as a localizer's. */
  readonly mismatched: S[];
  /** `false` if no slice lies within 60 degrees of the plane of the kind. Then the plane of most slices was used. */
  readonly asPromised: boolean;
  /** Unit vector along which `ordered` advances. */
  readonly direction: Vec3;
}

/**
 * Orders the slices of one series, or of several series of one kind in one frame of reference. The result depends on
 * the slices alone, not on the order in which they are given.
 *
 * @throws {RangeError} if a slice is not placeable (see `isPlaceable`).
 */
export function orderSlices<S extends NumberedSlice>(slices: readonly S[], kind: Kind): SliceOrder<S> {
  const byNumber = slices
    .map((slice) => ({ slice, normal: normalOf(slice.orientation) }))
    .sort((a, b) => compareIdentity(a.slice, b.slice));
  const promised = axisOf(kind === 'axial_t2' ? 'axial' : 'sagittal');

  let main = promised;
  let members = byNumber.filter(({ normal }) => isNear(normal, main));
  const asPromised = members.length > 0 || byNumber.length === 0;
  if (!asPromised) {
    main = mainNormal(byNumber);
    members = byNumber.filter(({ normal }) => isNear(normal, main));
  }
  const mismatched = byNumber.filter(({ normal }) => !isNear(normal, main)).map(({ slice }) => slice);

  const kept: S[] = [];
  const repeated: S[] = [];
  for (const { slice } of members) {
    (kept.some((other) => isRepeat(slice, other)) ? repeated : kept).push(slice);
  }

  const direction = meanDirection(members, main);
  const placed = kept
    .map((slice) => ({ slice, atMm: dot(centreOf(slice), direction) }))
    // Stable, so that ties stay in order of instance number.
    .sort((a, b) => Math.round(a.atMm / TIE_MM) - Math.round(b.atMm / TIE_MM));
  return {
    ordered: placed.map(({ slice }) => slice),
    repeated,
    gaps: gapsOf(placed),
    mismatched,
    asPromised,
    direction,
  };
}

/** The direction in which slices of a plane are counted: right to left, head to feet, front to back. */
function axisOf(plane: 'sagittal' | 'axial' | 'coronal'): Vec3 {
  if (plane === 'sagittal') return [1, 0, 0];
  return plane === 'axial' ? [0, 0, -1] : [0, 1, 0];
}

function isNear(normal: Vec3, axis: Vec3): boolean {
  return Math.abs(dot(normal, axis)) >= MISMATCH_COSINE;
}

/**
 * The normal that most slices are near to, pointing along the axis of its plane. If several are equal, that of the
 * lowest instance number.
 */
function mainNormal(slices: readonly { slice: NumberedSlice; normal: Vec3 }[]): Vec3 {
  let best = slices[0]!;
  let bestCount = 0;
  for (const candidate of slices) {
    const count = slices.filter(({ normal }) => isNear(normal, candidate.normal)).length;
    if (count > bestCount) {
      best = candidate;
      bestCount = count;
    }
  }
  return towards(best.normal, axisOf(planeKind(best.slice.orientation)));
}

/** The mean of the normals, each first turned to the side of `main`. */
function meanDirection(slices: readonly { normal: Vec3 }[], main: Vec3): Vec3 {
  let sum: Vec3 = [0, 0, 0];
  for (const { normal } of slices) {
    const turned = towards(normal, main);
    sum = [sum[0] + turned[0], sum[1] + turned[1], sum[2] + turned[2]];
  }
  const length = Math.hypot(sum[0], sum[1], sum[2]);
  // Without slices any direction will do.
  return length > 0 ? [sum[0] / length, sum[1] / length, sum[2] / length] : main;
}

function towards(normal: Vec3, axis: Vec3): Vec3 {
  return dot(normal, axis) < 0 ? [-normal[0], -normal[1], -normal[2]] : normal;
}

function isRepeat(a: SlicePlane, b: SlicePlane): boolean {
  const apart = subtract(a.position, b.position);
  return (
    Math.hypot(apart[0], apart[1], apart[2]) <= REPEAT_DISTANCE_MM &&
    a.orientation.every((cosine, axis) => Math.abs(cosine - b.orientation[axis]!) <= REPEAT_COSINE)
  );
}

/** By instance number; for equal numbers, by geometry and size. */
function compareIdentity(a: NumberedSlice, b: NumberedSlice): number {
  if (a.instanceNumber !== b.instanceNumber) return a.instanceNumber - b.instanceNumber;
  const left = [...a.position, ...a.orientation, ...a.spacing, a.rows, a.columns];
  const right = [...b.position, ...b.orientation, ...b.spacing, b.rows, b.columns];
  const differs = left.findIndex((value, index) => value !== right[index]);
  return differs < 0 ? 0 : left[differs]! - right[differs]!;
}

function gapsOf<S>(placed: readonly { slice: S; atMm: number }[]): SliceGap<S>[] {
  const distances = placed.slice(1).map(({ atMm }, index) => atMm - placed[index]!.atMm);
  if (distances.length < 2) return [];
  const sorted = distances.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const typicalMm = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  // At least half of the slices are at one position, so there is no typical distance.
  if (typicalMm <= TIE_MM) return [];
  return distances.flatMap((distanceMm, index) =>
    distanceMm > GAP_FACTOR * typicalMm ? [{ after: placed[index]!.slice, distanceMm, typicalMm }] : [],
  );
}

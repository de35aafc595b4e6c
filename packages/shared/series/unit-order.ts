/**
 * A fixed order of images, so that the same images always make the same stacks: by series, then by instance number,
 * then by any other difference.
 */

import type { Unit } from './series-stack.ts';

/** The images sorted. Images with equal facts keep their order. */
export function inOrder<U extends Unit>(units: readonly U[]): U[] {
  return [...units].sort(compareUnits);
}

/** Negative where `a` comes before `b`. */
export function compareUnits(a: Unit, b: Unit): number {
  for (const value of VALUES) {
    const left = value(a);
    const right = value(b);
    // Values at the same index have the same type.
    if (left < right) return -1;
    if (left > right) return 1;
  }
  return 0;
}

/**
 * Identifies a series: by SeriesInstanceUID. Images without it are separated by series number and description, since an
 * anonymiser removes the UIDs of all series of a study.
 */
export function seriesKeyOf({ facts }: Unit): string {
  return facts.seriesInstanceUid || `\0${facts.seriesNumber ?? ''}\0${facts.seriesDescription ?? ''}`;
}

/** Absent numbers come last. */
const LAST = Number.MAX_VALUE;

const AXES = [0, 1, 2] as const;
const COSINES = [0, 1, 2, 3, 4, 5] as const;

/** The values by which two images are compared, in this order. */
const VALUES: readonly ((unit: Unit) => number | string)[] = [
  ({ facts }) => facts.seriesNumber ?? LAST,
  seriesKeyOf,
  ({ facts }) => facts.instanceNumber ?? LAST,
  ({ facts }) => facts.acquisitionNumber ?? LAST,
  ({ frame }) => frame.temporalPosition ?? LAST,
  ({ facts }) => facts.echoNumber ?? LAST,
  ({ facts, frame }) => frame.echoTimeMs ?? facts.echoTimeMs ?? LAST,
  ...AXES.map((axis) => (unit: Unit) => unit.frame.position?.[axis] ?? LAST),
  ...COSINES.map((axis) => (unit: Unit) => unit.frame.orientation?.[axis] ?? LAST),
  ({ frame }) => frame.spacing?.[0] ?? LAST,
  ({ frame }) => frame.spacing?.[1] ?? LAST,
  ({ facts }) => facts.rows ?? LAST,
  ({ facts }) => facts.columns ?? LAST,
  ({ facts }) => facts.inversionTimeMs ?? LAST,
  ({ facts }) => facts.repetitionTimeMs ?? LAST,
  ({ facts }) => facts.imageType.join('\\'),
  ({ facts }) => facts.sopInstanceUid ?? '',
  ({ facts }) => facts.seriesDescription ?? '',
  ({ facts }) => facts.protocolName ?? '',
];

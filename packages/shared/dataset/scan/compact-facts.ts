/**
 * The facts of an image in two pieces of JSON: what the images of a series have in common, kept once, and the little that
 * is its own. A million images fit into memory that way, and cross from thread to thread as text.
 */

import type { FrameFacts, InstanceFacts } from '../../dicom/index.ts';

/** Facts in two pieces. */
export interface CompactFacts {
  /** JSON, equal for most images of a series. */
  readonly shared: string;
  /**
   * JSON. Two images of one series with equal `shared` and equal `own` are one image twice, if {@link isIdentified}: the
   * same SOPInstanceUID at the same place.
   */
  readonly own: string;
}

type Shared = Omit<InstanceFacts, 'sopInstanceUid' | 'instanceNumber' | 'acquisitionNumber' | 'frames'> & {
  /** The one frame of a plain image, but for its position. */
  readonly frame?: Omit<FrameFacts, 'position'>;
};
type Own = readonly [
  sopInstanceUid: string | null,
  instanceNumber: number | null,
  acquisitionNumber: number | null,
  frames: FrameFacts['position'] | null | readonly FrameFacts[],
];

export function compactFacts(facts: InstanceFacts): CompactFacts {
  const { sopInstanceUid, instanceNumber, acquisitionNumber, frames, ...rest } = facts;
  let shared: Shared = rest;
  let ownFrames: Own[3] = frames;
  if (frames.length === 1) {
    const { position, ...frame } = frames[0]!;
    shared = { ...rest, frame };
    ownFrames = position ?? null;
  }
  const own: Own = [sopInstanceUid ?? null, instanceNumber ?? null, acquisitionNumber ?? null, ownFrames];
  return { shared: JSON.stringify(shared), own: JSON.stringify(own) };
}

/** Whether an image has a SOPInstanceUID, by which it is known again. */
export function isIdentified(own: string): boolean {
  return !own.startsWith('[null,');
}

/** What images have in common, read once for many of them. */
export type SharedFacts = Shared;

export function parseShared(shared: string): SharedFacts {
  return JSON.parse(shared) as Shared;
}

/** The facts again. */
export function restoreFacts(shared: SharedFacts, own: string): InstanceFacts {
  const [sopInstanceUid, instanceNumber, acquisitionNumber, frames] = JSON.parse(own) as Own;
  const { frame, ...rest } = shared;
  return {
    ...rest,
    sopInstanceUid: sopInstanceUid ?? undefined,
    instanceNumber: instanceNumber ?? undefined,
    acquisitionNumber: acquisitionNumber ?? undefined,
    frames: frame
      ? [{ ...frame, position: (frames as FrameFacts['position'] | null) ?? undefined }]
      : (frames as readonly FrameFacts[]),
  };
}

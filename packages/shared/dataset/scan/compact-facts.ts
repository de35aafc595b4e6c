/**
 * Stores the facts of an image as two pieces of JSON: facts that the images of a series share, kept once, and facts of
 * the single image. So a million images fit into memory and can be sent between threads as text.
 */

import type { FrameFacts, InstanceFacts } from '../../dicom/index.ts';

/** Facts in two pieces. */
export interface CompactFacts {
  /** JSON, equal for most images of a series. */
  readonly shared: string;
  /**
   * JSON. Two images of a series with equal `shared` and equal `own` are copies of one image, if {@link isIdentified}:
   * the same SOPInstanceUID at the same position.
   */
  readonly own: string;
}

type Shared = Omit<InstanceFacts, 'sopInstanceUid' | 'instanceNumber' | 'acquisitionNumber' | 'frames'> & {
  /** The frame of a single-frame image, without its position. */
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

/** Whether an image has a SOPInstanceUID, so that copies are recognised. */
export function isIdentified(own: string): boolean {
  return !own.startsWith('[null,');
}

/** Parsed shared facts, used for many images. */
export type SharedFacts = Shared;

export function parseShared(shared: string): SharedFacts {
  return JSON.parse(shared) as Shared;
}

/** Restores the facts of an image. */
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

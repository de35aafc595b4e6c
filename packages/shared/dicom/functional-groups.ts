/**
 * The functional groups of an enhanced multi-frame image: which item holds the attributes of one frame. Shared groups
 * hold for all frames, per-frame groups for one (PS3.3 C.7.6.16).
 */

import type { Keyword } from './attributes.ts';

/** A data set, or anything else whose sequences hold items like itself. */
interface Nested<S> {
  items(keyword: Keyword): readonly S[];
}

/** Gives the item of one functional group macro for one frame; `undefined` if the frame has no such macro. */
export type Macro<S> = (sequence: Keyword) => S | undefined;

/** The functional groups of an image. */
interface FunctionalGroups<S> {
  /** One item per frame; empty for an image without per-frame groups. */
  readonly perFrame: readonly S[];
  /** Looks in the groups of the frame first, then in the shared ones. @param frame from 0 */
  macroOf(frame: number): Macro<S>;
}

/** The functional groups of an image; empty for a single-frame image. */
export function functionalGroupsOf<S extends Nested<S>>(source: S): FunctionalGroups<S> {
  const perFrame = source.items('PerFrameFunctionalGroupsSequence');
  const shared = source.items('SharedFunctionalGroupsSequence')[0];
  return {
    perFrame,
    // The standard allows a macro in one of the two places only. If a file has it in both, the frame's own counts.
    macroOf: (frame) => (sequence) => perFrame[frame]?.items(sequence)[0] ?? shared?.items(sequence)[0],
  };
}

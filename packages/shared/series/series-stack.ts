/**
 * The words of this room: a unit is one frame with the facts of its instance; a stack is what one pass of the scanner made,
 * and what one series of the pipeline is made of; an assessment says which kind of series a stack is, and why.
 */

import type { FrameFacts, InstanceFacts } from '../dicom/index.ts';
import type { Kind } from '../domain/index.ts';
import type { Preference } from './preference.ts';

/** One frame. Callers put what they need beside the two fields and get it back untouched. */
export interface Unit {
  readonly facts: InstanceFacts;
  readonly frame: FrameFacts;
}

/** Why images are not read. The label of a flag's detail and of the manifest, so a closed list. */
export const REJECTIONS = {
  not_mr: 'Modality is not MR',
  colour: 'a colour image, such as a screen capture',
  capture: 'a capture, report or other object that is no MR image',
  localizer: 'a localizer',
  derived: 'derived from other images: MPR, subtraction, projection, ADC, mask',
  not_lumbar: 'another part of the body',
  other_plane: 'neither sagittal nor axial, or an axial series that is not T2',
  other_contrast: 'neither T1 nor T2: proton density, diffusion, gradient echo and others',
  kind_unknown: 'its plane or its contrast cannot be told',
} as const;
export type Rejection = keyof typeof REJECTIONS;

export interface Assessment {
  /** `undefined`: of no kind that is scored; `rejection` says why. */
  readonly kind: Kind | undefined;
  readonly rejection: Rejection | undefined;
  readonly plane: 'sagittal' | 'axial' | 'coronal' | undefined;
  readonly weighting: 't1' | 't2' | undefined;
  /**
   * Why, one short sentence per ground, in the order in which they count: `sagittal by its planes`, `T2: EchoTime 105 ms,
   * RepetitionTime 3500 ms`, `the word "loc" in SeriesDescription`. Figures and single known words only: never a whole
   * description, a UID or a name.
   */
  readonly reasons: readonly string[];
  /** What the description or the headers' own words contradict, one sentence per contradiction; a flag on the result. */
  readonly contradictions: readonly string[];
  /** Why a sagittal stack may not show all five levels, one sentence; a flag on the result. */
  readonly tooShort: string | undefined;
  /** Its place among stacks of one kind: see `comparePreference` and `whyPreferred`. */
  readonly preference: Preference;
}

export interface Stack<U extends Unit> {
  readonly units: readonly U[];
  readonly assessment: Assessment;
}

/** Images that are part of no stack that is read. */
export interface RejectedUnits<U extends Unit> {
  readonly units: readonly U[];
  readonly rejection: Rejection;
  /** One sentence, as in `Assessment.reasons`. */
  readonly reason: string;
}

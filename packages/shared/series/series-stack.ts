/**
 * The terms of this folder. A unit is one frame with the facts of its instance. A stack is the images of one scan, and
 * becomes one series of the pipeline. An assessment says which kind of series a stack is, and why.
 */

import type { FrameFacts, InstanceFacts } from '../dicom/index.ts';
import type { Kind } from '../domain/index.ts';
import type { Preference } from './preference.ts';

/** One frame. Callers may add fields of their own, which are returned unchanged. */
export interface Unit {
  readonly facts: InstanceFacts;
  readonly frame: FrameFacts;
}

/** Why images are not read. A closed list, since the codes are in flags and manifests. */
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
  /** `undefined` if the stack is of no scored kind; `rejection` says why. */
  readonly kind: Kind | undefined;
  readonly rejection: Rejection | undefined;
  readonly plane: 'sagittal' | 'axial' | 'coronal' | undefined;
  readonly weighting: 't1' | 't2' | undefined;
  /**
   * Why, one short sentence per ground, the most important first: `sagittal by its planes`, `T2: EchoTime 105 ms,
   * RepetitionTime 3500 ms`, `the word "loc" in SeriesDescription`. Only figures and single known words: never a whole
   * description, a UID or a name.
   */
  readonly reasons: readonly string[];
  /** Contradictions with the description or between header attributes, one sentence each; flagged in the result. */
  readonly contradictions: readonly string[];
  /** Why a sagittal stack may not show all five levels, one sentence; flagged in the result. */
  readonly tooShort: string | undefined;
  /** How it compares with other stacks of its kind: see `comparePreference` and `whyPreferred`. */
  readonly preference: Preference;
}

export interface Stack<U extends Unit> {
  readonly units: readonly U[];
  readonly assessment: Assessment;
}

/** Images that belong to no stack that is read. */
export interface RejectedUnits<U extends Unit> {
  readonly units: readonly U[];
  readonly rejection: Rejection;
  /** One sentence, as in `Assessment.reasons`. */
  readonly reason: string;
}

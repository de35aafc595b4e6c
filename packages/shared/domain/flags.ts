/**
 * Flags: what a reader of a result should know about how it was made. Every loss of quality gets a flag, which is in
 * the result and is counted in a metric.
 */

import type { Condition, Kind, Level } from './vocabulary.ts';

/** Every flag that a result can have, and what it means for the reader of the severities. */
export const FLAG_MEANINGS = {
  dataset_problem: 'the dataset differs from its description',
  series_kind_missing: 'the study has no usable series of this kind',
  series_unreadable: 'no slice of this series could be read',
  series_not_used: 'another series of the same kind was read instead',
  axial_series_pooled:
    'several axial series were used together; the slice of a level is the nearest one in all of them',
  series_kind_inferred: 'the kind of this series was inferred from its DICOM attributes',
  series_kind_unknown: 'this series is of no kind that is scored, and was left out',
  slice_unreadable: 'this file could not be read and was left out',
  slice_not_placed: 'this slice has no position, orientation or spacing and was left out',
  slice_repeated: 'another slice has the same position; the one with the lowest instance number was kept',
  slice_sizes_differ: 'slices of this series, or of the series of this kind, have different numbers of rows or columns',
  slice_gap: 'the distance between neighbouring slices of this series varies: slices may be missing',
  slices_few: 'this series has fewer than five slices',
  slices_resampled: 'this series has more slices than the model takes; it was resampled to the nearest slices',
  study_uids_differ:
    'the images have different StudyInstanceUIDs: they may belong to several studies, or to several patients',
  slice_rejected: 'these images of the series are not slices of a kind that is scored, and were left out',
  series_split: 'this series holds several stacks, which were read as separate series',
  description_contradicts_header: 'the description of this series contradicts its DICOM header',
  coverage_short: 'this sagittal series is shorter, from head to feet, than a lumbar spine: levels may be missing',
  value_repaired: 'a value is not written as the DICOM standard requires; it was read nevertheless',
  orientation_turned: 'the slices of this series are stored rotated, as their orientation says, and were rotated back',
  orientation_mirrored:
    'the slices of this series are stored mirrored, as their orientation says, and were mirrored back',
  orientation_oblique: 'the slices of this series lie more than 45 degrees away from the plane of their kind',
  orientation_unexpected: 'the slices of this series lie in another plane than slices of its kind do',
  frame_of_reference_missing: 'this series has no frame of reference: its position relative to other series is unknown',
  frame_of_reference_differs:
    'this series is in another frame of reference than the Sagittal T2/STIR series, or in several',
  no_axial_in_frame: 'no axial series shares the frame of reference of the Sagittal T2/STIR series',
  axial_plane_distant: 'the nearest axial plane is far from the level',
  pixels_constant: 'all pixels of this stack have the same value',
  members_disagree: 'the members of the ensemble disagree on the slice of this level',
  level_point_unknown: 'no stage-1 model gives a point for this level: stage 2 alone chooses its axial slice',
  view_missing: 'a view of this target is missing; the model got zeros in its place',
  class_shares_used: 'no view of this target exists: its severities are the class shares of the training set',
} as const;
export type FlagCode = keyof typeof FLAG_MEANINGS;

/** One flag. The fields after `code` say what it applies to. */
export interface Flag {
  readonly code: FlagCode;
  readonly kind?: Kind | undefined;
  readonly series?: string | undefined;
  /** Instance number, or the name of the file if no instance number could be read. */
  readonly instance?: number | string | undefined;
  readonly level?: Level | undefined;
  readonly condition?: Condition | undefined;
  /** Figures or the reason, in one line, without patient data. */
  readonly detail?: string | undefined;
}

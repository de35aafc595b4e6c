/**
 * Flags: what a reader of a result should know about how it came about. Nothing degrades in silence; a flag is on the
 * result and counted in a metric.
 */

import type { Condition, Kind, Level } from './vocabulary.ts';

/** Every flag that a result can carry, with what it means for whoever reads the severity. */
export const FLAG_MEANINGS = {
  dataset_problem: 'the dataset is not quite what its description says',
  series_kind_missing: 'the study has no usable series of this kind',
  series_unreadable: 'no slice of this series could be read',
  series_not_used: 'another series of the same kind was read instead',
  axial_series_pooled: 'several axial series were read together; a level’s slice is the nearest over all of them',
  series_kind_inferred: 'the kind of this series was inferred from its DICOM attributes',
  series_kind_unknown: 'this series is of no kind that is scored, and was left out',
  slice_unreadable: 'this file could not be read and was left out',
  slice_not_placed: 'this slice has no position, orientation or spacing and was left out',
  slice_repeated: 'another slice stands at the same position; the lowest instance number was kept',
  slice_sizes_differ: 'slices of this series, or of the series of this kind, have different numbers of rows or columns',
  slice_gap: 'the distance between neighbouring slices of this series varies: slices may be missing',
  slices_few: 'this series has fewer than five slices',
  slices_resampled: 'this series has more slices than the model takes and was resampled to the nearest',
  study_uids_differ:
    'the images that are read carry different StudyInstanceUIDs: they may be of several studies, or of several patients',
  slice_rejected: 'these images of the series are no slices of a kind that is scored, and were left out',
  series_split: 'this series holds several stacks, which were read as series of their own',
  description_contradicts_header: 'what is said of this series contradicts its DICOM header',
  coverage_short: 'this sagittal series reaches less far from head to feet than a lumbar spine: levels may be missing',
  value_repaired: 'a value that is written against the DICOM standard was read all the same',
  orientation_turned: 'the slices of this series are stored turned, as their orientation says, and were turned back',
  orientation_mirrored:
    'the slices of this series are stored as mirror images, as their orientation says, and were mirrored back',
  orientation_oblique: 'the slices of this series lie more than 45 degrees away from the plane of their kind',
  orientation_unexpected: 'the planes of this series are not those that its kind promises',
  frame_of_reference_missing: 'this series has no frame of reference: it is related to no other series by position',
  frame_of_reference_differs:
    'this series is in another frame of reference than the Sagittal T2/STIR series, or in several',
  no_axial_in_frame: 'no axial series shares the frame of reference of the Sagittal T2/STIR series',
  axial_plane_distant: 'the nearest axial plane is far from the level',
  pixels_constant: 'all pixels of this stack have the same value',
  members_disagree: 'the members of the ensemble disagree on the slice of this level',
  level_point_unknown: 'no stage-1 model placed this level in its slice: stage 2 alone chooses its axial slice',
  view_missing: 'a view of this target is missing and was given to the model as zeros',
  class_shares_used: 'no view of this target exists: the severities are the class shares of the training set',
} as const;
export type FlagCode = keyof typeof FLAG_MEANINGS;

/** One flag; the fields after `code` say what it is about. */
export interface Flag {
  readonly code: FlagCode;
  readonly kind?: Kind | undefined;
  readonly series?: string | undefined;
  /** Instance number, or the file's name where no instance number could be read. */
  readonly instance?: number | string | undefined;
  readonly level?: Level | undefined;
  readonly condition?: Condition | undefined;
  /** One line of figures or the reason, without patient data. */
  readonly detail?: string | undefined;
}

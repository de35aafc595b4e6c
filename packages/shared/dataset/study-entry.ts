/**
 * One study as the dataset has it: its series, where their instances lie, and a fingerprint of each, JSON-serialisable.
 * This is what the dataset's pages in the store hold and what stage 1 starts from; at most headers were read for it.
 */

import { z } from 'zod';
import { KINDS } from '../domain/index.ts';
import { REJECTIONS, type Rejection } from '../series/index.ts';

/**
 * A study's id names objects in the store and rows of the submission, so it is held to characters that are plain in
 * both: letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, at most 128.
 */
export const StudyId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'a study id is letters, digits, ".", "_" and "-", at most 128 of them');

/** A series' id only has to be one word of a path: no slashes, no control characters, not `.` or `..`. */
export const SeriesId = z
  .string()
  .regex(/^(?!\.{1,2}$)[^/\\\p{Cc}]{1,128}$/u, 'a series id has 1 to 128 characters and no slash among them');

/**
 * Something odd that was found while the dataset was read. A problem does not by itself fail a study: a study without
 * any instance cannot be scored, one with some is scored from those and the problem goes on its result.
 */
export const Problem = z.strictObject({
  code: z.enum([
    /** The description names the study, but there is no folder for it. */
    'STUDY_FOLDER_MISSING',
    /** There is a folder for the study, but the series descriptions do not name it: kinds are inferred from DICOM. */
    'STUDY_NOT_DESCRIBED',
    /** The study's folder is there and cannot be listed. */
    'STUDY_FOLDER_UNREADABLE',
    /** Image files lie in the study's folder itself, outside any series; they are left out. */
    'FILES_OUTSIDE_SERIES',
    /** The series is described or in the manifest, but there is no folder or file for it. */
    'SERIES_FOLDER_MISSING',
    /** The series' folder is there, without any image file in it. */
    'SERIES_FOLDER_EMPTY',
    /** The series' folder, or a folder of the study, is there and cannot be listed. */
    'SERIES_FOLDER_UNREADABLE',
    /** Files that the manifest names are not there or may not be read, or a server gives fewer than it says it has. */
    'FILES_MISSING',
    /** Files are DICOM by their content or their name and their header cannot be read, or may not be; they are left out. */
    'FILES_DAMAGED',
    /** Images without StudyInstanceUID; the folder they lie in was taken for their study. */
    'STUDY_UID_MISSING',
  ]),
  message: z.string(),
});
export type Problem = z.infer<typeof Problem>;

export const InstanceEntry = z.strictObject({
  /** `file:///absolute/path`, `s3://bucket/key` or `dicomweb+https://...`, as the source reader takes it. */
  location: z
    .string()
    .regex(
      /^(file:\/\/\/|s3:\/\/[^/]+\/|dicomweb\+https?:\/\/[^/]+\/)./,
      'a file:///, s3:// or dicomweb+https:// location',
    ),
  /** Changes when the bytes do: size and modification time, or ETag and size; only ever compared for equality. */
  fingerprint: z.string().min(1),
});
export type InstanceEntry = z.infer<typeof InstanceEntry>;

export const SeriesEntry = z.strictObject({
  series: SeriesId,
  /** `undefined`: nobody said, stage 1 infers it from the DICOM attributes. */
  kind: z.enum(KINDS).optional(),
  /** The description as the user wrote it. */
  description: z.string().optional(),
  /** In natural order of their names, or in the order in which a manifest lists them. */
  instances: z.array(InstanceEntry),
  problems: z.array(Problem).min(1).optional(),
  /** What the headers say of its kind, a sentence each; there where they were read while the dataset was opened. */
  reasons: z.array(z.string().min(1)).min(1).optional(),
  /** A person looked at it: the kind holds, whatever the headers say. */
  trust: z.literal('description').optional(),
});
export type SeriesEntry = z.infer<typeof SeriesEntry>;

/** Images of the study that are not read, and why. */
export const RejectedEntry = z.strictObject({
  /** What the manifest calls them; no series of the study has the same id. */
  series: SeriesId,
  /** Files. */
  images: z.int().min(1),
  rejection: z.enum(Object.keys(REJECTIONS) as [Rejection, ...Rejection[]]),
  /** One sentence, without texts of the header beyond single known words. */
  reason: z.string().min(1),
  /** What they would be read as, were they not rejected. */
  kind: z.enum(KINDS).optional(),
});
export type RejectedEntry = z.infer<typeof RejectedEntry>;

export const StudyEntry = z.strictObject({
  study: StudyId,
  series: z.array(SeriesEntry),
  problems: z.array(Problem).min(1).optional(),
  /** There where the headers were read while the dataset was opened. */
  rejected: z.array(RejectedEntry).min(1).optional(),
});
export type StudyEntry = z.infer<typeof StudyEntry>;

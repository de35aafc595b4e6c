/**
 * One study of a dataset as JSON: its series, and the location and fingerprint of each instance. The dataset's pages in
 * the store hold these entries, and stage 1 starts from them. Pixels were not read.
 */

import { z } from 'zod';
import { KINDS } from '../domain/index.ts';
import { REJECTIONS, type Rejection } from '../series/index.ts';

/**
 * A study id is part of keys in the store and of row ids in the submission, so only these characters are allowed:
 * letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, at most 128.
 */
export const StudyId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'a study id is letters, digits, ".", "_" and "-", at most 128 of them');

/** A series id is one part of a path: no slashes, no control characters, not `.` or `..`. */
export const SeriesId = z
  .string()
  .regex(/^(?!\.{1,2}$)[^/\\\p{Cc}]{1,128}$/u, 'a series id has 1 to 128 characters and no slash among them');

/**
 * Something odd that was found while the dataset was read. A problem alone does not fail a study: if it has instances,
 * it is scored from them, and its result has the problem. A study without any instance fails.
 */
export const Problem = z.strictObject({
  code: z.enum([
    /** The description names the study, but there is no folder for it. */
    'STUDY_FOLDER_MISSING',
    /** There is a folder for the study, but the series descriptions do not name it: kinds are inferred from DICOM. */
    'STUDY_NOT_DESCRIBED',
    /** The study's folder exists but cannot be listed. */
    'STUDY_FOLDER_UNREADABLE',
    /** There are files in the study's folder itself, outside any series; they are left out. */
    'FILES_OUTSIDE_SERIES',
    /** The series is described or in the manifest, but there is no folder or file for it. */
    'SERIES_FOLDER_MISSING',
    /** The series' folder exists but holds no image file. */
    'SERIES_FOLDER_EMPTY',
    /** The series' folder, or a folder of the study, exists but cannot be listed. */
    'SERIES_FOLDER_UNREADABLE',
    /**
     * Files of the manifest are missing or may not be read, or a server returns fewer instances than it says it has.
     */
    'FILES_MISSING',
    /** Files that are or may be DICOM, by content or name, but whose headers cannot be read; they are left out. */
    'FILES_DAMAGED',
    /** Images without StudyInstanceUID; their folder was taken as the study. */
    'STUDY_UID_MISSING',
  ]),
  message: z.string(),
});
export type Problem = z.infer<typeof Problem>;

export const InstanceEntry = z.strictObject({
  /** `file:///absolute/path`, `s3://bucket/key` or `dicomweb+https://...`, as the source reader expects it. */
  location: z
    .string()
    .regex(
      /^(file:\/\/\/|s3:\/\/[^/]+\/|dicomweb\+https?:\/\/[^/]+\/)./,
      'a file:///, s3:// or dicomweb+https:// location',
    ),
  /** Changes when the bytes do: size and modification time, or ETag and size. Only compared for equality. */
  fingerprint: z.string().min(1),
});
export type InstanceEntry = z.infer<typeof InstanceEntry>;

export const SeriesEntry = z.strictObject({
  series: SeriesId,
  /** `undefined`: not described; stage 1 infers it from the DICOM attributes. */
  kind: z.enum(KINDS).optional(),
  /** The description as the user wrote it. */
  description: z.string().optional(),
  /** In natural order of their names, or in the order in which a manifest lists them. */
  instances: z.array(InstanceEntry),
  problems: z.array(Problem).min(1).optional(),
  /**
   * The reasons for its kind by the headers, one sentence each. Present if headers were read while the dataset was
   * opened.
   */
  reasons: z.array(z.string().min(1)).min(1).optional(),
  /** A person confirmed the kind: it counts, whatever the headers say. */
  trust: z.literal('description').optional(),
});
export type SeriesEntry = z.infer<typeof SeriesEntry>;

/** Images of the study that are not read, and why. */
export const RejectedEntry = z.strictObject({
  /** Their name in the manifest; no series of the study has the same id. */
  series: SeriesId,
  /** Number of files. */
  images: z.int().min(1),
  rejection: z.enum(Object.keys(REJECTIONS) as [Rejection, ...Rejection[]]),
  /** One sentence. It contains no text of the header except single known words. */
  reason: z.string().min(1),
  /** The kind that they would have if they were not rejected. */
  kind: z.enum(KINDS).optional(),
});
export type RejectedEntry = z.infer<typeof RejectedEntry>;

export const StudyEntry = z.strictObject({
  study: StudyId,
  series: z.array(SeriesEntry),
  problems: z.array(Problem).min(1).optional(),
  /** Present if headers were read while the dataset was opened. */
  rejected: z.array(RejectedEntry).min(1).optional(),
});
export type StudyEntry = z.infer<typeof StudyEntry>;

/** The codes with which a study can fail in a worker. The list is closed, since the codes are labels of a metric. */

export const JOB_ERROR_CODES = [
  'ARTEFACT_DAMAGED',
  'BUNDLE_DIGEST_MISMATCH',
  'BUNDLE_INVALID',
  'BUNDLE_MEMBER_DAMAGED',
  'BUNDLE_MEMBER_MISSING',
  'BUNDLE_MISSING',
  'BUNDLE_MODEL_UNUSABLE',
  'BUNDLE_OUTPUT_UNEXPECTED',
  'BUNDLE_WRONG_STAGE',
  'COMPUTE_THREAD_DIED',
  'CONFIG_INVALID',
  'DICOM_ATTRIBUTE_INVALID',
  'DICOM_ATTRIBUTE_MISSING',
  'DICOM_DECODE_FAILED',
  'DICOM_NOT_DICOM',
  'DICOM_TRUNCATED',
  'DICOM_UNSUPPORTED',
  'INFERENCE_FAILED',
  'INFERENCE_THREAD_DIED',
  'JOB_POISON',
  'OBJECT_ACCESS_DENIED',
  'OBJECT_NOT_FOUND',
  'SOURCE_CHANGED',
  'STORE_FILE_FAILED',
  'STORE_KEEPS_BREAKING',
  'STORE_KEY_CONFLICT',
  'STORE_KEY_INVALID',
  'STORE_REQUEST_REFUSED',
  'STORE_UNAVAILABLE',
  'STUDY_NOT_IN_DATASET',
  'STUDY_TOO_FEW_VIEWS',
  'STUDY_UNREADABLE',
  'STUDY_WITHOUT_IMAGES',
  'STUDY_WITHOUT_SERIES',
  /** An error that is not a SpinelineError. */
  'UNEXPECTED',
  /** A code that is not in this list. */
  'OTHER',
] as const;
export type JobErrorCode = (typeof JOB_ERROR_CODES)[number];

export function jobErrorCode(code: string): JobErrorCode {
  return JOB_ERROR_CODES.find((known) => known === code) ?? 'OTHER';
}

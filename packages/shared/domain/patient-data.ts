/**
 * What keeps patient data out of logs, metrics, Redis, messages and the store:
 *
 * - log lines carry ids of the dataset, codes and counts; attributes that are logged by mistake are redacted ({@link
 *   NEVER_LOGGED}, applied in telemetry/logger.ts);
 * - names and locations are shown without UIDs ({@link withoutUids}; `describeLocation` in sources/): a PACS names
 *   files after their SOPInstanceUID, and anybody with access to the PACS finds the patient by a UID;
 * - studies of a scanned folder get pseudonyms (dataset/scan/pseudonyms.ts).
 */

import { createHash } from 'node:crypto';

/** Attributes that no code logs. If one is logged by mistake, the line shows `[Redacted]` in place of its value. */
export const NEVER_LOGGED = [
  'PatientName',
  'PatientID',
  'PatientBirthDate',
  'PatientSex',
  'PatientAge',
  'AccessionNumber',
  'InstitutionName',
  'ReferringPhysicianName',
  'StudyInstanceUID',
  'SeriesInstanceUID',
  'SOPInstanceUID',
  'FrameOfReferenceUID',
];

/** Four or more groups of digits between dots, or a UID made of a UUID, which has three (PS3.5 B.2). */
const UID_LIKE = /\d+(?:(?:\.|%2e)\d+){3,}|(?<!\d)2(?:\.|%2e)25(?:\.|%2e)\d{12,}/gi;

/** Length in characters. Shorter matches are versions, addresses and the like. */
const SHORTEST = 16;

/**
 * The text with every part that looks like a UID replaced by `uid-` and the first eight hexadecimal digits of its
 * SHA-256. A dot may also be written `%2E`. docs/manifests.md says how to get from such a name to the file.
 */
export function withoutUids(text: string): string {
  return text.replace(UID_LIKE, (part) => {
    const uid = part.replace(/%2e/gi, '.');
    if (uid.length < SHORTEST) return part;
    return `uid-${createHash('sha256').update(uid).digest('hex').slice(0, 8)}`;
  });
}

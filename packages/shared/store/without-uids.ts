/**
 * Takes UIDs out of names and locations before a message shows them: a PACS names files after their SOPInstanceUID, and
 * whoever has the PACS gets from a UID to the patient.
 */

import { createHash } from 'node:crypto';

/** Four or more groups of digits between dots, or a UID made of a UUID, which has three (PS3.5 B.2). */
const UID_LIKE = /\d+(?:(?:\.|%2e)\d+){3,}|(?<!\d)2(?:\.|%2e)25(?:\.|%2e)\d{12,}/gi;

/** Shorter ones are versions, addresses and the like. */
const SHORTEST = 16;

/**
 * The text with every part that looks like a UID as `uid-` and the first eight hexadecimal digits of its SHA-256; the rest
 * stays. A dot may also be written `%2E`. docs/manifests.md says how to get from such a name to the file.
 */
export function withoutUids(text: string): string {
  return text.replace(UID_LIKE, (part) => {
    const uid = part.replace(/%2e/gi, '.');
    if (uid.length < SHORTEST) return part;
    return `uid-${createHash('sha256').update(uid).digest('hex').slice(0, 8)}`;
  });
}

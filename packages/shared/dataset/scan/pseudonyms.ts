/**
 * Makes ids that stand for UIDs. The same UID always gives the same id, on every machine. Without a secret key an id
 * can be traced only by hashing known UIDs; with a key not even that way.
 */

import { createHash, createHmac } from 'node:crypto';

/** 80 bits: among a billion studies the probability of a collision is below one in a million. */
const HEX_DIGITS = 20;

/**
 * `study-` or `series-` and 20 hexadecimal digits.
 *
 * @param uid the UID, or the text used in its place.
 * @param key secret; without it the id is a plain SHA-256, which anybody with the UID can compute.
 */
export function pseudonym(of: 'study' | 'series', uid: string, key: string | undefined): string {
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  return `${of}-${hash.update(`spineline.${of}\n${uid}`).digest('hex').slice(0, HEX_DIGITS)}`;
}

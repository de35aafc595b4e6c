/**
 * Ids in place of UIDs: the same UID gives the same id, today and on another machine, and nobody gets from an id to a UID
 * but by trying UIDs; with a secret key not even so.
 */

import { createHash, createHmac } from 'node:crypto';

/** 80 bits: a billion studies have one collision in a million worlds. */
const HEX_DIGITS = 20;

/**
 * `study-` or `series-` and 20 hexadecimal digits.
 *
 * @param uid or whatever stands in for it.
 * @param key secret; without one the id is a plain SHA-256, which who has a UID can compute.
 */
export function pseudonym(of: 'study' | 'series', uid: string, key: string | undefined): string {
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  return `${of}-${hash.update(`spineline.${of}\n${uid}`).digest('hex').slice(0, HEX_DIGITS)}`;
}

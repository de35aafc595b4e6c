/**
 * Makes ids of studies and series, and UIDs, from the seed: the same seed gives the same ids, and no id repeats in a
 * dataset.
 */

import { createHash } from 'node:crypto';

/** A prime just below 2^32, so that a multiplication modulo it permutes the numbers below it. */
const PRIME = 4294967291n;
const MULTIPLIER = 2654435769n;
/** Largest number of series per study. */
const SERIES_ROOM = 16n;

/** A decimal study id of up to ten digits, as in the challenge. Unique for the first 2^32 studies of a seed. */
export function studyId(seed: number, index: number): string {
  return permuted(seed, 'study', BigInt(index));
}

/** A decimal series id, unique in a dataset for the first 2^28 studies. */
export function seriesId(seed: number, index: number, series: number): string {
  return permuted(seed, 'series', BigInt(index) * SERIES_ROOM + BigInt(series));
}

function permuted(seed: number, purpose: string, counter: bigint): string {
  const offset = BigInt(`0x${digest([seed, purpose]).slice(0, 8)}`);
  // Ids start at one million, to look like ids.
  return String(1_000_000n + ((offset + counter * MULTIPLIER) % PRIME));
}

/** A UID under 2.25 (PS3.5 annex B.2) from a digest: random enough to be unique, and the same every time. */
export function uid(...path: readonly (string | number)[]): string {
  return `2.25.${BigInt(`0x${digest(path).slice(0, 30)}`)}`;
}

function digest(path: readonly (string | number)[]): string {
  return createHash('sha256')
    .update(`spineline phantom/${path.join('/')}`)
    .digest('hex');
}

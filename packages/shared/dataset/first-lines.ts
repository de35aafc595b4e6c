/**
 * Remembers on which line of a file each id was first, in 16 to 32 bytes per id whatever its length, so that a manifest
 * with a million studies is checked for repeated ones in little memory.
 *
 * It keeps 96 bits of the SHA-256 of an id. Two different ids among a million have the same 96 bits with a probability
 * of 1e-17.
 */

import { hash } from 'node:crypto';

/** Words of 32 bits per place: three of the digest, and the line; line 0 is an empty place. */
const WORDS = 4;
const LINE = 3;
const PLACES_AT_FIRST = 1024;

export class FirstLines {
  #table = new Uint32Array(PLACES_AT_FIRST * WORDS);
  #count = 0;

  /**
   * Remembers the line of an id that is new.
   *
   * @param line from 1 to 2^32 - 1.
   * @returns the first line of an id that was there before, otherwise `undefined`.
   */
  add(id: string, line: number): number | undefined {
    const digest = hash('sha256', id, 'buffer');
    const [a, b, c] = [digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8)];
    const at = placeOf(this.#table, a, b, c);
    const first = this.#table[at + LINE]!;
    if (first !== 0) return first;
    this.#table.set([a, b, c, line], at);
    this.#count += 1;
    if (this.#count * WORDS * 2 > this.#table.length) this.#grow();
    return undefined;
  }

  /** At least half of the places stay empty, so that a search ends soon. */
  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + LINE] === 0) continue;
      this.#table.set(old.subarray(at, at + WORDS), placeOf(this.#table, old[at]!, old[at + 1]!, old[at + 2]!));
    }
  }
}

/** Where a digest is in the table, or the empty place that is for it. */
function placeOf(table: Uint32Array, a: number, b: number, c: number): number {
  // The length is a power of two.
  let at = (a * WORDS) & (table.length - 1);
  while (table[at + LINE] !== 0 && (table[at] !== a || table[at + 1] !== b || table[at + 2] !== c)) {
    at = (at + WORDS) & (table.length - 1);
  }
  return at;
}

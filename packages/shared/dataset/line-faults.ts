/**
 * Everything that is wrong with a text file, line by line, reported together: whoever mends a manifest in the evening
 * wants all its faults at once, not one a try. The first 20 are kept word for word, the rest are counted.
 */

import { DatasetError } from '../domain/index.ts';

/** How many faults a message spells out. */
const FAULTS_SHOWN = 20;

/** Collects faults of one file. Texts carry ids of the dataset and words of the file's own format, nothing else. */
export class LineFaults {
  readonly #file: string;
  readonly #shown: { line: number; text: string }[] = [];
  #total = 0;

  /** @param file name of the file as the user gave it, for the message. */
  constructor(file: string) {
    this.#file = file;
  }

  get total(): number {
    return this.#total;
  }

  /** Records a fault; `line` counts from 1 in the uncompressed text, `undefined` for the file as a whole. */
  add(line: number | undefined, text: string): void {
    this.#total += 1;
    if (this.#shown.length < FAULTS_SHOWN)
      this.#shown.push({ line: line ?? 0, text: line === undefined ? text : `line ${line}: ${text}` });
  }

  /** @throws {DatasetError} with `code` if there is any fault; one fault a line of the message, in the file's order. */
  throwIfAny(code: string, hint?: string): void {
    if (this.#total === 0) return;
    const more = this.#total > this.#shown.length ? [`... and ${this.#total - this.#shown.length} more`] : [];
    const count = this.#total === 1 ? '1 fault' : `${this.#total} faults`;
    const shown = this.#shown.sort((a, b) => a.line - b.line).map(({ text }) => text);
    throw new DatasetError(code, [count, ...shown, ...more].join('\n  '), { file: this.#file, hint });
  }
}

/** A word of the user's file as a message quotes it: in JSON's quotes, at most 60 characters of it. */
export function quoted(word: string): string {
  return JSON.stringify(word.length > 60 ? `${word.slice(0, 60)}...` : word);
}

/**
 * Collects all errors of a text file with their lines, so that a person who edits a manifest sees them together and not
 * one per try. The first 20 are kept; the others are counted.
 */

import { DatasetError } from '../domain/index.ts';

/** How many errors a message lists. */
const FAULTS_SHOWN = 20;

/** Collects errors of one file. The texts contain only ids of the dataset and words of the file's format. */
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

  /** Records an error; `line` counts from 1 in the uncompressed text, `undefined` for the whole file. */
  add(line: number | undefined, text: string): void {
    this.#total += 1;
    if (this.#shown.length < FAULTS_SHOWN)
      this.#shown.push({ line: line ?? 0, text: line === undefined ? text : `line ${line}: ${text}` });
  }

  /**
   * @throws {DatasetError} with `code` if there is any error. The message has one error per line, in the order of the
   *   file.
   */
  throwIfAny(code: string, hint?: string): void {
    if (this.#total === 0) return;
    const more = this.#total > this.#shown.length ? [`... and ${this.#total - this.#shown.length} more`] : [];
    const count = this.#total === 1 ? '1 fault' : `${this.#total} faults`;
    const shown = this.#shown.sort((a, b) => a.line - b.line).map(({ text }) => text);
    throw new DatasetError(code, [count, ...shown, ...more].join('\n  '), { file: this.#file, hint });
  }
}

/** Quotes a word of the user's file for a message: in JSON quotes, at most 60 characters. */
export function quoted(word: string): string {
  return JSON.stringify(word.length > 60 ? `${word.slice(0, 60)}...` : word);
}

/** Where a scan puts what it finds, whichever scheme it reads: images into the table, the rest into the counts. */

import type { CompactFacts } from './compact-facts.ts';
import { ImageTable } from './image-table.ts';
import { Skipped, type SkipReason } from './skipped.ts';

export interface ScanProgress {
  /** Files seen so far. */
  readonly found: number;
  /** Files whose headers were read. */
  readonly read: number;
}

/** A file that is DICOM and cannot be read. */
export interface DamagedFile {
  readonly folder: string;
  readonly name: string;
  readonly detail: string;
}

/** So many are told of by name; a disk full of them says no more with all. */
const DAMAGED_KEPT = 10_000;

export class ScanSink {
  readonly table = new ImageTable();
  readonly skipped = new Skipped();
  readonly damaged: DamagedFile[] = [];
  bytesRead = 0;
  #found = 0;
  #read = 0;
  readonly #onProgress: ((progress: ScanProgress) => void) | undefined;

  constructor(onProgress?: (progress: ScanProgress) => void) {
    this.#onProgress = onProgress;
  }

  get filesFound(): number {
    return this.#found;
  }

  image(folder: string, name: string, fingerprint: string, facts: CompactFacts, damage?: string): void {
    this.table.add(folder, name, fingerprint, facts, damage);
  }

  skip(reason: SkipReason, folder: string, name: string, detail = 'it cannot be read'): void {
    this.skipped.add(reason, folder === '' ? name : `${folder}/${name}`);
    if (reason === 'damaged' && this.damaged.length < DAMAGED_KEPT) this.damaged.push({ folder, name, detail });
  }

  found(files: number): void {
    this.#found += files;
    this.#onProgress?.({ found: this.#found, read: this.#read });
  }

  read(files: number): void {
    this.#read += files;
    this.#onProgress?.({ found: this.#found, read: this.#read });
  }
}

/** Collects the results of a scan of any scheme: images in the table, everything else in counts. */

import type { CompactFacts } from './compact-facts.ts';
import { type FoundFile, ImageTable } from './image-table.ts';
import type { Loss, ShortSeries } from './losses.ts';
import { hasForeignExtension } from './names.ts';
import { Skipped, type SkipReason } from './skipped.ts';

export interface ScanProgress {
  /** Files seen so far. */
  readonly found: number;
  /** Files whose headers were read. */
  readonly read: number;
}

export class ScanSink {
  readonly table = new ImageTable();
  readonly skipped = new Skipped();
  readonly losses: Loss[] = [];
  /** Filled by servers only. */
  readonly short: ShortSeries[] = [];
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

  image(file: FoundFile, facts: CompactFacts): void {
    this.table.add(file, facts);
  }

  skip(reason: SkipReason, folder: string, name: string, detail = 'it cannot be read'): void {
    this.skipped.add(reason, folder === '' ? name : `${folder}/${name}`);
    // A file without read permission may be an image, unless it has the extension of another format.
    const mayBeImage = reason === 'unreadable' && !hasForeignExtension(name);
    if (reason === 'damaged' || mayBeImage) this.losses.push({ folder, name, detail });
  }

  unlistable(folder: string): void {
    this.skipped.add('unreadable', folder);
    this.losses.push({ folder, name: undefined, detail: 'it cannot be listed' });
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

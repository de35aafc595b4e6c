/** The images that a scan found, with place, fingerprint and compact facts: small enough for a million images. */

import type { InstanceFacts } from '../../dicom/index.ts';
import { type CompactFacts, parseShared, restoreFacts, type SharedFacts } from './compact-facts.ts';

export interface FoundFile {
  /** Path of its folder below the root with slashes; `''` for the root itself. */
  readonly folder: string;
  readonly name: string;
  readonly fingerprint: string;
  /** In bytes; 0 if a server does not give it. */
  readonly size: number;
  /** Why the rest of the file cannot be read, if only the facts that identify its series could be read. */
  readonly damage: string | undefined;
}

export interface ScannedImage extends FoundFile {
  /** Index of its shared facts in the table. */
  readonly shared: number;
  readonly own: string;
}

export class ImageTable {
  readonly #images: ScannedImage[] = [];
  readonly #shared: string[] = [];
  readonly #places = new Map<string, number>();
  readonly #parsed = new Map<number, SharedFacts>();

  get size(): number {
    return this.#images.length;
  }

  add({ folder, name, fingerprint, size, damage }: FoundFile, { shared, own }: CompactFacts): void {
    let place = this.#places.get(shared);
    if (place === undefined) {
      place = this.#shared.push(shared) - 1;
      this.#places.set(shared, place);
    }
    this.#images.push({ folder, name, fingerprint, size, damage, shared: place, own });
  }

  /** All images sorted by folder and name, whatever the order in which they were found. */
  inOrder(): readonly ScannedImage[] {
    return this.#images.sort((a, b) =>
      a.folder === b.folder ? (a.name < b.name ? -1 : 1) : a.folder < b.folder ? -1 : 1,
    );
  }

  sharedOf(image: ScannedImage): SharedFacts {
    let shared = this.#parsed.get(image.shared);
    if (shared === undefined) {
      shared = parseShared(this.#shared[image.shared]!);
      this.#parsed.set(image.shared, shared);
    }
    return shared;
  }

  factsOf(image: ScannedImage): InstanceFacts {
    return restoreFacts(this.sharedOf(image), image.own);
  }
}

/** Dataset pages in the memory of a worker. The studies of a page are jobs in a row, so a few pages are enough. */

import { LRUCache } from 'lru-cache';
import type { StudyPage } from '../dataset/index.ts';
import type { RunStore } from '../runs/index.ts';

const KEPT = 8;

export class PageCache {
  readonly #pages: LRUCache<string, StudyPage>;

  constructor(runs: RunStore) {
    this.#pages = new LRUCache<string, StudyPage>({ max: KEPT, fetchMethod: (digest) => runs.openPage(digest) });
  }

  /** The studies of a page by id. Callers that ask at the same time share one read. */
  get(digest: string): Promise<StudyPage> {
    return this.#pages.forceFetch(digest);
  }
}

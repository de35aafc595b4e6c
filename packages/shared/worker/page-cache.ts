/** Dataset pages in the memory of a worker. The studies of a page are jobs in a row, so a few pages are enough. */

import { LRUCache } from 'lru-cache';
import type { StudyEntry } from '../dataset/index.ts';
import type { RunStore } from '../runs/index.ts';

const KEPT = 8;

type Page = ReadonlyMap<string, StudyEntry>;

export class PageCache {
  readonly #pages: LRUCache<string, Page>;

  constructor(runs: RunStore) {
    this.#pages = new LRUCache<string, Page>({
      max: KEPT,
      fetchMethod: async (digest) =>
        new Map((await runs.readPage(digest)).map((entry): [string, StudyEntry] => [entry.study, entry])),
    });
  }

  /** The studies of a page by id. Callers that ask at the same time share one read. */
  get(digest: string): Promise<Page> {
    return this.#pages.forceFetch(digest);
  }
}

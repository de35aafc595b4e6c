/**
 * Gets all results of a search, page by page (QIDO-RS, PS3.18 8.3.4.4). Servers differ in paging: they follow, cap or
 * ignore `limit`; some ignore `offset`; and Orthanc 1.10 counts `offset` within `limit` if a search has
 * ModalitiesInStudy.
 */

import { SpinelineError } from '../../domain/index.ts';
import { type JsonDataSet, jsonText } from './dicom-json.ts';
import { isUid } from './location.ts';

/** A server's answer to one request of a search. */
export interface SearchPage {
  readonly dataSets: readonly JsonDataSet[];
  /** Whether the server says that it has more results. */
  readonly more: boolean;
}

export interface SearchResult {
  readonly uid: string;
  readonly dataSet: JsonDataSet;
}

export interface Search {
  /** Asks the server. */
  page(limit: number, offset: number): Promise<SearchPage>;
  /** The attribute that identifies a result. */
  readonly uidTag: string;
  /** Results to ask for per request. */
  readonly pageSize: number;
  /** For messages. */
  readonly origin: string;
  readonly name: string;
}

/**
 * The results, each once, in the server's order. Pages are requested until one has nothing new. If the reason may be
 * that the server ignores `offset` (the page before was full, or this one is a repetition), it asks for twice as many
 * results from the beginning, and so on.
 *
 * @throws {SpinelineError} `STORE_REQUEST_REFUSED` if a server repeats the same results and says that there are more.
 */
export async function* allResults(search: Search): AsyncGenerator<SearchResult> {
  const { pageSize } = search;
  const seen = new Set<string>();
  const take = async (limit: number, offset: number) => {
    const { dataSets, more } = await search.page(limit, offset);
    const fresh: SearchResult[] = [];
    for (const dataSet of dataSets) {
      const uid = jsonText(dataSet, search.uidTag);
      if (!isUid(uid) || seen.has(uid)) continue;
      seen.add(uid);
      fresh.push({ uid, dataSet });
    }
    return { fresh, length: dataSets.length, full: dataSets.length >= limit, more };
  };

  let offset = 0;
  let wasFull = false;
  let page = await take(pageSize, offset);
  while (page.fresh.length > 0) {
    yield* page.fresh;
    offset += page.length;
    wasFull = page.full;
    page = await take(pageSize, offset);
  }
  if (page.length === 0 && !wasFull) return;
  const repeated = page.length > 0;
  let limit = pageSize;
  do {
    limit = 2 * Math.max(limit, seen.size);
    page = await take(limit, 0);
    yield* page.fresh;
  } while (page.fresh.length > 0 && page.full);
  if (repeated && page.more) throw inPart(search, seen.size);
}

function inPart({ origin, name }: Search, known: number): SpinelineError {
  return new SpinelineError('STORE_REQUEST_REFUSED', 'permanent', `${origin} gives ${name} only in part`, {
    expected: `what follows the first ${known} results`,
    found: 'the same results again',
    hint: 'ask for fewer studies at once, such as one day after the other by StudyDate',
  });
}

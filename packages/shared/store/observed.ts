/** A store that reports every request to an observer: its outcome, its duration and the number of bytes. */

import { ObjectNotFoundError } from '../domain/index.ts';
import type { ObjectStore } from './object-store.ts';

export const STORE_OPERATIONS = ['get', 'put', 'put_if_absent', 'head', 'list', 'delete'] as const;
export type StoreOperation = (typeof STORE_OPERATIONS)[number];
export const STORE_OUTCOMES = ['ok', 'absent', 'error'] as const;
export type StoreOutcome = (typeof STORE_OUTCOMES)[number];

export interface StoreObserver {
  /** @param seconds including retries. */
  request(operation: StoreOperation, outcome: StoreOutcome, seconds: number): void;
  read(bytes: number): void;
  written(bytes: number): void;
}

/** The same store with an observer. */
export function observeStore(store: ObjectStore, observer: StoreObserver): ObjectStore {
  return {
    url: store.url,
    async get(key) {
      const bytes = await observed(observer, 'get', store.get(key));
      observer.read(bytes.byteLength);
      return bytes;
    },
    async put(key, bytes, options) {
      await observed(observer, 'put', store.put(key, bytes, options));
      observer.written(Buffer.byteLength(bytes));
    },
    async putIfAbsent(key, bytes, options) {
      const written = await observed(observer, 'put_if_absent', store.putIfAbsent(key, bytes, options));
      if (written) observer.written(Buffer.byteLength(bytes));
      return written;
    },
    head: (key) => observed(observer, 'head', store.head(key), (found) => found === undefined),
    list: (prefix) => observedList(observer, store.list(prefix)),
    folders: (prefix) => observedList(observer, store.folders(prefix)),
    delete: (key) => observed(observer, 'delete', store.delete(key)),
    close: () => store.close(),
  };
}

/** Reports one request to the observer. */
export async function observed<T>(
  observer: StoreObserver,
  operation: StoreOperation,
  request: Promise<T>,
  isAbsent: (answer: T) => boolean = () => false,
): Promise<T> {
  const began = performance.now();
  const end = (outcome: StoreOutcome) => observer.request(operation, outcome, (performance.now() - began) / 1000);
  try {
    const answer = await request;
    end(isAbsent(answer) ? 'absent' : 'ok');
    return answer;
  } catch (error) {
    end(error instanceof ObjectNotFoundError ? 'absent' : 'error');
    throw error;
  }
}

/** A listing counts as one request. The time that its reader takes is not counted. */
export async function* observedList<T>(observer: StoreObserver, listing: AsyncIterable<T>): AsyncGenerator<T> {
  let seconds = 0;
  let outcome: StoreOutcome = 'ok';
  const items = listing[Symbol.asyncIterator]();
  try {
    for (;;) {
      const began = performance.now();
      const item = await items.next().finally(() => {
        seconds += (performance.now() - began) / 1000;
      });
      if (item.done) return;
      yield item.value;
    }
  } catch (error) {
    outcome = 'error';
    throw error;
  } finally {
    await items.return?.();
    observer.request('list', outcome, seconds);
  }
}

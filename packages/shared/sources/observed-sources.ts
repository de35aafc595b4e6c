/** Reports every request to sources to an observer, as an observed store does. */

import { observed, observedList, type StoreObserver } from '../store/observed.ts';
import type { SourceReader } from './source-reader.ts';

/** The same sources, observed. */
export function observeSources(sources: SourceReader, observer: StoreObserver): SourceReader {
  const got = async (reading: Promise<Uint8Array<ArrayBuffer>>) => {
    const bytes = await observed(observer, 'get', reading);
    observer.read(bytes.byteLength);
    return bytes;
  };
  return {
    read: (location) => got(sources.read(location)),
    readStart: (location, bytes) => got(sources.readStart(location, bytes)),
    head: (location) => observed(observer, 'head', sources.head(location), (found) => found === undefined),
    list: (locationPrefix) => observedList(observer, sources.list(locationPrefix)),
    close: () => sources.close(),
  };
}

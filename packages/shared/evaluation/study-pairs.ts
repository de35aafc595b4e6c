/** Reads two runs as streams and pairs their studies. Neither run is held in memory. */

import { compareNatural } from '../dataset/index.ts';

/**
 * Merges two streams of studies, each in natural order of the ids as `RunStore.results` gives them.
 *
 * @returns every study once, in the same order, with the item of each stream, or `undefined` if a stream lacks it.
 * @throws {RangeError} if a stream is not in natural order, or has a study twice.
 */
export async function* studyPairs<One extends { readonly study: string }, Other extends { readonly study: string }>(
  a: AsyncIterable<One>,
  b: AsyncIterable<Other>,
): AsyncGenerator<[One, Other] | [One, undefined] | [undefined, Other]> {
  const [left, right] = [ascending(a), ascending(b)];
  try {
    let [one, other] = await Promise.all([left.next(), right.next()]);
    while (!one.done || !other.done) {
      const order = one.done ? 1 : other.done ? -1 : compareNatural(one.value.study, other.value.study);
      if (order < 0) {
        yield [one.value!, undefined];
        one = await left.next();
      } else if (order > 0) {
        yield [undefined, other.value!];
        other = await right.next();
      } else {
        yield [one.value!, other.value!];
        [one, other] = await Promise.all([left.next(), right.next()]);
      }
    }
  } finally {
    await Promise.all([left.return(undefined), right.return(undefined)]);
  }
}

async function* ascending<Study extends { readonly study: string }>(studies: AsyncIterable<Study>) {
  let last: string | undefined;
  for await (const one of studies) {
    if (last !== undefined && compareNatural(last, one.study) >= 0) {
      throw new RangeError(`study ${one.study} comes after ${last}: studies must come in natural order, each once`);
    }
    last = one.study;
    yield one;
  }
}

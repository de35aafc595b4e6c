/**
 * Maps a limited number of items concurrently, ahead of the reader, and yields the results in the order of the items.
 */

/**
 * @param ahead largest number of concurrent items, at least 1.
 * @throws the error of `items` or `map`, after the results before it were yielded.
 */
export async function* mapInOrder<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  ahead: number,
  map: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  for await (const item of items) {
    const result = map(item);
    // It is awaited later; until then a rejection must not count as unhandled and end the process.
    result.catch(() => {});
    running.push(result);
    if (running.length >= ahead) yield await running.shift()!;
  }
  while (running.length > 0) yield await running.shift()!;
}

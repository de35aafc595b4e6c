/**
 * Maps ahead of the reader, a bounded number of items at a time, and yields the results in the order of the items:
 * listings run side by side, and what comes out is the same every time.
 */

/**
 * @param ahead how many items may be under way at once, at least 1.
 * @throws what `items` or `map` throws, when that item's turn comes; results before it have been yielded by then.
 */
export async function* mapInOrder<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  ahead: number,
  map: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  for await (const item of items) {
    const result = map(item);
    // Awaited when its turn comes; until then a rejection is nobody's yet, and must not end the process.
    result.catch(() => {});
    running.push(result);
    if (running.length >= ahead) yield await running.shift()!;
  }
  while (running.length > 0) yield await running.shift()!;
}

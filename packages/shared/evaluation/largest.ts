/** Keeps the largest of many items, in bounded memory. */

export class Largest<Item> {
  readonly #limit: number;
  readonly #sizeOf: (item: Item) => number;
  readonly #items: Item[] = [];

  /** @param limit how many items are kept. @param sizeOf the value by which they are compared. */
  constructor(limit: number, sizeOf: (item: Item) => number) {
    this.#limit = limit;
    this.#sizeOf = sizeOf;
  }

  /** Adds an item. Of equal items the first ones are kept. */
  add(item: Item): void {
    const size = this.#sizeOf(item);
    let [low, high] = [0, this.#items.length];
    if (high === this.#limit && (high === 0 || size <= this.#sizeOf(this.#items[high - 1]!))) return;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sizeOf(this.#items[middle]!) >= size) low = middle + 1;
      else high = middle;
    }
    this.#items.splice(low, 0, item);
    if (this.#items.length > this.#limit) this.#items.pop();
  }

  /** The largest first; equal items in the order in which they were added. */
  items(): readonly Item[] {
    return [...this.#items];
  }
}

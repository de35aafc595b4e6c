/** Collects events in order, so that a test can wait for past and future ones. */

export class Happenings<T> {
  /** All so far. */
  readonly all: T[] = [];
  readonly #waiting = new Set<(happened: T | Error) => void>();
  #over: Error | undefined;

  add(happened: T): void {
    this.all.push(happened);
    for (const tell of [...this.#waiting]) tell(happened);
  }

  /** Ends the events: everything that still waits fails with `why`. */
  end(why: Error): void {
    this.#over = why;
    for (const tell of [...this.#waiting]) tell(why);
  }

  /** The `count`-th event that fits, past or future. @throws the error of {@link end} if it does not come. */
  when(fits: (happened: T) => boolean, count = 1): Promise<T> {
    const there = this.all.filter(fits);
    if (there.length >= count) return Promise.resolve(there[count - 1]!);
    if (this.#over) return Promise.reject(this.#over);
    return new Promise((resolve, reject) => {
      let missing = count - there.length;
      const tell = (happened: T | Error) => {
        const over = happened instanceof Error && happened === this.#over;
        if (!over && (!fits(happened as T) || --missing > 0)) return;
        this.#waiting.delete(tell);
        if (over) reject(happened);
        else resolve(happened as T);
      };
      this.#waiting.add(tell);
    });
  }
}

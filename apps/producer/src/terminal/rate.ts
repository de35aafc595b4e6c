/** Throughput over about the last minute, or since the first study if that is shorter. */
export class Rate {
  readonly #windowSeconds: number;
  readonly #seen: { at: number; done: number }[] = [];

  constructor(windowSeconds = 60) {
    this.#windowSeconds = windowSeconds;
  }

  add(done: number, at = performance.now() / 1000): void {
    this.#seen.push({ at, done });
    while (this.#seen.length > 2 && this.#seen[1]!.at < at - this.#windowSeconds) this.#seen.shift();
  }

  perSecond(): number {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (!first || !last || last.at === first.at) return 0;
    return (last.done - first.done) / (last.at - first.at);
  }
}

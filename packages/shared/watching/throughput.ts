/** How fast a count grows, from samples of it: the rate now, and its course over the last minutes. */

const KEEP_SECONDS = 3600;
/** A rate covers at least this long. */
const AT_LEAST_SECONDS = 60;
/** It also covers at least this many studies, so that a slow run has a rate too. */
const AT_LEAST_DONE = 10;
/** In a large run it covers this share of the studies: a HyperLogLog of a million grows in steps of about a hundred. */
const AT_LEAST_PART = 1 / 500;

interface Sample {
  /** Seconds of a clock. */
  readonly at: number;
  readonly done: number;
}

export class Throughput {
  readonly #samples: Sample[] = [];

  /** @param at seconds of any clock. A sample older than the last one (the clock was set back) is ignored. */
  add(done: number, at: number): void {
    if (at < (this.#samples.at(-1)?.at ?? at)) return;
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && this.#samples[1]!.at < at - KEEP_SECONDS) this.#samples.shift();
  }

  /**
   * Rate over the last minute; over the last few studies if those took longer; since the first sample if it is younger.
   * 0: unknown.
   */
  perSecond(): number {
    const last = this.#samples.at(-1);
    if (!last) return 0;
    const enough = Math.max(AT_LEAST_DONE, last.done * AT_LEAST_PART);
    const first =
      this.#samples.findLast(({ at, done }) => at <= last.at - AT_LEAST_SECONDS && done <= last.done - enough) ??
      this.#samples[0]!;
    return last.at > first.at ? Math.max(0, last.done - first.done) / (last.at - first.at) : 0;
  }

  /**
   * The growth in each of the last spans of `seconds`, oldest first, at most `most` of them. Spans begin at multiples
   * of `seconds`, so that a value does not change later. Spans that were only partly observed are left out.
   */
  spans(seconds: number, most: number): number[] {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last) return [];
    const end = Math.floor(last.at / seconds);
    const begin = Math.max(Math.ceil(first.at / seconds), end - most);
    const counts: number[] = [];
    for (let span = begin; span < end; span++) {
      counts.push(Math.max(0, this.#doneAt((span + 1) * seconds) - this.#doneAt(span * seconds)));
    }
    return counts;
  }

  /** The count at a time, interpolated between two samples. */
  #doneAt(time: number): number {
    const next = this.#samples.findIndex(({ at }) => at >= time);
    const after = this.#samples[next]!;
    const before = this.#samples[next - 1] ?? after;
    if (after.at === before.at) return after.done;
    return before.done + ((after.done - before.done) * (time - before.at)) / (after.at - before.at);
  }
}

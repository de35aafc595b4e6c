/** A query that is repeated, never two at a time. If there is no answer, only the callers that wait for it are blocked. */

export interface Answer<T> {
  readonly value: T;
  /** `Date.now()` of the question. */
  readonly asked: number;
  readonly tookMs: number;
  /** `performance.now()` of the answer, which does not jump when the clock is set. */
  readonly answeredAt: number;
}

/** Why there is no newer answer. */
export interface Silence {
  /** When the first query without an answer was sent. */
  readonly since: Date;
  /** Message of the error; `undefined` if nothing came back at all. */
  readonly why: string | undefined;
}

export class Question<T> {
  readonly #put: () => Promise<T>;
  #asking: Promise<void> | undefined;
  #inVainSince: number | undefined;
  #answer: Answer<T> | undefined;
  #fault: unknown;

  constructor(put: () => Promise<T>) {
    this.#put = put;
  }

  /** Resolves when the query has succeeded or failed. A call while a query is open waits for that one. */
  ask(): Promise<void> {
    this.#asking ??= this.#ask();
    return this.#asking;
  }

  /** The last answer. */
  get answer(): Answer<T> | undefined {
    return this.#answer;
  }

  /** The error, if the query after the last answer failed. */
  get fault(): unknown {
    return this.#fault;
  }

  /** @param afterMs a shorter wait does not count as silence, unless the query failed. */
  silence(afterMs: number): Silence | undefined {
    const since = this.#inVainSince;
    if (since === undefined || (this.#fault === undefined && Date.now() - since < afterMs)) return undefined;
    const why = this.#fault instanceof Error ? this.#fault.message : this.#fault;
    return { since: new Date(since), why: why === undefined ? undefined : String(why) };
  }

  async #ask(): Promise<void> {
    const asked = Date.now();
    const askedAt = performance.now();
    this.#inVainSince ??= asked;
    try {
      const value = await this.#put();
      const answeredAt = performance.now();
      this.#answer = { value, asked, tookMs: answeredAt - askedAt, answeredAt };
      this.#inVainSince = undefined;
      this.#fault = undefined;
    } catch (error) {
      this.#fault = error ?? new Error('no answer');
    } finally {
      this.#asking = undefined;
    }
  }
}

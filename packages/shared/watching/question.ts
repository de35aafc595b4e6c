/** A question that is asked again and again, one at a time: whoever does not answer holds up nobody. */

export interface Answer<T> {
  readonly value: T;
  /** Times of `Date.now()`. */
  readonly asked: number;
  readonly answered: number;
}

/** Why there is no newer answer. */
export interface Silence {
  /** When it was first asked in vain. */
  readonly since: Date;
  /** What came instead of an answer; `undefined` where nothing came. */
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

  /** Resolves when it is answered, or when that failed; who asks while it is open waits with the others. */
  ask(): Promise<void> {
    this.#asking ??= this.#ask();
    return this.#asking;
  }

  /** The last answer. */
  get answer(): Answer<T> | undefined {
    return this.#answer;
  }

  /** What was thrown, if the question failed after the last answer. */
  get fault(): unknown {
    return this.#fault;
  }

  /** @param afterMs a shorter silence is none, unless something was thrown. */
  silence(afterMs: number): Silence | undefined {
    const since = this.#inVainSince;
    if (since === undefined || (this.#fault === undefined && Date.now() - since < afterMs)) return undefined;
    const why = this.#fault instanceof Error ? this.#fault.message : this.#fault;
    return { since: new Date(since), why: why === undefined ? undefined : String(why) };
  }

  async #ask(): Promise<void> {
    const asked = Date.now();
    this.#inVainSince ??= asked;
    try {
      const value = await this.#put();
      this.#answer = { value, asked, answered: Date.now() };
      this.#inVainSince = undefined;
      this.#fault = undefined;
    } catch (error) {
      this.#fault = error ?? new Error('no answer');
    } finally {
      this.#asking = undefined;
    }
  }
}

/**
 * Whether a worker lives: not while its queue has work and it has started nothing for a while. A ping that Redis answers
 * proves nothing (a worker was seen to stay stuck with a healthy connection), and neither does a loop that turns.
 *
 * Proof of life is a job that was taken or came to a new phase, or the word of Redis that there is nothing to take. What
 * cannot be asked proves nothing: behind a connection that is stuck the proof grows old.
 */

import type { Stage } from '../domain/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { pageQueue } from '../queue/index.ts';
import type { Queues } from '../queue/index.ts';

/** Looks in the time after which a worker is given up. */
const LOOKS = 5;

export class Liveness {
  readonly #stage: Stage;
  readonly #queues: Pick<Queues, 'counts' | 'paused'>;
  readonly #lastProgress: () => number;
  readonly #stalledMs: number;
  readonly #log: Logger;
  #proof = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #said = true;

  /**
   * @param lastProgress when a job was last taken or came to a new phase (`performance.now`).
   * @param stalledMs how long without proof until the worker counts as dead.
   */
  constructor(
    stage: Stage,
    queues: Pick<Queues, 'counts' | 'paused'>,
    lastProgress: () => number,
    stalledMs: number,
    log: Logger,
  ) {
    this.#stage = stage;
    this.#queues = queues;
    this.#lastProgress = lastProgress;
    this.#stalledMs = stalledMs;
    this.#log = log;
  }

  start(): void {
    this.#timer = setTimeout(
      () => void this.#look().finally(() => this.#timer && this.start()),
      this.#stalledMs / LOOKS,
    );
    this.#timer.unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Milliseconds since the last proof of life. */
  get idleMs(): number {
    return performance.now() - Math.max(this.#proof, this.#lastProgress());
  }

  get live(): boolean {
    const live = this.idleMs < this.#stalledMs;
    if (live !== this.#said) {
      this.#said = live;
      const stalledSeconds = Math.round(this.idleMs / 1000);
      if (live) this.#log.info('live again');
      else this.#log.error({ stalledSeconds }, 'not live: work waits, or Redis does not say, and nothing was started');
    }
    return live;
  }

  async #look(): Promise<void> {
    try {
      const [studies, pages, paused] = await Promise.all([
        this.#queues.counts(this.#stage),
        this.#queues.counts(pageQueue(this.#stage)),
        this.#queues.paused(),
      ]);
      const nothingToTake = studies.waiting + pages.waiting === 0 || paused.includes(this.#stage);
      if (nothingToTake) this.#proof = performance.now();
    } catch (error) {
      this.#log.debug({ error: String(error) }, 'liveness: Redis was not to be asked');
    }
  }
}

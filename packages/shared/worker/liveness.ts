/**
 * Whether a worker is live. It is live if a job was taken or reached a new phase recently, or if Redis reports that
 * there is nothing to take. A failed query does not count: behind a stuck connection the worker stops being live.
 *
 * A ping that Redis answers is not enough: a worker was once stuck although its connection was healthy. Neither is a
 * timer that still runs.
 */

import type { Stage } from '../domain/index.ts';
import { pageQueue, type Queues } from '../queue/index.ts';
import type { Logger } from '../telemetry/index.ts';

/** Queries of Redis within `stalledMs`. */
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
   * @param lastProgress when a job was last taken or reached a new phase (`performance.now`).
   * @param stalledMs how long without proof until the worker is not live.
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

  /** Milliseconds since the last proof that the worker is live. */
  get idleMs(): number {
    return performance.now() - Math.max(this.#proof, this.#lastProgress());
  }

  get live(): boolean {
    const live = this.idleMs < this.#stalledMs;
    if (live !== this.#said) {
      this.#said = live;
      const stalledSeconds = Math.round(this.idleMs / 1000);
      if (live) this.#log.info('live again');
      else this.#log.error({ stalledSeconds }, 'not live: no progress while work waits or Redis is silent');
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
      this.#log.debug({ error: String(error) }, 'liveness: the query of Redis failed');
    }
  }
}

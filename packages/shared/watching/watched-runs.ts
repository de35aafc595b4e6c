/** How far every recent run is, for the exporter: cheap estimates from Redis between listings of the store. */

import { ConfigError, perStage } from '../domain/index.ts';
import type { QueueSide } from '../queue/index.ts';
import type { RunRecord, RunStore } from '../runs/index.ts';
import { entryOf, type HowFar, howFar, isOver, listingIsDue, listRun, type StoreCounts } from './how-far.ts';
import { Question } from './question.ts';

const LIST_EVERY_MS = 10_000;
/** A run that is over or cancelled changes only if it is enqueued, resumed or retried again. */
const LIST_ENDED_EVERY_MS = 300_000;
/** Largest share of the time that may go into listing, over all runs. */
const LISTING_SHARE = 1 / 20;
/** How long an ended run is still reported: until the next evening. */
const KEEP_ENDED_MS = 24 * 3_600_000;

export interface WatchedRun extends Omit<HowFar, 'done'> {
  readonly record: RunRecord;
  /** Studies that are through each stage. Before the stage at which studies enter, that is all studies. */
  readonly through: HowFar['done'];
  readonly pagesLeft: number;
  readonly cancelled: boolean;
}

/** What is kept of a run between two looks. */
interface Memory {
  readonly listing: Question<StoreCounts>;
  /** When the run was last enqueued, resumed or retried. */
  readonly handedOver: number;
  /** Since when it has been over or cancelled, ms since the epoch. */
  endedSince: number | undefined;
}

export class WatchedRuns {
  readonly #runs: RunStore;
  readonly #side: QueueSide;
  readonly #memories = new Map<string, Memory>();

  constructor(runs: RunStore, side: QueueSide) {
    this.#runs = runs;
    this.#side = side;
  }

  /** The runs in progress, and those that ended less than a day ago; the one enqueued last comes first. */
  async look(): Promise<WatchedRun[]> {
    const { queues } = this.#side;
    const [names, pages] = await Promise.all([queues.watched(), queues.pagesLeft()]);
    const seen: WatchedRun[] = [];
    for (const { run: name, handedOver } of names) {
      const share = LISTING_SHARE / names.length;
      const run = await this.#lookAt(name, pages.get(name) ?? 0, handedOver, share);
      if (run && !this.#isOld(name)) seen.push(run);
      else await this.#forget(name);
    }
    return seen;
  }

  /** `undefined` for a run that is not in the store. */
  async #lookAt(name: string, pagesLeft: number, handedOver: number, share: number): Promise<WatchedRun | undefined> {
    const record = await this.#runs.readRun(name).catch((error: unknown) => {
      if (error instanceof ConfigError) return undefined;
      throw error;
    });
    if (!record) return undefined;
    const memory = this.#memoryOf(name, handedOver);
    const [progress, cancelled] = await Promise.all([this.#side.progress.read(name), this.#runs.isCancelled(name)]);
    const last = memory.listing.answer;
    const ended = cancelled || (last !== undefined && isOver(last.value, record.studies));
    if (listingIsDue(last, ended ? LIST_ENDED_EVERY_MS : LIST_EVERY_MS, share)) {
      await memory.listing.ask();
      if (memory.listing.fault) throw memory.listing.fault;
    }
    const listed = memory.listing.answer!.value;
    const endedNow = cancelled || isOver(listed, record.studies);
    memory.endedSince = endedNow ? (memory.endedSince ?? Date.now()) : undefined;
    const { done, ...far } = howFar(record, progress, listed, false);
    const through = perStage((stage, place) => (place < entryOf(record) ? record.studies : done[stage]));
    return { record, ...far, through, pagesLeft, cancelled };
  }

  /** A run that was enqueued, resumed or retried again is listed at once. */
  #memoryOf(run: string, handedOver: number): Memory {
    const known = this.#memories.get(run);
    if (known?.handedOver === handedOver) return known;
    const listing = new Question(() => listRun(run, this.#runs));
    const memory: Memory = { listing, handedOver, endedSince: known?.endedSince };
    this.#memories.set(run, memory);
    return memory;
  }

  #isOld(run: string): boolean {
    const since = this.#memories.get(run)?.endedSince;
    return since !== undefined && Date.now() - since > KEEP_ENDED_MS;
  }

  async #forget(run: string): Promise<void> {
    this.#memories.delete(run);
    await this.#side.queues.unwatch(run);
  }
}

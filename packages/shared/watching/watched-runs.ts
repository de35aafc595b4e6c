/**
 * How far the runs are that were handed over, for an exporter: cheap estimates from Redis between listings of the store,
 * which is the truth. A listing of a large run is not free, so that the longer it takes the rarer it is.
 */

import { ConfigError, STAGE_NAMES, type Stage, FIRST_STAGE, LAST_STAGE, perStage } from '../domain/index.ts';
import { type ProgressCounts, type Queues } from '../queue/index.ts';
import type { RunRecord, RunStore } from '../runs/index.ts';
import { type ClassShares, classSharesOfProgress } from '../runs/index.ts';

const LIST_EVERY_MS = 10_000;
/** Nothing changes in a run that is over or was cancelled, unless it is handed over again. */
const LIST_ENDED_EVERY_MS = 300_000;
/** Listings may take this part of the time, all runs together. */
const LISTING_SHARE = 1 / 20;
/** Such a run is of interest until the next evening. */
const KEEP_ENDED_MS = 24 * 3_600_000;

export interface WatchedRun {
  readonly record: RunRecord;
  readonly scored: number;
  readonly failed: number;
  /** Neither scored nor failed; 0 only if the store says so. */
  readonly left: number;
  /** Of the scored studies, by the counts in Redis. */
  readonly classShares: ClassShares;
  /** Studies that are through each stage. */
  readonly stages: Readonly<Record<Stage, number>>;
  readonly pagesLeft: number;
  readonly cancelled: boolean;
}

interface Listing {
  readonly at: number;
  readonly tookMs: number;
  /** When the run had last been handed over. */
  readonly handedOver: number;
  readonly scored: number;
  readonly failed: number;
}

export class RunWatch {
  readonly #runs: RunStore;
  readonly #queues: Queues;
  readonly #progress: ProgressCounts;
  readonly #listings = new Map<string, Listing>();
  readonly #endedSince = new Map<string, number>();

  constructor(runs: RunStore, queues: Queues, progress: ProgressCounts) {
    this.#runs = runs;
    this.#queues = queues;
    this.#progress = progress;
  }

  /** The runs under way, and those that ended less than a day ago; the last handed over first. */
  async look(): Promise<WatchedRun[]> {
    const [names, pages] = await Promise.all([this.#queues.watched(), this.#queues.pagesLeft()]);
    const seen: WatchedRun[] = [];
    for (const { run: name, handedOver } of names) {
      const share = LISTING_SHARE / names.length;
      const run = await this.#lookAt(name, pages.get(name) ?? 0, handedOver, share);
      if (run && !this.#isOld(run)) seen.push(run);
      else await this.#forget(name);
    }
    return seen;
  }

  /** `undefined` for a run that the store does not have (any more). */
  async #lookAt(name: string, pagesLeft: number, handedOver: number, share: number): Promise<WatchedRun | undefined> {
    const record = await this.#runs.readRun(name).catch((error: unknown) => {
      if (error instanceof ConfigError) return undefined;
      throw error;
    });
    if (!record) return undefined;
    const { studies, from } = record;
    const [counts, cancelled] = await Promise.all([this.#progress.read(name), this.#runs.isCancelled(name)]);
    const listing = await this.#listing(name, handedOver, (last) =>
      Math.max(cancelled || isOver(last, studies) ? LIST_ENDED_EVERY_MS : LIST_EVERY_MS, last.tookMs / share),
    );
    const over = isOver(listing, studies);
    if (!over && !cancelled) this.#endedSince.delete(name);
    else if (!this.#endedSince.has(name)) this.#endedSince.set(name, Date.now());
    const listed = listing.scored + listing.failed;
    // The counts of Redis are estimates, and may be lost: they may only add to what was listed, and end nothing.
    const done = over ? studies : Math.min(studies - 1, Math.max(listed, counts[LAST_STAGE] + counts.failed));
    const failed = over ? listing.failed : Math.min(done, Math.max(listing.failed, counts.failed));
    const entry = STAGE_NAMES.indexOf(from?.stage ?? FIRST_STAGE);
    const through = (stage: Stage, i: number) =>
      i < entry || over ? studies - (i < entry ? 0 : failed) : Math.min(studies, counts[stage]);
    return {
      record,
      scored: done - failed,
      failed,
      left: studies - done,
      classShares: classSharesOfProgress(counts, done - failed),
      stages: perStage(through),
      pagesLeft,
      cancelled,
    };
  }

  /** @param restMs how long a listing holds, unless the run was handed over again. */
  async #listing(run: string, handedOver: number, restMs: (last: Listing) => number): Promise<Listing> {
    const last = this.#listings.get(run);
    const began = performance.now();
    if (last?.handedOver === handedOver && began < last.at + restMs(last)) return last;
    const { scored, failed } = await this.#runs.finished(run);
    const at = performance.now();
    const listing = { at, tookMs: at - began, handedOver, scored: scored.size, failed: failed.size };
    this.#listings.set(run, listing);
    return listing;
  }

  #isOld({ record: { run } }: WatchedRun): boolean {
    const since = this.#endedSince.get(run);
    return since !== undefined && Date.now() - since > KEEP_ENDED_MS;
  }

  async #forget(run: string): Promise<void> {
    this.#listings.delete(run);
    this.#endedSince.delete(run);
    await this.#queues.unwatch(run);
  }
}

function isOver({ scored, failed }: Listing, studies: number): boolean {
  return scored + failed >= studies;
}

/**
 * Looks at a run once per second while somebody watches it. Counts and backlog come from Redis; whether the run is
 * finished comes from the store. If Redis or the store does not answer, the look says so and does not wait.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { kindOfError, perStage, STAGE_NAMES, type Stage } from '../domain/index.ts';
import type { Progress, QueueCounts, QueueSide } from '../queue/index.ts';
import type { ClassShares, FailureRecord, RunRecord, RunStore } from '../runs/index.ts';
import { finishedOf, howFar, isOver, listingIsDue, listRun, type StoreCounts } from './how-far.ts';
import { latestFailures } from './latest-failures.ts';
import { type Answer, Question, type Silence } from './question.ts';
import { Throughput } from './throughput.ts';

const LOOK_EVERY_MS = 1000;
/** Listing the store costs time, so it is done this often. Near the end of a run it is done at every look. */
const LIST_EVERY_MS = 10_000;
/** The end is near when this share of the studies is finished. */
const NEARLY = 0.95;
/** Largest share of the time that may go into listing. */
const LISTING_SHARE = 1 / 5;
const FAILURES_EVERY_MS = 5000;
/** If nothing is queued for this long and studies are missing, no worker will ever score them. */
const IDLE_MS = 3000;
/** After this long without an answer, the look reports the silence. */
const REDIS_PATIENCE_MS = 3000;
const STORE_PATIENCE_MS = 15_000;
const SPAN_SECONDS = 10;
const SPANS = 60;

/** Why no worker works on a run any more. */
export type RunEnd = 'over' | 'cancelled' | 'nothing queued';

export interface StageLook {
  /** Studies of this run that have finished the stage. Like all counts in Redis, off by up to about one percent. */
  readonly done: number;
  readonly reused: number;
  readonly perSecond: number;
  readonly secondsLeft: number | undefined;
  /** Jobs of all runs. */
  readonly jobs: QueueCounts;
}

export interface RunLook {
  readonly at: Date;
  readonly run: RunRecord;
  readonly progress: Progress;
  readonly stages: Readonly<Record<Stage, StageLook>>;
  /** Pages of all runs that wait to be unfolded. */
  readonly pagesWaiting: number;
  /** Jobs and pages of all runs that wait or are being worked on. */
  readonly queued: number;
  readonly paused: readonly Stage[];
  /** From the counts in Redis until the run has ended, then from the store. */
  readonly scored: number;
  readonly failed: number;
  readonly left: number;
  /** Class shares among the scored studies, from the counts in Redis. */
  readonly classShares: ClassShares;
  /** Studies scored or failed per second. */
  readonly perSecond: number;
  readonly secondsLeft: number | undefined;
  /** Studies scored or failed in each of the last spans of `seconds`, oldest first. */
  readonly pulse: { readonly seconds: number; readonly counts: readonly number[] };
  /** The latest failures, newest first. */
  readonly failures: readonly FailureRecord[];
  /** When Redis was queried for these counts. */
  readonly counted: Date;
  /** The last listing of the store. */
  readonly listed: (StoreCounts & { readonly at: Date }) | undefined;
  readonly silent: { readonly redis?: Silence | undefined; readonly store?: Silence | undefined };
  readonly end: RunEnd | undefined;
}

interface QueueLook {
  readonly progress: Progress;
  readonly jobs: Readonly<Record<Stage, QueueCounts>>;
  readonly pagesWaiting: number;
  readonly queued: number;
  readonly paused: readonly Stage[];
}

/**
 * Watches a run until every study has a result or a failure, until the run is cancelled, until nothing is queued
 * although studies are missing, or until the signal is aborted.
 *
 * @param onLook called with every look, from the first answer of Redis on. {@link RunLook.end} marks the last one.
 * @param failures number of latest failures to read. @returns the last look. It has no `end` if the signal was aborted
 *   first; `undefined` if that was before the first answer.
 * @throws permanent errors of the store. Transient ones are reported in {@link RunLook.silent}.
 */
export async function watchRun(
  run: RunRecord,
  runs: RunStore,
  side: QueueSide,
  onLook: (look: RunLook) => void,
  { signal, failures: wanted = 0 }: { readonly signal: AbortSignal; readonly failures?: number },
): Promise<RunLook | undefined> {
  const redis = new Question(() => lookAtQueues(run, side));
  const store = new Question(() => listRun(run.run, runs));
  const failures = new Question(() => latestFailures(runs, run.run, wanted));
  const history = new History();
  let failuresListedAt = 0;
  let failedThen = 0;
  let look: RunLook | undefined;

  while (!signal.aborted) {
    const pause = sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    await Promise.race([redis.ask(), pause]);
    if (redis.answer) history.add(redis.answer);
    const listEveryMs = history.nearTheEnd(run) ? LOOK_EVERY_MS : LIST_EVERY_MS;
    if (listingIsDue(store.answer, listEveryMs, LISTING_SHARE)) await Promise.race([store.ask(), pause]);
    if (store.fault && kindOfError(store.fault) === 'permanent') throw store.fault;

    if (redis.answer) {
      look = lookOf(run, redis.answer, store.answer, history, {
        failures: failures.answer?.value ?? [],
        silent: { redis: redis.silence(REDIS_PATIENCE_MS), store: store.silence(STORE_PATIENCE_MS) },
      });
      onLook(look);
      if (look.end) return look;
      if (wanted > 0 && look.failed !== failedThen && Date.now() - failuresListedAt >= FAILURES_EVERY_MS) {
        failuresListedAt = Date.now();
        failedThen = look.failed;
        void failures.ask();
      }
    }
    await pause;
  }
  return look;
}

/** One look, as exact as possible. @throws errors of Redis and of the store. */
export async function lookOnce(run: RunRecord, runs: RunStore, side: QueueSide): Promise<RunLook> {
  const redis = new Question(() => lookAtQueues(run, side));
  const store = new Question(() => listRun(run.run, runs));
  // Redis first: if nothing is queued, the store then holds everything that the run will ever have.
  for (const question of [redis, store]) {
    await question.ask();
    if (question.fault) throw question.fault;
  }
  const history = new History();
  history.add(redis.answer!);
  const look = lookOf(run, redis.answer!, store.answer, history, { failures: [], silent: {} }, true);
  return { ...look, end: look.end ?? (look.queued === 0 ? 'nothing queued' : undefined) };
}

async function lookAtQueues(run: RunRecord, { queues, progress }: QueueSide): Promise<QueueLook> {
  const [done, queued, pagesWaiting, paused, ...jobs] = await Promise.all([
    progress.read(run.run),
    queues.unfinished(),
    queues.pagesWaiting(),
    queues.paused(),
    ...STAGE_NAMES.map((stage) => queues.counts(stage)),
  ]);
  return { progress: done, queued, pagesWaiting, paused, jobs: perStage((_, i) => jobs[i]!) };
}

/** Earlier counts of Redis. */
class History {
  readonly finished = new Throughput();
  readonly stages = perStage(() => new Throughput());
  #last: Answer<QueueLook> | undefined;
  #idleSince: number | undefined;

  add(answer: Answer<QueueLook>): void {
    if (answer === this.#last) return;
    this.#last = answer;
    const { progress, queued } = answer.value;
    const at = answer.asked / 1000;
    this.finished.add(finishedOf(progress), at);
    for (const stage of STAGE_NAMES) this.stages[stage].add(progress[stage], at);
    this.#idleSince = queued === 0 ? (this.#idleSince ?? answer.asked) : undefined;
  }

  /** For how long nothing has been queued, as confirmed by both the last look at the queues and the last listing. */
  idleMs(store: Answer<unknown>): number {
    if (this.#idleSince === undefined) return 0;
    return Math.min(this.#last!.asked, store.asked) - this.#idleSince;
  }

  nearTheEnd({ studies }: RunRecord): boolean {
    if (!this.#last) return false;
    return this.#idleSince !== undefined || finishedOf(this.#last.value.progress) >= NEARLY * studies;
  }
}

/** @param newest whether the listing is newer than the counts. */
function lookOf(
  run: RunRecord,
  redis: Answer<QueueLook>,
  store: Answer<StoreCounts> | undefined,
  history: History,
  rest: Pick<RunLook, 'failures' | 'silent'>,
  newest = false,
): RunLook {
  const { progress, jobs, pagesWaiting, queued, paused } = redis.value;
  const end = store && endOf(run, store, history);
  const listed = store && { ...store.value, at: new Date(store.asked) };
  const far = howFar(run, progress, store?.value, newest || end !== undefined);
  const { scored, failed, left, classShares } = far;
  const perSecond = history.finished.perSecond();
  return {
    at: new Date(),
    run,
    progress,
    stages: perStage((stage) => {
      const done = far.done[stage];
      const pace = history.stages[stage].perSecond();
      return {
        done,
        reused: Math.min(done, progress[`${stage}-reused`]),
        perSecond: pace,
        secondsLeft: pace > 0 ? Math.max(0, run.studies - failed - done) / pace : undefined,
        jobs: jobs[stage],
      };
    }),
    pagesWaiting,
    queued,
    paused,
    scored,
    failed,
    left,
    classShares,
    perSecond,
    secondsLeft: perSecond > 0 ? left / perSecond : undefined,
    pulse: { seconds: SPAN_SECONDS, counts: history.finished.spans(SPAN_SECONDS, SPANS) },
    counted: new Date(redis.asked),
    listed,
    end,
    ...rest,
  };
}

function endOf(run: RunRecord, store: Answer<StoreCounts>, history: History): RunEnd | undefined {
  if (isOver(store.value, run.studies)) return 'over';
  if (store.value.cancelled) return 'cancelled';
  return history.idleMs(store) >= IDLE_MS ? 'nothing queued' : undefined;
}

/**
 * Looking at a run once a second for as long as somebody watches: counts and backlog in Redis, the last word in the
 * store. A Redis or a store that does not answer is said, and holds up nothing.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { FIRST_STAGE, kindOfError, perStage, STAGE_NAMES, type Stage } from '../domain/index.ts';
import type { Progress, QueueCounts, QueueSide } from '../queue/index.ts';
import type { ClassShares, FailureRecord, RunRecord, RunStore } from '../runs/index.ts';
import { finishedOf, howFar, isOver, listingIsDue, listRun, type StoreCounts } from './how-far.ts';
import { latestFailures } from './latest-failures.ts';
import { type Answer, Question, type Silence } from './question.ts';
import { Throughput } from './throughput.ts';

const LOOK_EVERY_MS = 1000;
/** Listing the store is not free: it is done this often, at every look when the end is near, */
const LIST_EVERY_MS = 10_000;
const NEARLY = 0.95;
/** and for a fifth of the time at most. */
const LISTING_SHARE = 1 / 5;
const FAILURES_EVERY_MS = 5000;
/** Nothing queued for this long and studies missing: nobody will bring them. */
const IDLE_MS = 3000;
/** An answer may take this long before that is worth a word. */
const REDIS_PATIENCE_MS = 3000;
const STORE_PATIENCE_MS = 15_000;
const SPAN_SECONDS = 10;
const SPANS = 60;

/** Why nobody works on a run any more. */
export type RunEnd = 'over' | 'cancelled' | 'nothing queued';

export interface StageLook {
  /** Studies of this run; like all counts in Redis right within about one percent. */
  readonly done: number;
  readonly reused: number;
  readonly perSecond: number;
  readonly secondsLeft: number | undefined;
  /** Of all runs. */
  readonly jobs: QueueCounts;
}

export interface RunLook {
  readonly at: Date;
  readonly run: RunRecord;
  readonly progress: Progress;
  readonly stages: Readonly<Record<Stage, StageLook>>;
  /** Pages of all runs that wait to be unfolded. */
  readonly pagesWaiting: number;
  /** Jobs and pages of all runs that wait or are in hand. */
  readonly queued: number;
  readonly paused: readonly Stage[];
  /** By the counts in Redis until the run has come to an end, then by the store. */
  readonly scored: number;
  readonly failed: number;
  readonly left: number;
  /** Of the scored studies, by the counts in Redis. */
  readonly classShares: ClassShares;
  /** Studies that were scored or failed. */
  readonly perSecond: number;
  readonly secondsLeft: number | undefined;
  /** Studies that were scored or failed in each of the last spans of so many seconds, the oldest first. */
  readonly pulse: { readonly seconds: number; readonly counts: readonly number[] };
  /** The last failures, the latest first. */
  readonly failures: readonly FailureRecord[];
  /** When Redis was asked for these counts. */
  readonly counted: Date;
  /** The store when it was listed last. */
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
 * Ends when every study has a result or a failure, when the run was cancelled, when nothing is queued any more and some
 * studies have neither, or when the signal says so.
 *
 * @param onLook told of every look from the first answer of Redis on; {@link RunLook.end} says that it is the last one.
 * @param failures how many of the last failures are wanted.
 * @returns the last look; without an end if the signal came first, `undefined` if it came before the first answer.
 * @throws what the store throws when it is not just away.
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

/** One look, as exact as can be. @throws what Redis or the store throws. */
export async function lookOnce(run: RunRecord, runs: RunStore, side: QueueSide): Promise<RunLook> {
  const redis = new Question(() => lookAtQueues(run, side));
  const store = new Question(() => listRun(run.run, runs));
  // In this order: with nothing queued, the store then has all that there will be.
  for (const question of [redis, store]) {
    await question.ask();
    if (question.fault) throw question.fault;
  }
  const history = new History();
  history.add(redis.answer!);
  const look = lookOf(run, redis.answer!, store.answer, history, { failures: [], silent: {} });
  const end = look.end ?? (look.queued === 0 ? 'nothing queued' : undefined);
  const { scored, failed, left, classShares } = howFar(run, look.progress, store.answer!.value, true);
  return { ...look, scored, failed, left, classShares, end };
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

/** What the counts in Redis were before. */
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

  /** For how long nothing has been queued, by a look at the queues and one at the store that both came after it began. */
  idleMs(store: Answer<unknown>): number {
    if (this.#idleSince === undefined) return 0;
    return Math.min(this.#last!.asked, store.asked) - this.#idleSince;
  }

  nearTheEnd({ studies }: RunRecord): boolean {
    if (!this.#last) return false;
    return this.#idleSince !== undefined || finishedOf(this.#last.value.progress) >= NEARLY * studies;
  }
}

function lookOf(
  run: RunRecord,
  redis: Answer<QueueLook>,
  store: Answer<StoreCounts> | undefined,
  history: History,
  rest: Pick<RunLook, 'failures' | 'silent'>,
): RunLook {
  const { progress, jobs, pagesWaiting, queued, paused } = redis.value;
  const end = store && endOf(run, store, history);
  const listed = store && { ...store.value, at: new Date(store.asked) };
  const { scored, failed, left, classShares, through } = howFar(run, progress, store?.value, end !== undefined);
  const entry = STAGE_NAMES.indexOf(run.from?.stage ?? FIRST_STAGE);
  const perSecond = history.finished.perSecond();
  return {
    at: new Date(),
    run,
    progress,
    stages: perStage((stage, place) => {
      // Of a stage before the entry, only the studies that had no result to start from.
      const done = place < entry ? Math.min(run.studies, progress[stage]) : through[stage];
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

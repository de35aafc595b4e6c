/**
 * Where the time of one job goes. A job does several things at once (it fetches for one model while another one runs), so
 * each moment counts to one phase alone: the first in the order of {@link ACTIVITIES} that is going on, `other` if none
 * is. So the phases of a job add up to its duration, and waiting for a model is counted only while nothing else goes on.
 */

/** What a job may be doing, the most advanced first. */
const ACTIVITIES = ['inference', 'compute', 'fetch', 'write', 'batch_wait', 'lookup'] as const;
type Activity = (typeof ACTIVITIES)[number];

export const PHASES = [
  /** Asking the store for outputs that are there already, and reading them. */
  'lookup',
  /** Reading DICOM files, or the outputs of the stage before. */
  'fetch',
  /** Waiting for a free compute thread, the copy of its input included. */
  'thread_wait',
  /** Parsing and decoding DICOM in a compute thread. */
  'decode',
  /** Everything else in a compute thread: resizing, normalising, cropping. */
  'preprocess',
  /** No sample of the job in a model, at least one in the line for it. */
  'batch_wait',
  /** At least one sample of the job in a model. */
  'inference',
  /** Writing outputs and results. */
  'write',
  /** Handing over and whatever has no name. */
  'other',
] as const;
export type Phase = (typeof PHASES)[number];

/** How a compute thread spent its time on a task, in ms. */
export interface TaskTimes {
  /** From the task being given to the thread beginning it. */
  readonly waitMs: number;
  readonly decodeMs: number;
  /** The whole task in the thread, `decodeMs` included. */
  readonly taskMs: number;
}

const noActivity = () => ({ inference: 0, compute: 0, fetch: 0, write: 0, batch_wait: 0, lookup: 0 });

export class JobClock {
  readonly #onProgress: (() => void) | undefined;
  readonly #begun = performance.now();
  readonly #running = noActivity();
  readonly #ms = { ...noActivity(), other: 0 };
  /** What the time of `compute` is divided by. */
  readonly #parts = { thread_wait: 0, decode: 0, preprocess: 0 };
  #since = this.#begun;

  /** @param onProgress called whenever something begins: the job is alive. */
  constructor(onProgress?: () => void) {
    this.#onProgress = onProgress;
  }

  /** Begins an activity; call what is returned, once, when it is over. */
  begin(activity: Activity): () => void {
    this.#count();
    this.#running[activity] += 1;
    this.#onProgress?.();
    return () => {
      this.#count();
      this.#running[activity] -= 1;
    };
  }

  /** Runs `work` as an activity, failed or not. */
  async time<T>(activity: Exclude<Activity, 'compute'>, work: () => Promise<T>): Promise<T> {
    const end = this.begin(activity);
    try {
      return await work();
    } finally {
      end();
    }
  }

  /**
   * Runs a task of a compute thread.
   *
   * @param work passes on what it is given: told the times of the task, which divide the time that it took here.
   */
  async compute<T>(work: (report: (times: TaskTimes) => void) => Promise<T>): Promise<T> {
    const end = this.begin('compute');
    try {
      return await work(({ waitMs, decodeMs, taskMs }) => {
        this.#parts.thread_wait += waitMs;
        this.#parts.decode += decodeMs;
        this.#parts.preprocess += Math.max(0, taskMs - decodeMs);
      });
    } finally {
      end();
    }
  }

  /** Seconds a phase until now, and their sum, the job's duration. */
  read(): { readonly seconds: number; readonly phases: Readonly<Record<Phase, number>> } {
    this.#count();
    const { compute, ...ms } = this.#ms;
    const parts = this.#parts.thread_wait + this.#parts.decode + this.#parts.preprocess;
    const share = (part: number) => (parts > 0 ? (compute * part) / parts : 0);
    const phases = {
      ...ms,
      thread_wait: share(this.#parts.thread_wait),
      decode: share(this.#parts.decode),
      // A task that failed told no times.
      preprocess: parts > 0 ? share(this.#parts.preprocess) : compute,
    };
    return {
      seconds: (this.#since - this.#begun) / 1000,
      phases: Object.fromEntries(PHASES.map((phase) => [phase, phases[phase] / 1000])) as Record<Phase, number>,
    };
  }

  #count(): void {
    const now = performance.now();
    const what = ACTIVITIES.find((activity) => this.#running[activity] > 0) ?? 'other';
    this.#ms[what] += now - this.#since;
    this.#since = now;
  }
}

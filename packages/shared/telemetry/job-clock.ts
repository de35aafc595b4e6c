/**
 * Measures how the time of one job divides into phases. A job does several things at once: it fetches for one model
 * while another model runs. Each moment therefore counts for one phase only: the first activity in the order of {@link
 * ACTIVITIES} that is in progress, or `other` if none is. So the phases of a job add up to its duration, and waiting
 * for a model counts only while nothing else is in progress.
 */

/** What a job can be doing; the latest step of the work comes first. */
const ACTIVITIES = ['inference', 'compute', 'fetch', 'write', 'batch_wait', 'lookup'] as const;
type Activity = (typeof ACTIVITIES)[number];

export const PHASES = [
  /** Looking for outputs that are in the store already, and reading them. */
  'lookup',
  /** Reading DICOM files, or outputs of the previous stage. */
  'fetch',
  /** Waiting for a free compute thread. */
  'thread_wait',
  /** Parsing and decoding DICOM in a compute thread. */
  'decode',
  /** Everything else in a compute thread: making pixel values, resizing, normalising, cropping. */
  'preprocess',
  /** At least one sample of the job waits for a batch, and none is in a model. */
  'batch_wait',
  /** At least one sample of the job is in a model. */
  'inference',
  /** Writing outputs and results. */
  'write',
  /** Handing over, and everything that is not listed above. */
  'other',
] as const;
export type Phase = (typeof PHASES)[number];

/** How a compute thread spent its time on a task, in ms. */
export interface TaskTimes {
  /** From submitting the task until the thread starts it. */
  readonly waitMs: number;
  readonly decodeMs: number;
  /** The whole task in the thread, including `decodeMs`. */
  readonly taskMs: number;
}

const noActivity = () => ({ inference: 0, compute: 0, fetch: 0, write: 0, batch_wait: 0, lookup: 0 });

export class JobClock {
  readonly #onProgress: (() => void) | undefined;
  readonly #begun = performance.now();
  readonly #running = noActivity();
  readonly #ms = { ...noActivity(), other: 0 };
  /** How the time of `compute` divides into phases, as the threads reported it, in ms. */
  readonly #parts = { thread_wait: 0, decode: 0, preprocess: 0 };
  #since = this.#begun;

  /** @param onProgress called whenever an activity begins, which shows that the job makes progress. */
  constructor(onProgress?: () => void) {
    this.#onProgress = onProgress;
  }

  /** Begins an activity. @returns a function that ends it; call it once. */
  begin(activity: Activity): () => void {
    this.#count();
    this.#running[activity] += 1;
    this.#onProgress?.();
    return () => {
      this.#count();
      this.#running[activity] -= 1;
    };
  }

  /** Runs `work` as an activity. Its time counts also if it fails. */
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
   * @param work calls `report` with the times that the thread measured. They divide the time of the task into phases.
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

  /** Seconds per phase until now, and their sum, the job's duration. */
  read(): { readonly seconds: number; readonly phases: Readonly<Record<Phase, number>> } {
    this.#count();
    const { compute, ...ms } = this.#ms;
    const parts = this.#parts.thread_wait + this.#parts.decode + this.#parts.preprocess;
    const share = (part: number) => (parts > 0 ? (compute * part) / parts : 0);
    const phases = {
      ...ms,
      thread_wait: share(this.#parts.thread_wait),
      decode: share(this.#parts.decode),
      // A failed task reports no times.
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

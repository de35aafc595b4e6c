/** Compute threads: they run the tasks of compute-tasks.ts, so that the main thread of a worker never computes. */

import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { type ErrorRecord, errorOfRecord } from '../domain/index.ts';
import type { Files } from '../stages/index.ts';
import type { TaskTimes } from '../telemetry/index.ts';
import type * as computeTasks from './compute-tasks.ts';
import type { StudyOfTask } from './study-slices.ts';
import { ownBuffers } from './transfer.ts';

type ComputeTasks = typeof computeTasks;
type TaskName<Tasks> = {
  [K in keyof Tasks]: Tasks[K] extends (input: never) => Promise<unknown> ? K : never;
}[keyof Tasks];
type InputOf<Task> = Task extends (input: infer Input) => unknown ? Input : never;
type ValueOf<Task> = Task extends (input: never) => infer Value ? Awaited<Value> : never;
/** Called with the times that a thread measured. */
type Report = (times: TaskTimes) => void;

/** A pool of threads. Each runs a module that calls `serveTasks`. */
export class TaskPool<Tasks> {
  readonly #pool: Piscina;

  /**
   * @param module the module that the threads run.
   * @param idleTimeout ms until a thread without tasks ends.
   */
  constructor(module: URL, threads: number, idleTimeout = 60_000) {
    this.#pool = new Piscina({
      filename: fileURLToPath(module),
      minThreads: 0,
      maxThreads: threads,
      idleTimeout,
      // Pixels are outside of the heap, and the other objects are small: V8's own choice keeps tens of MB.
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
  }

  /**
   * Runs one task on a free thread. Outputs are transferred, inputs are copied.
   *
   * @param report called with the times that the thread measured, if the task succeeds.
   * @param handOver arrays of the input that are transferred instead: the caller cannot use them afterwards.
   * @throws {SpinelineError} with the code, kind and context of the error of the task.
   */
  async run<K extends TaskName<Tasks>>(
    task: K,
    input: InputOf<Tasks[K]>,
    report?: Report,
    handOver: Iterable<unknown> = [],
  ): Promise<ValueOf<Tasks[K]>> {
    const given = performance.timeOrigin + performance.now();
    const transferList = ownBuffers(handOver);
    const reply = (await this.#pool.run({ task, input }, { transferList })) as
      | { value: ValueOf<Tasks[K]>; times: { begun: number; decodeMs: number; taskMs: number } }
      | { error: ErrorRecord };
    if ('error' in reply) throw errorOfRecord(reply.error);
    const { begun, decodeMs, taskMs } = reply.times;
    report?.({ waitMs: Math.max(0, begun - given), decodeMs, taskMs });
    return reply.value;
  }

  /** Ends the threads. Waits for tasks that run, since Piscina throws if one ends later; drops those that wait. */
  async close(): Promise<void> {
    await this.#pool.close({ force: true });
  }
}

interface ComputeThread {
  readonly tasks: TaskPool<ComputeTasks>;
  /** Open sessions, and tasks outside of them. */
  load: number;
}

/** The compute threads of a worker. */
export class ComputePool {
  readonly #threads: readonly ComputeThread[];
  #sessions = 0;

  constructor(threads: number) {
    const module = new URL('./compute-thread.ts', import.meta.url);
    // One pool per thread, so that a session stays on its thread; a thread that ended would lose its sessions.
    this.#threads = Array.from({ length: threads }, () => ({ tasks: new TaskPool(module, 1, Infinity), load: 0 }));
  }

  /** Runs one task on the thread with the least work. Parameters and errors as `TaskPool.run`. */
  async run<K extends TaskName<ComputeTasks>>(
    task: K,
    input: InputOf<ComputeTasks[K]>,
    report?: Report,
    handOver?: Iterable<unknown>,
  ): Promise<ValueOf<ComputeTasks[K]>> {
    const thread = this.#freest();
    thread.load += 1;
    try {
      return await thread.tasks.run(task, input, report, handOver);
    } finally {
      thread.load -= 1;
    }
  }

  /** Opens a session for tasks that read slices of one study. Close it when the job is done. */
  openSession(study: string): StudySession {
    return new StudySession(study, this.#sessions++, this.#freest());
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ tasks }) => tasks.close()));
  }

  #freest(): ComputeThread {
    return this.#threads.reduce((best, thread) => (thread.load < best.load ? thread : best));
  }
}

/** The tasks that read slices. */
type SliceTask = {
  [K in TaskName<ComputeTasks>]: InputOf<ComputeTasks[K]> extends StudyOfTask ? K : never;
}[TaskName<ComputeTasks>];

/**
 * Tasks of one study on one thread. Each file is given once, and the thread decodes each slice once: it keeps both until
 * the session is closed.
 */
export class StudySession {
  readonly #study: string;
  readonly #id: number;
  readonly #thread: ComputeThread;
  readonly #given = new Set<string>();

  constructor(study: string, id: number, thread: ComputeThread) {
    this.#study = study;
    this.#id = id;
    this.#thread = thread;
    thread.load += 1;
  }

  /** Whether the session has this file. */
  has(location: string): boolean {
    return this.#given.has(location);
  }

  /**
   * Runs one task.
   *
   * @param files the files that the task needs and the session does not have. They are transferred: the caller cannot use
   *   them afterwards.
   * @throws {SpinelineError} as `TaskPool.run`; transient `COMPUTE_THREAD_DIED` if the thread died since an earlier task.
   */
  async run<K extends SliceTask>(
    task: K,
    files: Files,
    input: Omit<InputOf<ComputeTasks[K]>, keyof StudyOfTask>,
    report?: Report,
  ): Promise<ValueOf<ComputeTasks[K]>> {
    const session = { id: this.#id, filesGiven: this.#given.size };
    for (const location of files.keys()) this.#given.add(location);
    const whole = { ...input, study: this.#study, files, session } as InputOf<ComputeTasks[K]>;
    return this.#thread.tasks.run(task, whole, report, files.values());
  }

  /** Ends the session. The thread forgets it when its current task is done; a thread that died has kept nothing. */
  close(): void {
    this.#thread.load -= 1;
    if (this.#given.size > 0) this.#thread.tasks.run('closeSession', { id: this.#id }).catch(() => {});
  }
}

/** Threads that decode and prepare, so that the main thread never computes; see compute-tasks.ts for what they do. */

import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { type ErrorRecord, errorOfRecord } from '../domain/index.ts';
import type { TaskTimes } from '../telemetry/index.ts';
import type * as computeTasks from './compute-tasks.ts';

type TaskName<Tasks> = {
  [K in keyof Tasks]: Tasks[K] extends (input: never) => Promise<unknown> ? K : never;
}[keyof Tasks];
type InputOf<Task> = Task extends (input: infer Input) => unknown ? Input : never;
type ValueOf<Task> = Task extends (input: never) => infer Value ? Awaited<Value> : never;

/** Threads that run the tasks of a module that serves them (`serveTasks`). */
export class TaskPool<Tasks> {
  readonly #pool: Piscina;

  /** @param module of the thread. */
  constructor(module: URL, threads: number) {
    this.#pool = new Piscina({
      filename: fileURLToPath(module),
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: 60_000,
    });
  }

  /**
   * Runs one task on a free thread. Inputs are copied, outputs transferred.
   *
   * @param report told how the thread spent its time, if the task succeeds.
   * @throws {SpinelineError} with the code, kind and context of what the task threw.
   */
  async run<K extends TaskName<Tasks>>(
    task: K,
    input: InputOf<Tasks[K]>,
    report?: (times: TaskTimes) => void,
  ): Promise<ValueOf<Tasks[K]>> {
    const given = performance.timeOrigin + performance.now();
    const reply = (await this.#pool.run({ task, input })) as
      | { value: ValueOf<Tasks[K]>; times: { begun: number; decodeMs: number; taskMs: number } }
      | { error: ErrorRecord };
    if ('error' in reply) throw errorOfRecord(reply.error);
    const { begun, decodeMs, taskMs } = reply.times;
    report?.({ waitMs: Math.max(0, begun - given), decodeMs, taskMs });
    return reply.value;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** The compute threads of a worker. */
export class ComputePool extends TaskPool<typeof computeTasks> {
  constructor(threads: number) {
    super(new URL('./compute-thread.ts', import.meta.url), threads);
  }
}

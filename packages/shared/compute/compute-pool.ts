/** Compute threads: they run the tasks of compute-tasks.ts, so that the main thread of a worker never computes. */

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

/** A pool of threads. Each runs a module that calls `serveTasks`. */
export class TaskPool<Tasks> {
  readonly #pool: Piscina;

  /** @param module the module that the threads run. */
  constructor(module: URL, threads: number) {
    this.#pool = new Piscina({
      filename: fileURLToPath(module),
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: 60_000,
    });
  }

  /**
   * Runs one task on a free thread. Inputs are copied, outputs are transferred.
   *
   * @param report called with the times that the thread measured, if the task succeeds.
   * @throws {SpinelineError} with the code, kind and context of the error of the task.
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

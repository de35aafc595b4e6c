/** Threads that decode and prepare, so that the main thread never computes; see compute-tasks.ts for what they do. */

import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { type ErrorRecord, errorOfRecord } from '../domain/index.ts';
import type * as tasks from './compute-tasks.ts';

type Tasks = typeof tasks;
type TaskName = {
  [K in keyof Tasks]: Tasks[K] extends (input: never) => Promise<unknown> ? K : never;
}[keyof Tasks];

export class ComputePool {
  readonly #pool: Piscina;

  constructor(threads: number) {
    this.#pool = new Piscina({
      filename: fileURLToPath(new URL('./compute-thread.ts', import.meta.url)),
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: 60_000,
    });
  }

  /**
   * Runs one task on a free thread. Inputs are copied, outputs transferred.
   *
   * @throws {SpinelineError} with the code, kind and context of what the task threw.
   */
  async run<K extends TaskName>(task: K, input: Parameters<Tasks[K]>[0]): Promise<Awaited<ReturnType<Tasks[K]>>> {
    const reply = (await this.#pool.run({ task, input })) as
      | { value: Awaited<ReturnType<Tasks[K]>> }
      | { error: ErrorRecord };
    if ('error' in reply) throw errorOfRecord(reply.error);
    return reply.value;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** The body of the threads of a task pool: runs tasks by name, transfers their buffers and keeps the code of errors. */

import { move, transferableSymbol, valueSymbol } from 'piscina';
import { recordOfError } from '../domain/index.ts';
import { takeDecodeMs } from '../stages/index.ts';

/**
 * The body of a thread.
 *
 * @returns a function that gives `{ value, times }`. `times.begun` is in ms since the epoch, since threads share no
 *   other clock. If the task fails, it gives `{ error }` as a record, since structured clone would drop the code and
 *   the context of an Error.
 */
export function serveTasks(tasks: Readonly<Record<string, (input: never) => Promise<unknown>>>) {
  return async ({ task, input }: { task: string; input: unknown }): Promise<unknown> => {
    const began = performance.now();
    takeDecodeMs();
    try {
      const value = await tasks[task]!(input as never);
      const times = {
        begun: performance.timeOrigin + began,
        decodeMs: takeDecodeMs(),
        taskMs: performance.now() - began,
      };
      const buffers = new Set<ArrayBuffer>();
      collectBuffers(value, buffers);
      return move({ [transferableSymbol]: [...buffers], [valueSymbol]: { value, times } } as never);
    } catch (error) {
      return { error: recordOfError(error) };
    }
  };
}

function collectBuffers(value: unknown, buffers: Set<ArrayBuffer>): void {
  if (ArrayBuffer.isView(value)) buffers.add(value.buffer as ArrayBuffer);
  else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) collectBuffers(member, buffers);
  }
}

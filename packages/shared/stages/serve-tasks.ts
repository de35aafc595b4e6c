/** What the threads of a task pool run: tasks by name, their buffers transferred and their errors kept whole. */

import { move, transferableSymbol, valueSymbol } from 'piscina';
import { recordOfError } from '../domain/index.ts';

/**
 * The body of a thread.
 *
 * @returns gives `{ value }` or, since structured clone would drop an error's code and context, `{ error }` as a record.
 */
export function serveTasks(tasks: Readonly<Record<string, (input: never) => Promise<unknown>>>) {
  return async ({ task, input }: { task: string; input: unknown }): Promise<unknown> => {
    try {
      const value = await tasks[task]!(input as never);
      const buffers = new Set<ArrayBuffer>();
      collectBuffers(value, buffers);
      return move({ [transferableSymbol]: [...buffers], [valueSymbol]: { value } } as never);
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

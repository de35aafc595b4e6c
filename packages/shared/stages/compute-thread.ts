/** The body of a compute thread: the tasks of compute-tasks.ts, their buffers transferred and their errors kept whole. */

import { move, transferableSymbol, valueSymbol } from 'piscina';
import { recordOfError } from '../domain/index.ts';
import { cutCrops, prepareStage1, prepareXy, readCropRows } from './compute-tasks.ts';

const tasks = { cutCrops, prepareStage1, prepareXy, readCropRows };
type TaskName = keyof typeof tasks;

/** @returns `{ value }` or, since structured clone would drop an error's code and context, `{ error }` as a record. */
export default async function run({ task, input }: { task: TaskName; input: unknown }): Promise<unknown> {
  try {
    const value = await (tasks[task] as (input: unknown) => Promise<unknown>)(input);
    const buffers = new Set<ArrayBuffer>();
    collectBuffers(value, buffers);
    return move({ [transferableSymbol]: [...buffers], [valueSymbol]: { value } } as never);
  } catch (error) {
    return { error: recordOfError(error) };
  }
}

function collectBuffers(value: unknown, buffers: Set<ArrayBuffer>): void {
  if (ArrayBuffer.isView(value)) buffers.add(value.buffer as ArrayBuffer);
  else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) collectBuffers(member, buffers);
  }
}

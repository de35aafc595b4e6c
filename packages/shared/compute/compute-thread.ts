/** The body of a compute thread: the tasks of compute-tasks.ts. */

import { closeSession, cutCrops, prepareStage1, prepareXy, readCrops } from './compute-tasks.ts';
import { serveTasks } from './serve-tasks.ts';
import { free } from './transfer.ts';

export default serveTasks({
  closeSession,
  cutCrops,
  prepareStage1: (input: Parameters<typeof prepareStage1>[0]) =>
    prepareStage1(input).finally(() => free(input.files.values())),
  prepareXy,
  readCrops: (input: Parameters<typeof readCrops>[0]) => readCrops(input).finally(() => free([input.bytes])),
});

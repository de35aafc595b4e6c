/** The body of a compute thread: the tasks of compute-tasks.ts. */

import { cutCrops, prepareStage1, prepareXy, readCrops } from './compute-tasks.ts';
import { serveTasks } from './serve-tasks.ts';

export default serveTasks({ cutCrops, prepareStage1, prepareXy, readCrops });

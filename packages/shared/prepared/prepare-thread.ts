/** The body of a thread that prepares studies. */

import { free, serveTasks } from '../compute/index.ts';
import { prepareStudy, type StudyToPrepare } from './prepare-study.ts';

export default serveTasks({
  prepareStudy: (input: StudyToPrepare) => prepareStudy(input).finally(() => free(input.files.values())),
});

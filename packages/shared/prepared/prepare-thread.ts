/** The body of a thread that prepares studies. */

import { serveTasks } from '../stages/index.ts';
import { prepareStudy } from './prepare-study.ts';

export default serveTasks({ prepareStudy });

/** The body of a thread that prepares studies. */

import { serveTasks } from '../compute/index.ts';
import { prepareStudy } from './prepare-study.ts';

export default serveTasks({ prepareStudy });

/** Names of tasks and of parts of the metric, for tables and pages. */

import type { Task } from '../domain/index.ts';
import type { MetricPart } from '../evaluation/index.ts';

export const TASK_NAMES: Readonly<Record<Task, string>> = {
  scs: 'SCS (sagittal T2)',
  nfn: 'NFN (sagittal T1)',
  ss: 'SS (axial T2)',
};
export const PART_NAMES: Readonly<Record<MetricPart | 'score', string>> = {
  spinal: 'spinal',
  foraminal: 'foraminal',
  subarticular: 'subarticular',
  anySevereSpinal: 'any severe spinal',
  score: 'mean of the four',
};

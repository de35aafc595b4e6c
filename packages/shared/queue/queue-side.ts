import type { ProgressCounts } from './progress.ts';
import type { Queues } from './queues.ts';

/** The part of a run that is in Redis. */
export interface QueueSide {
  readonly queues: Queues;
  readonly progress: ProgressCounts;
}

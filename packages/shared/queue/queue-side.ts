import type { ProgressCounts } from './progress.ts';
import type { Queues } from './queues.ts';

/** What there is of a run in Redis. */
export interface QueueSide {
  readonly queues: Queues;
  readonly progress: ProgressCounts;
}

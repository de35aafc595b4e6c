export { PAYLOADS, type Payload, QUEUES, pageQueue } from './catalogue.ts';
export { assertRedis, connectRedis } from './connection.ts';
export { type Progress, ProgressCounts, type ProgressEvent } from './progress.ts';
export type { QueueSide } from './queue-side.ts';
export { type QueueCounts, Queues } from './queues.ts';

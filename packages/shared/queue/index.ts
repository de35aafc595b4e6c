export {
  PAYLOADS,
  type PageQueue,
  type Payload,
  pageQueue,
  QUEUES,
  type QueueName,
  STAGE_QUEUES,
  type StageQueue,
  studyJobId,
} from './catalogue.ts';
export { assertRedis, connectRedis } from './connection.ts';
export { type EnqueueOptions, enqueueRun, type RunOptions, startRun } from './enqueue.ts';
export { Feeder } from './feeder.ts';
export { type Progress, ProgressCounts, type ProgressEvent } from './progress.ts';
export { type QueueCounts, Queues } from './queues.ts';
export {
  cancelRun,
  findMissing,
  type Missing,
  type ResumeCounts,
  type RetryCounts,
  type RetrySelection,
  resumeRun,
  retryRun,
} from './run-control.ts';
export {
  type ProcessStudy,
  StageWorker,
  type StageWorkerOptions,
  type StageWorkerParts,
  type StudyJob,
  type StudyOutcome,
} from './stage-worker.ts';
export { jsonBytes, readUpstream, runStep, type StepOutput, type StepWork } from './step.ts';
export { runWorker, type WorkerKit } from './worker-process.ts';

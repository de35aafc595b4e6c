export type { ProcessStudy, StudyJob } from './stage-worker.ts';
export { jsonBytes, readUpstream, runStep } from './step.ts';
export { type WorkerKit, runWorker } from './worker-process.ts';

export type { ProcessStudy } from './stage-worker.ts';
export { jsonBytes, readUpstream, runStep } from './step.ts';
export { type WorkerKit, runWorker } from './worker-process.ts';

export { Feeder } from './feeder.ts';
export { type ProcessStudy, StageWorker, type StageWorkerOptions, type StageWorkerParts, type StudyJob, type StudyOutcome } from './stage-worker.ts';
export { type StepOutput, type StepWork, jsonBytes, readUpstream, runStep } from './step.ts';
export { type WorkerKit, runWorker } from './worker-process.ts';

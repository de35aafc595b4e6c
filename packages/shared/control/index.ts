export { type EnqueueOptions, type RunOptions, enqueueRun, startRun } from './enqueue.ts';
export { DEMO_BUNDLES, pinBundles, readManifests, storedName } from './pin-bundles.ts';
export { type ReprocessOptions, datasetOf, prepareReprocess, studiesOf } from './reprocess.ts';
export { type Missing, type ResumeCounts, type RetryCounts, type RetrySelection, cancelRun, findMissing, resumeRun, retryRun } from './run-control.ts';

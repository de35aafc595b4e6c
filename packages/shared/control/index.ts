export { cancelRun } from './cancel.ts';
export { enqueueRun, startRun } from './enqueue.ts';
export { DEMO_BUNDLES, pinBundles, readManifests, storedName } from './pin-bundles.ts';
export { type ReprocessOptions, datasetOf, prepareReprocess, studiesOf } from './reprocess.ts';
export { type ResumeCounts, findMissing, resumeRun } from './resume.ts';
export { type RetryCounts, type RetrySelection, retryRun } from './retry.ts';

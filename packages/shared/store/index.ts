export {
  MODELS_FOLDER,
  RUNS_FOLDER,
  bundleFileKey,
  bundleKey,
  bundleOfKey,
  cancelKey,
  checkRunName,
  datasetKey,
  datasetPageKey,
  encodeStudy,
  failureKey,
  failuresFolder,
  outputOfKey,
  promotionKey,
  resultKey,
  resultsFolder,
  runKey,
  stageFolder,
  stageOutputKey,
  studyOfKey,
} from './layout.ts';
export type { ObjectInfo, ObjectStore } from './object-store.ts';
export { STORE_OPERATIONS, STORE_OUTCOMES, type StoreObserver, observeStore } from './observed.ts';
export { openStore } from './open-store.ts';
export { digestBytes, digestOf } from './stage-keys.ts';
export { type Made, type Provenance, StageOutputs, keyOfMade, parseArtefact } from './stage-output.ts';

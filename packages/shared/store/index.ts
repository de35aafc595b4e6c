export { canonicalJson } from './canonical-json.ts';
export {
  bundleFileKey,
  bundleFolder,
  bundleKey,
  bundleOfKey,
  cancelKey,
  checkRunName,
  DATASETS_FOLDER,
  datasetKey,
  datasetPageKey,
  decodeStudy,
  encodeStudy,
  failureKey,
  failuresFolder,
  MODELS_FOLDER,
  outputOfKey,
  promotionKey,
  RUNS_FOLDER,
  resultKey,
  resultsFolder,
  runFolder,
  runKey,
  stageFolder,
  stageOutputFolder,
  stageOutputKey,
  studyOfKey,
} from './layout.ts';
export { checkKey, checkPrefix } from './object-key.ts';
export type { ObjectInfo, ObjectStore, PutOptions } from './object-store.ts';
export {
  observeStore,
  STORE_OPERATIONS,
  STORE_OUTCOMES,
  type StoreObserver,
  type StoreOperation,
  type StoreOutcome,
} from './observed.ts';
export { openStore } from './open-store.ts';
export type { S3Options } from './s3-options.ts';
export { digestBytes, digestOf, STAGE_NAMES, type StageKeyParts, type StageName, stageKey } from './stage-keys.ts';
export { keyOfMade, type Made, type Provenance, parseArtefact, StageOutputs } from './stage-output.ts';

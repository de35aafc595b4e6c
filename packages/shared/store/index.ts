export { canonicalJson } from './canonical-json.ts';
export { DATASETS_FOLDER, MODELS_FOLDER, RUNS_FOLDER, bundleFileKey, bundleFolder, bundleKey, bundleOfKey, cancelKey, checkRunName, datasetKey, datasetPageKey, decodeStudy, encodeStudy, failureKey, failuresFolder, outputOfKey, promotionKey, resultKey, resultsFolder, runFolder, runKey, stageFolder, stageOutputFolder, stageOutputKey, studyOfKey } from './layout.ts';
export { checkKey, checkPrefix } from './object-key.ts';
export { type ObjectInfo, type ObjectStore, type PutOptions } from './object-store.ts';
export { STORE_OPERATIONS, STORE_OUTCOMES, type StoreObserver, type StoreOperation, type StoreOutcome, observeStore } from './observed.ts';
export { openStore } from './open-store.ts';
export { type S3Options } from './s3-options.ts';
export { type StageKeyParts, digestBytes, digestOf, stageKey } from './stage-keys.ts';
export { type Made, type Provenance, StageOutputs, keyOfMade, parseArtefact } from './stage-output.ts';

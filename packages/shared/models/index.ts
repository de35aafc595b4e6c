export { BundleCache, type ReadyBundle } from './bundle-cache.ts';
export { MemberDoesNotRunError, tryBundle } from './bundle-check.ts';
export {
  type BundlePin,
  type LoadedBundle,
  bundleOfStage,
  findBundleFolders,
  listStoredBundles,
  listStoredNames,
  mendBundle,
  pushBundle,
  readBundleFolder,
  readBundleManifest,
  readPinnedManifest,
  readStoredBundle,
  readStoredManifest,
} from './bundle-source.ts';
export { type Bundle, type BundleOf, type CropSettings, type CropWindow, bundleDigest, membersOf } from './bundle.ts';
export { checkExecutionProvider, prepareExecutionProvider } from './execution-provider.ts';
export { InferencePool } from './inference-pool.ts';
export type { Placement, Sample, SampleOutput } from './inference-protocol.ts';
export { type Promotion, demoteStage, promoteBundle, readPromotion } from './promotion.ts';
export { type Measured, type Trial, type Tuned, type TuneProgress, tune } from './tune.ts';

export {
  type Bundle,
  type BundleMember,
  type BundleOf,
  bundleDigest,
  type CropSettings,
  type CropWindow,
  membersOf,
  outputOf,
  parseBundle,
  type Stage,
} from './bundle.ts';
export { BundleCache, type ReadyBundle } from './bundle-cache.ts';
export {
  type BundlePin,
  bundleOfStage,
  findBundleFolders,
  type LoadedBundle,
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
export { checkExecutionProvider } from './execution-provider.ts';
export { type Ensemble, InferenceError, InferencePool, type InferencePoolOptions } from './inference-pool.ts';
export type { Sample, SampleOutput } from './inference-protocol.ts';
export { demoteStage, type Promotion, promoteBundle, readPromotion } from './promotion.ts';

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
export {
  type Bundle,
  type BundleOf,
  type CropSettings,
  type CropWindow,
  bundleDigest,
  inputsOf,
  membersOf,
  outputOf,
} from './bundle.ts';
export { type Promotion, demoteStage, promoteBundle, readPromotion } from './promotion.ts';

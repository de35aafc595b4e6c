export {
  CROP_ARRAYS,
  type CropArray,
  CropsArtefact,
  Flags,
  type FoundSlice,
  type IndexedSlice,
  type PlacedPoint,
  RejectedSeries,
  STEP_ARTEFACTS,
  SeriesIndex,
  SeverityArtefact,
  XyArtefact,
  ZArtefact,
  sideRow,
} from './artefacts.ts';
export { axialOfPoints } from './axial-slices.ts';
export {
  type CropPlan,
  type LevelPoints,
  arrayOf,
  cropRows,
  cropShape,
  middleOf,
  planCrops,
  slicesOfCrops,
} from './crop-plan.ts';
export { type CropRoom, spacesOf } from './cut-crops.ts';
export { takeDecodeMs, timeDecoding } from './decode-time.ts';
export { type IndexedStudy, indexStudy } from './index-study.ts';
export type { Files } from './read-series.ts';
export { usedSeries } from './indexed-series.ts';
export {
  type Stage1Gives,
  type XyGives,
  madeOfCrops,
  madeOfStage1,
  madeOfStage3,
  madeOfXy,
  stage1Gives,
  xyGives,
} from './keys.ts';
export {
  STAGE1_TASKS,
  type Stage1Task,
  type Volume,
  foundSlices,
  sliceAt,
  stage1Volumes,
  zArtefact,
} from './level-slices.ts';
export {
  type LevelSlices,
  type XyImage,
  axialImage,
  meanPoints,
  placePoint,
  sagittalImages,
  xyArtefact,
} from './points.ts';
export {
  type Severities,
  type TargetViews,
  classSharesOf,
  hasView,
  meanSeverities,
  severityArtefact,
  targetViews,
} from './severities.ts';
export { REGIONS_FILE, StoredCrops, packCrops } from './stored-crops.ts';
export { assertEnoughViews } from './too-few-views.ts';
export { type Fractions, canonicalFractions } from './turned-points.ts';

export {
  type AxialSlice,
  CONTRACTS,
  CROP_ARRAYS,
  type CropArray,
  CropsArtefact,
  Flags,
  type FoundSlice,
  type IndexedSeries,
  type IndexedSlice,
  type PlacedPoint,
  pixelDigest,
  RejectedSeries,
  SeriesIndex,
  SeverityArtefact,
  sideRow,
  XyArtefact,
  xyDigest,
  ZArtefact,
  zDigest,
} from './artefacts.ts';
export { ComputePool, TaskPool } from './compute-pool.ts';
export { type CropRoom, cropRows, cropsOf } from './compute-tasks.ts';
export { fetchFiles } from './fetch.ts';
export { indexStudy } from './index-study.ts';
export {
  madeOfCrops,
  madeOfStage1,
  madeOfStage3,
  madeOfXy,
  type Stage1Gives,
  stage1Gives,
  type XyGives,
  xyGives,
} from './keys.ts';
export { assertEnoughViews, type StudyViews } from './missing-views.ts';
export type { FetchedFile } from './read-series.ts';
export { serveTasks } from './serve-tasks.ts';
export {
  axialSlices,
  foundSlices,
  STAGE1_TASKS,
  type Stage1Task,
  sliceAt,
  stage1Volumes,
  usedSeries,
  type Volume,
  zArtefact,
} from './stage1.ts';
export {
  axialImage,
  axialOfPoints,
  type CropPlan,
  type Fractions,
  type LevelPoints,
  type LevelSlices,
  meanPoints,
  middleOf,
  placePoint,
  planCrops,
  sagittalImages,
  slicesOfCrops,
  type XyImage,
  xyArtefact,
} from './stage2.ts';
export {
  classSharesOf,
  hasView,
  meanSeverities,
  type Severities,
  severityArtefact,
  type TargetViews,
  targetViews,
} from './stage3.ts';
export { canonicalFractions, storedPixels, type TurnedSlice } from './turned-points.ts';

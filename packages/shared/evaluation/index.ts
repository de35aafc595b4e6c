export {
  CALIBRATION_BINS,
  type Calibration,
  type CalibrationError,
  calibration,
  calibrationError,
} from './calibration.ts';
export {
  type BaselineOptions,
  type ChallengeMetric,
  challengeMetric,
  classShareBaseline,
  METRIC_PARTS,
  type MetricCounts,
  type MetricPart,
  SEVERITY_WEIGHTS,
} from './challenge-metric.ts';
export { type Confusion, confusion } from './confusion.ts';
export { type LabelCoordinate, readCoordinates } from './coordinates.ts';
export { type Evaluation, evaluate, type MetricRatio, type Predicted } from './evaluate.ts';
export {
  type ConditionChanges,
  type GradeChanges,
  type GradeMove,
  MOVE_EDGES,
  type Transitions,
} from './grade-changes.ts';
export { type LabelledRow, labelledRows } from './labelled-rows.ts';
export { type Labels, readLabels } from './labels.ts';
export {
  type FoundPlace,
  type LocatedStudy,
  type LocationErrors,
  locationErrors,
  type MemberAnswer,
  type NotCompared,
  type PixelErrors,
  type SliceErrors,
  type TaskLocationErrors,
} from './location-errors.ts';
export { METRIC_FIGURES, type MetricDifference, type MetricFigure } from './metric-difference.ts';
export { mulberry32 } from './mulberry32.ts';
export {
  type BootstrapOptions,
  type Interval,
  percentileInterval,
  RESAMPLES,
  resampledRatios,
} from './paired-bootstrap.ts';
export type {
  PlaceChanges,
  PlacedStudy,
  PointChanges,
  PointMove,
  SliceChanges,
  SliceMove,
  TaskPlaceChanges,
} from './place-changes.ts';
export {
  type CompareOptions,
  compareRuns,
  DEFAULT_TOP,
  type RunDifference,
  type ScoredStudy,
} from './run-difference.ts';
export type { Spread } from './spread.ts';
export { studyPairs } from './study-pairs.ts';
export {
  type Probabilities,
  parseRowId,
  readSubmission,
  SUBMISSION_HEADER,
  type SubmissionRow,
  submissionLines,
  writeSubmission,
} from './submission.ts';

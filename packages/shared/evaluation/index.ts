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
export type { Spread } from './spread.ts';
export {
  type Probabilities,
  parseRowId,
  readSubmission,
  SUBMISSION_HEADER,
  type SubmissionRow,
  submissionLines,
  writeSubmission,
} from './submission.ts';

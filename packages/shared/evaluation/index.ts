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
export { type LabelCoordinate, readCoordinates } from './coordinates.ts';
export { type Labels, readLabels } from './labels.ts';
export {
  type FoundPlace,
  type LocatedStudy,
  type LocationErrors,
  locationErrors,
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

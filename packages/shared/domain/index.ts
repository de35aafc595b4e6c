export { JOB_ERROR_CODES, jobErrorCode } from './error-codes.ts';
export {
  ArtefactDamagedError,
  BundleError,
  ConfigError,
  DatasetError,
  DicomError,
  type ErrorContext,
  type ErrorRecord,
  ObjectNotFoundError,
  SpinelineError,
  StoreUnavailableError,
  StudyError,
  errorOfRecord,
  kindOfError,
  recordOfError,
} from './errors.ts';
export { FLAG_MEANINGS, type Flag, type FlagCode } from './flags.ts';
export { gradeOf } from './grade.ts';
export type { MissingViews } from './missing-views.ts';
export { median, round } from './numbers.ts';
export { type PixelData, pixelCount } from './stored-pixels.ts';
export { NEVER_LOGGED, withoutUids } from './patient-data.ts';
export {
  CONTRACTS,
  FIRST_STAGE,
  LAST_STAGE,
  type NumberOfStage,
  OUTPUT_NAMES,
  type OutputName,
  type ReceivedStep,
  STAGES,
  STAGE_NAMES,
  STAGE_NUMBERS,
  STEPS,
  STEP_NAMES,
  type Stage,
  type StageNumber,
  type Step,
  perStage,
  perStep,
  stageLabel,
  stageOfNumber,
  stepLabel,
} from './stages.ts';
export { counted } from './text.ts';
export { TIME_LIMITS_MS } from './time-limits.ts';
export {
  CONDITIONS,
  type Condition,
  KINDS,
  type Kind,
  LEVELS,
  type Level,
  SERIES_DESCRIPTIONS,
  SEVERITIES,
  SEVERITY_LABELS,
  SIDES,
  type Severity,
  type Side,
  TARGETS,
  TASKS,
  type Target,
  type Task,
  conditionLabel,
  kindOfDescription,
  levelLabel,
  rowId,
  targetOfName,
} from './vocabulary.ts';

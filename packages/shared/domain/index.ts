export { JOB_ERROR_CODES, type JobErrorCode, jobErrorCode } from './error-codes.ts';
export { ArtefactDamagedError, BundleError, ConfigError, DatasetError, DicomError, type DicomErrorCode, type ErrorContext, type ErrorKind, type ErrorRecord, ObjectNotFoundError, SpinelineError, StoreUnavailableError, StudyError, errorOfRecord, kindOfError, recordOfError } from './errors.ts';
export { FLAG_MEANINGS, type Flag, type FlagCode } from './flags.ts';
export { gradeOf } from './grade.ts';
export { type MissingViews } from './missing-views.ts';
export { CONDITIONS, type Condition, DEMO_NOTICE, KINDS, type Kind, LEVELS, type Level, SERIES_DESCRIPTIONS, SEVERITIES, SEVERITY_LABELS, SIDES, type Severity, type Side, TARGETS, TASKS, type Target, type Task, conditionLabel, kindOfDescription, levelLabel, rowId, targetOfName } from './vocabulary.ts';
export { median, round } from './numbers.ts';
export { CONTRACTS, FIRST_STAGE, LAST_STAGE, type NumberOfStage, OUTPUT_NAMES, type OutputName, perStage, perStep, type ReceivedStep, STAGE_NAMES, STAGE_NUMBERS, STAGES, type Stage, type StageNumber, type StageOfNumber, STEP_NAMES, STEPS, type Step, stageLabel, stageOfNumber, stageOfStep, stepLabel } from './stages.ts';
export { counted } from './text.ts';

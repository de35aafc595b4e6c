export {
  CancelRecord,
  DatasetRecord,
  type Entry,
  FailureRecord,
  OUTPUT_OF_STEP,
  RunRecord,
  STEPS,
  type Step,
  StepRecord,
  Steps,
  StudyResult,
  type TargetResult,
} from './records.ts';
export { RunStore } from './run-store.ts';

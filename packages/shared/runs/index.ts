export {
  DatasetRecord,
  FailureRecord,
  RunRecord,
  STEPS,
  type Step,
  type StepRecord,
  Steps,
  StudyResult,
  type TargetResult,
} from './records.ts';
export { RunStore } from './run-store.ts';

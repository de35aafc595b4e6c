export { ClassShareCounter, type ClassShares, classSharesText } from './class-shares.ts';
export {
  DatasetRecord,
  FailureRecord,
  RunRecord,
  StepRecord,
  Steps,
  StudyResult,
  type TargetResult,
} from './records.ts';
export { RunStore } from './run-store.ts';

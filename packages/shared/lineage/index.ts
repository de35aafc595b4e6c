export {
  collectGarbage,
  type GarbageOptions,
  type GarbageProgress,
  type GarbageReport,
  type KeptRun,
  type SweptStage,
} from './garbage.ts';
export { covered, findRates, type MeasuredRates, measureRates, type RateOf } from './measured-rates.ts';
export {
  openPipeline,
  Pipeline,
  type StepForecast,
  type StepState,
  type StudyForecast,
} from './pipeline.ts';
export { type PlanCounts, planRun, type RunPlan } from './run-plan.ts';

export { type GarbageOptions, type GarbageProgress, type GarbageReport, type KeptRun, type SweptStage, collectGarbage } from './garbage.ts';
export { type MeasuredRates, type RateOf, covered, findRates, measureRates } from './measured-rates.ts';
export { Pipeline, type StepForecast, type StepState, type StudyForecast, openPipeline } from './pipeline.ts';
export { type PlanCounts, type RunPlan, planRun } from './run-plan.ts';
export { type Kept, type StepLineage, type StudyLineage, readLineage } from './study-lineage.ts';
export { type Estimate, estimate, type PlanReport, planReport } from './estimate.ts';

export { type PlanReport, planReport } from './estimate.ts';
export { type GarbageReport, collectGarbage } from './garbage.ts';
export { Pipeline } from './key-forecast.ts';
export { planRun } from './run-plan.ts';
export { type Kept, type StepLineage, type StudyLineage, readLineage } from './study-lineage.ts';

export { type GarbageReport, collectGarbage } from './garbage.ts';
export { Pipeline } from './pipeline.ts';
export { planRun } from './run-plan.ts';
export { type Kept, type StepLineage, type StudyLineage, readLineage } from './study-lineage.ts';
export { type PlanReport, planReport } from './estimate.ts';

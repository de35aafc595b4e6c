/** What a run would find in the store and what it would compute, known before it starts. */

import { mapInOrder, type StudyEntry } from '../dataset/index.ts';
import { type Stage, STEP_NAMES, type Step, FIRST_STAGE, perStage, perStep } from '../domain/index.ts';
import type { RunRecord, RunStore } from '../runs/index.ts';
import type { Pipeline, StepState, StudyForecast } from './key-forecast.ts';

/** Studies looked up at a time. */
const LOOKUPS_AT_ONCE = 48;

export type PlanCounts = Readonly<Record<StepState, number>>;

export interface RunPlan {
  readonly studies: number;
  /** Studies by state, for each step. */
  readonly steps: Readonly<Record<Step, PlanCounts>>;
  /** Studies by the stage at which they enter. */
  readonly entering: Readonly<Record<Stage, number>>;
}

/**
 * Plans a run.
 *
 * @param run says where studies enter; `{}`: at stage 1.
 * @param onStudies called with the number of studies looked up so far.
 */
export function planRun(
  studies: AsyncIterable<StudyEntry>,
  run: Pick<RunRecord, 'from'>,
  runs: RunStore,
  pipeline: Pipeline,
  onStudies?: (count: number) => void,
): Promise<RunPlan> {
  const look = async (study: StudyEntry) => {
    const before = await runs.stepsBefore(run, study.study);
    return {
      enters: before && run.from ? run.from.stage : FIRST_STAGE,
      forecast: await pipeline.ofRunStudy(study, run, before),
    };
  };
  return count(mapInOrder(studies, LOOKUPS_AT_ONCE, look), onStudies);
}

async function count(
  planned: AsyncIterable<{ enters: Stage; forecast: StudyForecast }>,
  onStudies: (count: number) => void = () => {},
): Promise<RunPlan> {
  const counts = () => ({ hit: 0, compute: 0, unknown: 0 });
  const steps = perStep(counts);
  const entering = perStage(() => 0);
  let studies = 0;
  for await (const { enters, forecast } of planned) {
    studies += 1;
    entering[enters] += 1;
    for (const step of STEP_NAMES) steps[step][forecast[step].state] += 1;
    onStudies(studies);
  }
  return { studies, steps, entering };
}

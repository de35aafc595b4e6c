/** Estimates how long a plan takes, from the rates of earlier runs. */

import { STAGE_NAMES, STAGES, STEP_NAMES, type Step } from '../domain/index.ts';
import type { RunRecord, RunStore } from '../runs/index.ts';
import { findRates, type MeasuredRates } from './measured-rates.ts';
import type { RunPlan } from './run-plan.ts';

/** Steps that one pool does, one after the other. */
const POOLS = STAGE_NAMES.map((stage): readonly Step[] => STAGES[stage].steps);

/** Seconds; `undefined` if the rate of a step that must be computed was never measured. */
export interface Estimate {
  /** If all unknown outputs turn out to be in the store. */
  readonly least: number | undefined;
  /** If all unknown outputs must be computed. */
  readonly most: number | undefined;
}

/** The time of a plan is that of the slowest pool, since the pools work in parallel. */
export function estimate({ steps }: RunPlan, rates: MeasuredRates): Estimate {
  const slowest = (studies: (step: Step) => number) => {
    const pools = POOLS.map((pool) => {
      const seconds = pool.map((step) =>
        studies(step) === 0 ? 0 : studies(step) / (rates[step]?.perSecond ?? Number.NaN),
      );
      return seconds.reduce((sum, one) => sum + one, 0);
    });
    return pools.some(Number.isNaN) ? undefined : Math.max(...pools);
  };
  return {
    least: slowest((step) => steps[step].compute),
    most: slowest((step) => steps[step].compute + steps[step].unknown),
  };
}

/** What `spineline plan --json` prints. */
export interface PlanReport extends RunPlan {
  readonly schema: 'spineline.plan/1';
  readonly rates: MeasuredRates;
  readonly seconds: Estimate;
  readonly notice: string;
}

/** @param prefer the run whose rates fit best, such as the old run of a reprocess. */
export async function planReport(
  plan: RunPlan,
  runs: RunStore,
  notice: string,
  prefer?: RunRecord,
): Promise<PlanReport> {
  const needed = STEP_NAMES.filter((step) => plan.steps[step].compute + plan.steps[step].unknown > 0);
  const rates = await findRates(runs, needed, prefer);
  return { schema: 'spineline.plan/1', ...plan, rates, seconds: estimate(plan, rates), notice };
}

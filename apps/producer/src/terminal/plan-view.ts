/** A plan as people read it: a line a step, and how long that would take at rates that were measured. */

import { STAGE_NAMES, STAGES, STEP_NAMES, type Step, stepLabel, counted } from '@spineline/shared/domain';
import { findRates, type RateOf, type RunPlan } from '@spineline/shared/lineage';
import { type RunRecord, type RunStore } from '@spineline/shared/runs';
import { duration, out, table } from './style.ts';

/** Steps that one pool does, one after the other. */
const POOLS = STAGE_NAMES.map((stage): readonly Step[] => STAGES[stage].steps);

type Rates = Readonly<Partial<Record<Step, RateOf>>>;

/** Seconds; `undefined` where a step is to be computed whose rate nobody has measured. */
export interface Estimate {
  /** If nothing that is unknown has to be computed. */
  readonly least: number | undefined;
  /** If all of it has. */
  readonly most: number | undefined;
}

/** How long a plan takes: that of the slowest pool, since the pools work side by side. */
export function estimate({ steps }: RunPlan, rates: Rates): Estimate {
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

/** What `--json` prints of a plan. */
export interface PlanReport extends RunPlan {
  readonly schema: 'spineline.plan/1';
  readonly rates: Rates;
  readonly seconds: Estimate;
  readonly notice: string;
}

/** @param prefer the run whose rates say most about this one, if there is one. */
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

export function printPlan(report: PlanReport): void {
  const { steps, rates, studies, seconds, notice } = report;
  console.log(
    table(
      ['step', 'hits', 'to compute', 'unknown until upstream', 'studies/min', 'measured in'],
      STEP_NAMES.map((step) => {
        const { hit, compute, unknown } = steps[step];
        const rate = rates[step];
        return [
          stepLabel(step),
          String(hit),
          String(compute),
          String(unknown),
          rate ? (60 * rate.perSecond).toFixed(1) : '-',
          rate ? `${rate.run}, ${counted(rate.studies, 'study', 'studies')}` : '',
        ];
      }),
    ),
  );
  console.log(`\n${counted(studies, 'study', 'studies')}, ${timeOf(report)}`);
  if (seconds.most !== 0 && (seconds.least !== undefined || seconds.most !== undefined)) {
    console.log(out.faint('at the measured rates: the pools of that time, side by side; the slowest one counts'));
  }
  if (notice) console.log(`\n${out.warn(notice)}`);
}

function timeOf({ seconds: { least, most }, steps }: PlanReport): string {
  const work = STEP_NAMES.some((step) => steps[step].compute + steps[step].unknown > 0);
  if (!work) return out.good('nothing to compute');
  if (least === undefined && most === undefined) {
    return 'time not known: no run in the store has computed these steps';
  }
  if (most === undefined) return `${duration(least!)} and more: nobody has measured all of these steps`;
  if (least === most) return `about ${duration(most)}`;
  return `between ${duration(least ?? 0)} and ${duration(most)}, by what the upstream steps come to`;
}

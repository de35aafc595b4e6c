/** A plan as text: one line per step, and an estimate of the time from measured rates. */

import { counted, STEP_NAMES, stepLabel } from '@spineline/shared/domain';
import type { PlanReport } from '@spineline/shared/lineage';
import { duration, out, table } from './style.ts';

export function printPlan(report: PlanReport): void {
  const { steps, rates, studies, seconds, notice } = report;
  console.log(
    table(
      ['step', 'hits', 'to compute', 'not known yet', 'studies/min', 'measured in'],
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
    console.log(out.faint('at the measured rates, with the pools of that time; the slowest pool decides'));
  }
  if (notice) console.log(`\n${out.warn(notice)}`);
}

function timeOf({ seconds: { least, most }, steps }: PlanReport): string {
  const work = STEP_NAMES.some((step) => steps[step].compute + steps[step].unknown > 0);
  if (!work) return out.good('nothing to compute');
  if (least === undefined && most === undefined) {
    return 'time unknown: no run in the store has computed these steps';
  }
  if (most === undefined) return `at least ${duration(least!)}: some of these steps were never measured`;
  if (least === most) return `about ${duration(most)}`;
  return `between ${duration(least ?? 0)} and ${duration(most)}, depending on what the upstream steps produce`;
}

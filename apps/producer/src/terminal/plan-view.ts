/** A plan as people read it: one line per step, and how long it takes at rates that were measured. */

import { counted, STEP_NAMES, stepLabel } from '@spineline/shared/domain';
import type { PlanReport } from '@spineline/shared/lineage';
import { duration, out, table } from './style.ts';

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

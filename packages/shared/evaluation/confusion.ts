/** Confusion tables: counts of labelled against most probable severity. */

import { type Condition, SEVERITIES } from '../domain/index.ts';
import { byCondition, type LabelledRow, topClass } from './labelled-rows.ts';

/** [labelled][predicted], both in the order of `SEVERITIES`. */
export type Confusion = readonly (readonly number[])[];

/** The confusion table of each condition; predicted is the most probable class. */
export function confusion(rows: readonly LabelledRow[]): Record<Condition, Confusion> {
  return byCondition(rows, (ofCondition) => {
    const counts = SEVERITIES.map(() => SEVERITIES.map(() => 0));
    for (const { label, probabilities } of ofCondition) counts[label]![topClass(probabilities)]! += 1;
    return counts;
  });
}

/** Predictions with their labels, one row per labelled target, for calibration and confusion tables. */

import { CONDITIONS, type Condition, SEVERITIES, type Target } from '../domain/index.ts';
import type { Labels } from './labels.ts';
import type { Probabilities, SubmissionRow } from './submission.ts';

export interface LabelledRow {
  readonly study: string;
  readonly target: Target;
  /** Index of the label in `SEVERITIES`. */
  readonly label: number;
  readonly probabilities: Probabilities;
}

/** A row for each target that has both a label and a prediction, in the order of the predictions. */
export function labelledRows(labels: Labels, predictions: Iterable<SubmissionRow>): LabelledRow[] {
  const rows: LabelledRow[] = [];
  for (const { study, target, probabilities } of predictions) {
    const severity = labels.get(study)?.get(target.name);
    if (severity !== undefined) rows.push({ study, target, label: SEVERITIES.indexOf(severity), probabilities });
  }
  return rows;
}

/** The most probable class. If several are equally probable, the first. */
export function topClass(probabilities: Probabilities): number {
  return probabilities.indexOf(Math.max(...probabilities));
}

/** The result of `of` for the rows of each condition. */
export function byCondition<Result>(
  rows: readonly LabelledRow[],
  of: (rows: readonly LabelledRow[]) => Result,
): Record<Condition, Result> {
  return Object.fromEntries(
    CONDITIONS.map((condition) => [condition, of(rows.filter(({ target }) => target.condition === condition))]),
  ) as Record<Condition, Result>;
}

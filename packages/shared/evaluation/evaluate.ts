/** Everything that predictions can be held against labels for, in one value: `spineline evaluate` prints it. */

import { type Condition, ConfigError } from '../domain/index.ts';
import { type Calibration, calibration } from './calibration.ts';
import { type ChallengeMetric, challengeMetric, classShareBaseline, METRIC_PARTS, type MetricPart } from './challenge-metric.ts';
import { type Confusion, confusion } from './confusion.ts';
import type { LabelCoordinate } from './coordinates.ts';
import { labelledRows } from './labelled-rows.ts';
import type { Labels } from './labels.ts';
import { type LocatedStudy, type LocationErrors, locationErrors } from './location-errors.ts';
import type { SubmissionRow } from './submission.ts';

export interface Predicted {
  readonly rows: readonly SubmissionRow[];
  /** Where slices and points were found; undefined for a submission. */
  readonly located: readonly LocatedStudy[] | undefined;
}

/** A baseline below this is 0 but for clipping: all labels are of one class, and there is nothing to be a share of. */
const NO_LOSS = 1e-9;

export type MetricRatio = Readonly<Record<MetricPart | 'score', number | undefined>>;

export interface Evaluation {
  readonly metric: ChallengeMetric;
  /** What somebody gets who always answers with the class shares of these labels, pooled over a task's levels and sides. */
  readonly baseline: ChallengeMetric;
  /** `metric` as a share of `baseline`, below 1 is better; `undefined` where either is missing or the baseline is 0. */
  readonly ratio: MetricRatio;
  readonly calibration: Readonly<Record<Condition, Calibration>>;
  readonly confusion: Readonly<Record<Condition, Confusion>>;
  /** `undefined` without coordinates, or for predictions that do not say where they looked. */
  readonly location: LocationErrors | undefined;
}

/**
 * Evaluates predictions over the studies that have labels too.
 *
 * @throws {ConfigError} if labels and predictions have no study in common.
 * @throws {DatasetError} {RangeError} as `challengeMetric`.
 */
export function evaluate(
  labels: Labels,
  { rows, located }: Predicted,
  coordinates: readonly LabelCoordinate[] | undefined,
): Evaluation {
  const studies = new Set(rows.map(({ study }) => study));
  const scored: Labels = new Map([...labels].filter(([study]) => studies.has(study)));
  if (scored.size === 0) {
    throw new ConfigError('the labels and the predictions have no study in common', {
      found: `${labels.size} labelled and ${studies.size} predicted studies`,
    });
  }
  const metric = challengeMetric(labels, rows);
  const baseline = classShareBaseline(scored, { by: 'task' });
  const labelled = labelledRows(labels, rows);
  return {
    metric,
    baseline,
    ratio: ratioOf(metric, baseline),
    calibration: calibration(labelled),
    confusion: confusion(labelled),
    location: coordinates && located ? locationErrors(coordinates, located) : undefined,
  };
}

function ratioOf(metric: ChallengeMetric, baseline: ChallengeMetric): MetricRatio {
  const ratio = (part: MetricPart | 'score') => {
    const [ours, theirs] = [metric[part], baseline[part]];
    return ours === undefined || theirs === undefined || theirs < NO_LOSS ? undefined : ours / theirs;
  };
  return Object.fromEntries([...METRIC_PARTS, 'score' as const].map((part) => [part, ratio(part)])) as MetricRatio;
}

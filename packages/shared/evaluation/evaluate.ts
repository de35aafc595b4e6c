/**
 * Compares predictions with labels: metric, baseline, calibration, confusion and locations. `spineline evaluate` prints
 * it.
 */

import { type Condition, ConfigError } from '../domain/index.ts';
import { type Calibration, calibration } from './calibration.ts';
import {
  type ChallengeMetric,
  challengeMetric,
  classShareBaseline,
  METRIC_PARTS,
  type MetricPart,
} from './challenge-metric.ts';
import { type Confusion, confusion } from './confusion.ts';
import type { LabelCoordinate } from './coordinates.ts';
import { labelledRows } from './labelled-rows.ts';
import type { Labels } from './labels.ts';
import { type LocatedStudy, type LocationErrors, locationErrors } from './location-errors.ts';
import type { SubmissionRow } from './submission.ts';

export interface Predicted {
  readonly rows: readonly SubmissionRow[];
  /** Slices and points that were found; undefined for a submission. */
  readonly located: readonly LocatedStudy[] | undefined;
}

/** A baseline below this is 0 except for clipping: all labels have the same class, so a ratio means nothing. */
const NO_LOSS = 1e-9;

export type MetricRatio = Readonly<Record<MetricPart | 'score', number | undefined>>;

export interface Evaluation {
  readonly metric: ChallengeMetric;
  /** The metric of always predicting the class shares of these labels, pooled over the levels and sides of a task. */
  readonly baseline: ChallengeMetric;
  /** `metric` divided by `baseline`; below 1 is better. `undefined` if either is missing or the baseline is 0. */
  readonly ratio: MetricRatio;
  readonly calibration: Readonly<Record<Condition, Calibration>>;
  readonly confusion: Readonly<Record<Condition, Confusion>>;
  /** `undefined` without coordinates, or for predictions without locations. */
  readonly location: LocationErrors | undefined;
}

/**
 * Evaluates predictions of the studies that have labels.
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

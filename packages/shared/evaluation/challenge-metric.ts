/**
 * The challenge's metric: the mean of four weighted log losses. Three are over the rows of a condition group; the
 * fourth, `any_severe_spinal`, is over studies.
 *
 * Source: docs/pipeline.md, "Metric": the metric of the RSNA 2024 Lumbar Spine Degenerative Classification challenge,
 * which uses `sklearn.metrics.log_loss`. Smaller is better, 0 is perfect.
 */

import { DatasetError, SEVERITIES, type Severity, TARGETS, type Target, type Task } from '../domain/index.ts';
import type { Labels } from './labels.ts';
import type { Probabilities, SubmissionRow } from './submission.ts';
import {
  addSums,
  binaryRow,
  type LossSums,
  lossSums,
  meanLoss,
  NO_ROWS,
  type WeightedRow,
} from './weighted-log-loss.ts';

/** Sample weights of the metric. */
export const SEVERITY_WEIGHTS: Readonly<Record<Severity, number>> = { normal_mild: 1, moderate: 2, severe: 4 };

export const METRIC_PARTS = ['spinal', 'foraminal', 'subarticular', 'anySevereSpinal'] as const;
export type MetricPart = (typeof METRIC_PARTS)[number];

/** A part is `undefined` if no labelled row of it was predicted. */
export interface ChallengeMetric extends Readonly<Record<MetricPart, number | undefined>> {
  /** The mean of the parts that are not `undefined`. It is the challenge's score only if `complete`. */
  readonly score: number | undefined;
  /** All four parts exist and no prediction was missing. */
  readonly complete: boolean;
  readonly counts: MetricCounts;
}

export interface MetricCounts {
  /** Studies with a label and a prediction. */
  readonly studies: number;
  /** Number of rows of each part; for `anySevereSpinal` number of studies. */
  readonly rows: Readonly<Record<MetricPart, number>>;
  /** Blank labels in those studies. */
  readonly blankLabels: number;
  /** Labelled targets without a prediction in those studies; left out of every part. */
  readonly missingPredictions: number;
  /** Labelled studies without any prediction; left out. */
  readonly studiesNotPredicted: number;
  /** Predicted studies without labels; left out. */
  readonly studiesNotLabelled: number;
}

/**
 * Scores predictions against labels.
 *
 * For `any_severe_spinal` a study has one row: whether any of its labelled spinal rows is severe, the largest predicted
 * probability of severe, and the largest sample weight among these rows.
 *
 * @param allowMissing leave out labelled targets without a prediction instead of throwing.
 * @throws {DatasetError} `PREDICTIONS_MISSING` with their number and the first few.
 * @throws {RangeError} for values that are no probabilities, and for a target predicted twice.
 */
export function challengeMetric(
  labels: Labels,
  predictions: Iterable<SubmissionRow>,
  { allowMissing = false }: { allowMissing?: boolean } = {},
): ChallengeMetric {
  const predicted = byStudy(predictions);
  let sums: PartSums = NO_PARTS;
  const missing: string[] = [];
  let studies = 0;
  let blankLabels = 0;

  for (const [study, severities] of labels) {
    const ofStudy = predicted.get(study);
    if (!ofStudy) continue;
    const losses = studyLosses(severities, ofStudy);
    studies += 1;
    sums = addParts(sums, losses.sums);
    blankLabels += losses.blankLabels;
    missing.push(...losses.missing.map((name) => `${study} ${name}`));
  }
  if (missing.length > 0 && !allowMissing) throw missingPredictions(missing);

  return metricOfSums(sums, {
    studies,
    blankLabels,
    missingPredictions: missing.length,
    studiesNotPredicted: labels.size - studies,
    studiesNotLabelled: predicted.size - studies,
  });
}

/** The sums of some rows for each part of the metric. */
export type PartSums = Readonly<Record<MetricPart, LossSums>>;

export const NO_PARTS: PartSums = {
  spinal: NO_ROWS,
  foraminal: NO_ROWS,
  subarticular: NO_ROWS,
  anySevereSpinal: NO_ROWS,
};

export function addParts(one: PartSums, other: PartSums): PartSums {
  return {
    spinal: addSums(one.spinal, other.spinal),
    foraminal: addSums(one.foraminal, other.foraminal),
    subarticular: addSums(one.subarticular, other.subarticular),
    anySevereSpinal: addSums(one.anySevereSpinal, other.anySevereSpinal),
  };
}

/** The contribution of one study to the metric. */
export interface StudyLosses {
  readonly sums: PartSums;
  /** Targets without a label. */
  readonly blankLabels: number;
  /** Names of labelled targets without a prediction. */
  readonly missing: readonly string[];
}

/**
 * The losses of one study. Each part of the metric is the sum of these losses over all studies, divided by the sum of
 * their weights.
 *
 * @param severities labels by target name.
 * @param predicted predictions by target name.
 */
export function studyLosses(
  severities: ReadonlyMap<string, Severity | undefined>,
  predicted: ReadonlyMap<string, Probabilities>,
): StudyLosses {
  const rows: Record<Task, WeightedRow[]> = { scs: [], nfn: [], ss: [] };
  const missing: string[] = [];
  let blankLabels = 0;
  for (const { name, task } of TARGETS) {
    const severity = severities.get(name);
    const probabilities = predicted.get(name);
    if (severity === undefined) blankLabels += 1;
    else if (probabilities === undefined) missing.push(name);
    else rows[task].push({ label: SEVERITIES.indexOf(severity), probabilities, weight: SEVERITY_WEIGHTS[severity] });
  }
  const sums: PartSums = {
    spinal: lossSums(rows.scs),
    foraminal: lossSums(rows.nfn),
    subarticular: lossSums(rows.ss),
    anySevereSpinal: rows.scs.length === 0 ? NO_ROWS : lossSums([anySevereOf(rows.scs)]),
  };
  return { sums, blankLabels, missing };
}

/** The metric from the sums of some studies. */
export function metricOfSums(sums: PartSums, counts: Omit<MetricCounts, 'rows'>): ChallengeMetric {
  const [parts, rows] = [{}, {}] as [Record<MetricPart, number | undefined>, Record<MetricPart, number>];
  for (const part of METRIC_PARTS) {
    parts[part] = meanLoss(sums[part]);
    rows[part] = sums[part].rows;
  }
  const there = METRIC_PARTS.map((part) => parts[part]).filter((part) => part !== undefined);
  return {
    ...parts,
    score: there.length === 0 ? undefined : there.reduce((sum, part) => sum + part, 0) / there.length,
    complete: there.length === METRIC_PARTS.length && counts.missingPredictions === 0,
    counts: { ...counts, rows },
  };
}

/** Options of `classShareBaseline`. */
export interface BaselineOptions {
  /** Shares per target, like the class shares of a bundle, or pooled per task; default `target`. */
  readonly by?: 'target' | 'task';
  /** Weight each label by its sample weight. That gives the constants with the lowest loss; default: plain shares. */
  readonly weighted?: boolean;
}

/**
 * The baseline: the metric of always predicting the class shares of these labels. It is optimistic, since it uses the
 * shares of the very set it is scored on. The effect is larger on few studies, and smaller if shares are pooled by
 * task.
 */
export function classShareBaseline(
  labels: Labels,
  { by = 'target', weighted = false }: BaselineOptions = {},
): ChallengeMetric {
  const group = (target: Target) => (by === 'target' ? target.name : target.task);
  const counts = new Map<string, [number, number, number]>();
  for (const severities of labels.values()) {
    for (const target of TARGETS) {
      const severity = severities.get(target.name);
      if (severity === undefined) continue;
      const ofGroup = counts.get(group(target)) ?? [0, 0, 0];
      counts.set(group(target), ofGroup);
      ofGroup[SEVERITIES.indexOf(severity)]! += weighted ? SEVERITY_WEIGHTS[severity] : 1;
    }
  }
  const rows: SubmissionRow[] = [];
  for (const study of labels.keys()) {
    for (const target of TARGETS) {
      const [a, b, c] = counts.get(group(target)) ?? [1, 1, 1];
      rows.push({ study, target, probabilities: [a / (a + b + c), b / (a + b + c), c / (a + b + c)] });
    }
  }
  return challengeMetric(labels, rows);
}

function byStudy(predictions: Iterable<SubmissionRow>): Map<string, Map<string, Probabilities>> {
  const studies = new Map<string, Map<string, Probabilities>>();
  for (const { study, target, probabilities } of predictions) {
    assertProbabilities(study, target.name, probabilities);
    const ofStudy = studies.get(study) ?? new Map<string, Probabilities>();
    studies.set(study, ofStudy);
    if (ofStudy.has(target.name)) throw new RangeError(`study ${study}: ${target.name} is predicted twice`);
    ofStudy.set(target.name, probabilities);
  }
  return studies;
}

/** @throws {RangeError} for values that are no probabilities. */
export function assertProbabilities(study: string, name: string, probabilities: Probabilities): void {
  if (!probabilities.every((value) => Number.isFinite(value) && value >= 0)) {
    throw new RangeError(`study ${study}: ${name} has a prediction that is no probability`);
  }
}

function anySevereOf(spinal: readonly WeightedRow[]): WeightedRow {
  const severe = SEVERITIES.indexOf('severe');
  return binaryRow({
    positive: spinal.some(({ label }) => label === severe),
    probability: Math.max(...spinal.map(({ probabilities }) => probabilities[severe]!)),
    weight: Math.max(...spinal.map(({ weight }) => weight)),
  });
}

function missingPredictions(missing: readonly string[]): DatasetError {
  const first = missing.slice(0, 5).join(', ');
  return new DatasetError(
    'PREDICTIONS_MISSING',
    `no prediction for ${missing.length} labelled targets of predicted studies: ${first}${missing.length > 5 ? ', ...' : ''}`,
    { hint: 'complete the predictions: every predicted study needs all its labelled targets' },
  );
}

/**
 * The challenge's metric: the mean of four weighted log losses. Three are over the rows of a condition group; the
 * fourth, `any_severe_spinal`, is over studies.
 *
 * Source: the RSNA 2024 Lumbar Spine Degenerative Classification challenge's metric, which is made of
 * `sklearn.metrics.log_loss`; smaller is better, 0 is perfect.
 */

import { DatasetError, SEVERITIES, type Severity, TARGETS, type Target, type Task } from '../domain/index.ts';
import type { Labels } from './labels.ts';
import type { Probabilities, SubmissionRow } from './submission.ts';
import { addSums, binaryRow, type LossSums, lossSums, meanLoss, NO_ROWS, type WeightedRow } from './weighted-log-loss.ts';

/** Sample weights of the metric. */
export const SEVERITY_WEIGHTS: Readonly<Record<Severity, number>> = { normal_mild: 1, moderate: 2, severe: 4 };

export const METRIC_PARTS = ['spinal', 'foraminal', 'subarticular', 'anySevereSpinal'] as const;
export type MetricPart = (typeof METRIC_PARTS)[number];

/** A part is `undefined` if no labelled row of it was predicted. */
export interface ChallengeMetric extends Readonly<Record<MetricPart, number | undefined>> {
  /** The mean of the parts that are there; the challenge's score only if `complete`. */
  readonly score: number | undefined;
  /** All four parts are there and no prediction was missing. */
  readonly complete: boolean;
  readonly counts: MetricCounts;
}

export interface MetricCounts {
  /** Studies with a label and a prediction. */
  readonly studies: number;
  /** What each part is taken over: rows, for `anySevereSpinal` studies. */
  readonly rows: Readonly<Record<MetricPart, number>>;
  /** Blank labels of those studies. */
  readonly blankLabels: number;
  /** Labelled targets of those studies without a prediction; left out of every part. */
  readonly missingPredictions: number;
  /** Labelled studies without any prediction; left out. */
  readonly studiesNotPredicted: number;
  /** Predicted studies without labels; left out. */
  readonly studiesNotLabelled: number;
}

/**
 * Scores predictions against labels.
 *
 * `any_severe_spinal` takes, over a study's labelled spinal rows, the maximum each of: the label being severe, the
 * predicted probability of severe, the sample weight.
 *
 * @param allowMissing leave out labelled targets that a predicted study lacks a prediction for, instead of throwing.
 * @throws {DatasetError} `PREDICTIONS_MISSING` naming how many and the first few.
 * @throws {RangeError} for numbers that are no probabilities, and a target predicted twice.
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

/** What rows, of a study or of many, add to each part of the metric. */
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

/** What one study adds to the metric. */
export interface StudyLosses {
  readonly sums: PartSums;
  /** Targets without a label. */
  readonly blankLabels: number;
  /** Names of labelled targets without a prediction. */
  readonly missing: readonly string[];
}

/**
 * The losses of one study, of which the metric is made: each part is the sum of its studies' losses over the sum of
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

/** The metric that the sums of some studies make. */
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

/** What `classShareBaseline` predicts from. */
export interface BaselineOptions {
  /** Shares of each of the 25 targets, as a bundle's class shares are, or pooled over each task; default `target`. */
  readonly by?: 'target' | 'task';
  /** Count each label by its sample weight: the constants that the metric itself likes best; default plain shares. */
  readonly weighted?: boolean;
}

/**
 * The metric of somebody who looks at no image and always answers with the class shares of these very labels. It knows
 * the shares of the set it is scored on, so on few studies it is flattered, less so pooled by task.
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

/** @throws {RangeError} for numbers that are no probabilities. */
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
    { hint: 'complete the predictions, or allow missing ones, which leaves these targets out' },
  );
}

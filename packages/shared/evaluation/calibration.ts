/**
 * Calibration: are predictions with a confidence of 80 % right in 80 % of cases?
 *
 * The expected calibration error of Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017): rows are put
 * into 15 bins of equal width by the confidence in their most probable class, bin m holding ((m - 1) / 15, m / 15]; the
 * error is the mean over rows of |accuracy - mean confidence| of their bin.
 */

import { type Condition, SEVERITIES } from '../domain/index.ts';
import { SEVERITY_WEIGHTS } from './challenge-metric.ts';
import { byCondition, type LabelledRow, topClass } from './labelled-rows.ts';

export const CALIBRATION_BINS = 15;

export interface CalibrationError {
  /** Expected calibration error, 0 to 1. */
  readonly error: number;
  /** Share of rows whose most probable class is the labelled one. */
  readonly accuracy: number;
  /** Mean probability of the most probable class. Above `accuracy` means overconfident. */
  readonly confidence: number;
}

export interface Calibration {
  readonly rows: number;
  /** Every row counts once. `undefined` without rows. */
  readonly plain: CalibrationError | undefined;
  /**
   * Every row counts with the metric's sample weight of its label, 1, 2 or 4. A model trained on the weighted loss
   * predicts the probabilities of such a weighted population, so it should be calibrated by this figure and not by
   * `plain`.
   */
  readonly weighted: CalibrationError | undefined;
}

/** The calibration of each condition over the targets that have a label and a prediction. */
export function calibration(rows: readonly LabelledRow[]): Record<Condition, Calibration> {
  return byCondition(rows, (ofCondition) => ({
    rows: ofCondition.length,
    plain: calibrationError(ofCondition),
    weighted: calibrationError(ofCondition, ({ label }) => SEVERITY_WEIGHTS[SEVERITIES[label]!]),
  }));
}

/** @param weightOf the weight of a row, > 0. @returns `undefined` without rows. */
export function calibrationError(
  rows: readonly LabelledRow[],
  weightOf: (row: LabelledRow) => number = () => 1,
): CalibrationError | undefined {
  if (rows.length === 0) return undefined;
  const bins = Array.from({ length: CALIBRATION_BINS }, () => ({ weight: 0, right: 0, confidence: 0 }));
  for (const row of rows) {
    const top = topClass(row.probabilities);
    const confidence = row.probabilities[top]!;
    const weight = weightOf(row);
    const bin = bins[Math.min(CALIBRATION_BINS, Math.max(1, Math.ceil(confidence * CALIBRATION_BINS))) - 1]!;
    bin.weight += weight;
    bin.confidence += weight * confidence;
    if (top === row.label) bin.right += weight;
  }
  const sum = (of: (bin: (typeof bins)[number]) => number) => bins.reduce((total, bin) => total + of(bin), 0);
  const weights = sum(({ weight }) => weight);
  return {
    error: sum(({ right, confidence }) => Math.abs(right - confidence)) / weights,
    accuracy: sum(({ right }) => right) / weights,
    confidence: sum(({ confidence }) => confidence) / weights,
  };
}

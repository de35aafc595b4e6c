/**
 * The weighted log loss as `sklearn.metrics.log_loss` computes it in float64: probabilities are clipped to
 * [eps, 1 - eps], scaled to sum to 1, and the loss is the weighted mean of -log of the labelled class's.
 *
 * Source: scikit-learn 1.2 and 1.3, `metrics/_classification.py`, with `eps="auto"`; later versions leave the scaling
 * to the caller, which is the same for rows that sum to 1. Natural logarithm.
 */

export interface WeightedRow {
  /** Index of the true class. */
  readonly label: number;
  /** [classes], each in [0, 1]. */
  readonly probabilities: readonly number[];
  /** Sample weight, > 0. */
  readonly weight: number;
}

/** `numpy.finfo(numpy.float64).eps`: a probability of 0 for what is true costs 36.04. */
const EPS = Number.EPSILON;

/** The weighted mean loss, `undefined` without rows. One class among the labels is enough. */
export function logLoss(rows: readonly WeightedRow[]): number | undefined {
  if (rows.length === 0) return undefined;
  let loss = 0;
  let weights = 0;
  for (const { label, probabilities, weight } of rows) {
    const clipped = probabilities.map((value) => Math.min(Math.max(value, EPS), 1 - EPS));
    const sum = clipped.reduce((total, value) => total + value, 0);
    loss -= weight * Math.log(clipped[label]! / sum);
    weights += weight;
  }
  return loss / weights;
}

/**
 * The same for two classes, given the probability of the positive one. Where all labels are of one class, scikit-learn
 * refuses to guess the other; there are always two here.
 */
export function binaryLogLoss(
  rows: readonly { positive: boolean; probability: number; weight: number }[],
): number | undefined {
  return logLoss(
    rows.map(({ positive, probability, weight }) => ({
      label: positive ? 1 : 0,
      probabilities: [1 - probability, probability],
      weight,
    })),
  );
}

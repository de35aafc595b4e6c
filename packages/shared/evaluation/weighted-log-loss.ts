/**
 * The weighted log loss as `sklearn.metrics.log_loss` computes it in float64: probabilities are clipped to [eps, 1 -
 * eps] and scaled to sum to 1; the loss is the weighted mean of -log of the labelled class's probability.
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

/** `numpy.finfo(numpy.float64).eps`: a probability of 0 for the true class has a loss of 36.04. */
const EPS = Number.EPSILON;

/** The sums of some rows for a loss. Sums of several sets of rows can be added. */
export interface LossSums {
  /** Sum of weight x -log of the labelled class's probability. */
  readonly loss: number;
  /** Sum of the weights. */
  readonly weight: number;
  readonly rows: number;
}

export const NO_ROWS: LossSums = { loss: 0, weight: 0, rows: 0 };

/** The sums of some rows. The labels may all have the same class. */
export function lossSums(rows: readonly WeightedRow[]): LossSums {
  let loss = 0;
  let weights = 0;
  for (const { label, probabilities, weight } of rows) {
    const clipped = probabilities.map((value) => Math.min(Math.max(value, EPS), 1 - EPS));
    const sum = clipped.reduce((total, value) => total + value, 0);
    loss -= weight * Math.log(clipped[label]! / sum);
    weights += weight;
  }
  return { loss, weight: weights, rows: rows.length };
}

export function addSums(one: LossSums, other: LossSums): LossSums {
  return { loss: one.loss + other.loss, weight: one.weight + other.weight, rows: one.rows + other.rows };
}

/** The weighted mean loss, `undefined` without rows. */
export function meanLoss({ loss, weight, rows }: LossSums): number | undefined {
  return rows === 0 ? undefined : loss / weight;
}

/**
 * A row with two classes from the probability of the positive one. It always has two classes, unlike scikit-learn,
 * which refuses labels of a single class.
 */
export function binaryRow(row: { positive: boolean; probability: number; weight: number }): WeightedRow {
  const { positive, probability, weight } = row;
  return { label: positive ? 1 : 0, probabilities: [1 - probability, probability], weight };
}

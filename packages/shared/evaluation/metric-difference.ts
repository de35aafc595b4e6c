/**
 * The challenge's metric of two runs over the studies that both scored, and the confidence interval of the difference.
 *
 * It keeps sums per study, not rows. Each part of the metric is a ratio of such sums (`studyLosses`), both for a run
 * and for a resample of its studies.
 */

import { ConfigError } from '../domain/index.ts';
import {
  addParts,
  type ChallengeMetric,
  METRIC_PARTS,
  type MetricPart,
  metricOfSums,
  NO_PARTS,
  type PartSums,
  studyLosses,
} from './challenge-metric.ts';
import type { Labels } from './labels.ts';
import {
  type BootstrapOptions,
  type Interval,
  percentileInterval,
  RESAMPLES,
  resampledRatios,
} from './paired-bootstrap.ts';
import type { Probabilities } from './submission.ts';

/** A part of the metric, or the mean of them. */
export type MetricFigure = MetricPart | 'score';

export const METRIC_FIGURES: readonly MetricFigure[] = [...METRIC_PARTS, 'score'];

export interface MetricDifference {
  /** The result of `challengeMetric` for each run over the compared studies. */
  readonly a: ChallengeMetric;
  readonly b: ChallengeMetric;
  /** B - A; below 0 if B is better. `undefined` if the metric is. */
  readonly difference: Readonly<Record<MetricFigure, number | undefined>>;
  /** 95 % interval of the difference; `undefined` if the difference is, and for a single study. */
  readonly interval: Readonly<Record<MetricFigure, Interval | undefined>>;
  readonly resamples: number;
  readonly seed: number;
}

/** Numbers per study and part: the sum of weighted losses in A and in B, the sum of weights, and the number of rows. */
const KEPT = 4;

/**
 * Adds compared studies in any order. The metric is summed in the order of the labels, as in `challengeMetric`, so both
 * are equal to the last bit. Uses 128 bytes per labelled study.
 */
export class MetricDifferenceTally {
  readonly #labels: Labels;
  readonly #places: ReadonlyMap<string, number>;
  /** [labelled studies, parts, KEPT] */
  readonly #sums: Float64Array;
  readonly #compared: Uint8Array;
  #blankLabels = 0;
  #studiesNotLabelled = 0;

  constructor(labels: Labels) {
    this.#labels = labels;
    this.#places = new Map([...labels.keys()].map((study, place) => [study, place]));
    this.#sums = new Float64Array(labels.size * METRIC_PARTS.length * KEPT);
    this.#compared = new Uint8Array(labels.size);
  }

  /** @param a severities of all 25 targets by name in run A. @param b the same in run B. */
  add(study: string, a: ReadonlyMap<string, Probabilities>, b: ReadonlyMap<string, Probabilities>): void {
    const place = this.#places.get(study);
    if (place === undefined) {
      this.#studiesNotLabelled += 1;
      return;
    }
    const severities = this.#labels.get(study)!;
    const [ofA, ofB] = [studyLosses(severities, a), studyLosses(severities, b)];
    this.#compared[place] = 1;
    this.#blankLabels += ofA.blankLabels;
    for (const [i, part] of METRIC_PARTS.entries()) {
      const { loss, weight, rows } = ofA.sums[part];
      this.#sums.set([loss, ofB.sums[part].loss, weight, rows], (place * METRIC_PARTS.length + i) * KEPT);
    }
  }

  /** @throws {ConfigError} if none of the studies has labels. */
  difference({ resamples = RESAMPLES, seed = 1 }: BootstrapOptions = {}): MetricDifference {
    const studies = this.#compared.reduce((sum, one) => sum + one, 0);
    if (studies === 0) {
      throw new ConfigError('the labels and the studies that both runs scored have none in common', {
        found: `${this.#labels.size} labelled and ${this.#studiesNotLabelled} compared studies`,
        hint: 'give the labels of the dataset that the runs scored',
      });
    }
    const counts = {
      studies,
      blankLabels: this.#blankLabels,
      missingPredictions: 0,
      studiesNotPredicted: this.#labels.size - studies,
      studiesNotLabelled: this.#studiesNotLabelled,
    };
    let [sumsA, sumsB]: PartSums[] = [NO_PARTS, NO_PARTS];
    for (const place of this.#comparedPlaces()) {
      sumsA = addParts(sumsA!, this.#partSums(place, 0));
      sumsB = addParts(sumsB!, this.#partSums(place, 1));
    }
    const [a, b] = [metricOfSums(sumsA!, counts), metricOfSums(sumsB!, counts)];
    const difference = figures((figure) =>
      a[figure] === undefined || b[figure] === undefined ? undefined : b[figure] - a[figure],
    );
    const resampled = studies > 1 ? this.#resampled({ resamples, seed }) : undefined;
    const interval = figures((figure) => resampled && percentileInterval(resampled[figure]));
    return { a, b, difference, interval, resamples, seed };
  }

  *#comparedPlaces(): Generator<number> {
    for (const [place, compared] of this.#compared.entries()) if (compared) yield place;
  }

  /** @param run 0 for A, 1 for B. */
  #partSums(place: number, run: 0 | 1): PartSums {
    const sums = METRIC_PARTS.map((part, i) => {
      const at = (place * METRIC_PARTS.length + i) * KEPT;
      return [part, { loss: this.#sums[at + run]!, weight: this.#sums[at + 2]!, rows: this.#sums[at + 3]! }];
    });
    return Object.fromEntries(sums) as PartSums;
  }

  /**
   * The difference of every figure in each resample. A resample that lacks a part has neither that figure nor a score.
   * A part that no study has is left out of all scores.
   */
  #resampled(options: Required<BootstrapOptions>): Record<MetricFigure, Float64Array> {
    const places = [...this.#comparedPlaces()];
    const parts = METRIC_PARTS.length;
    const sums = new Float64Array(places.length * parts * 2);
    for (const [study, place] of places.entries()) {
      for (let i = 0; i < parts; i++) {
        const at = (place * parts + i) * KEPT;
        sums.set([this.#sums[at + 1]! - this.#sums[at]!, this.#sums[at + 2]!], (study * parts + i) * 2);
      }
    }
    const ratios = resampledRatios(sums, parts, options);
    const there = ratios.filter((ofPart) => ofPart.some((value) => !Number.isNaN(value)));
    const score = Float64Array.from(
      { length: options.resamples },
      (_, resample) => there.reduce((sum, ofPart) => sum + ofPart[resample]!, 0) / there.length,
    );
    const byPart = Object.fromEntries(METRIC_PARTS.map((part, i) => [part, ratios[i]!]));
    return { ...byPart, score } as Record<MetricFigure, Float64Array>;
  }
}

function figures<Value>(of: (figure: MetricFigure) => Value): Record<MetricFigure, Value> {
  return Object.fromEntries(METRIC_FIGURES.map((figure) => [figure, of(figure)])) as Record<MetricFigure, Value>;
}

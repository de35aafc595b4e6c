/** The differences between two runs over the studies that both scored. `spineline diff` shows them. */

import { ConfigError, DatasetError, TARGETS } from '../domain/index.ts';
import { assertProbabilities } from './challenge-metric.ts';
import { type GradeChanges, GradeChangeTally } from './grade-changes.ts';
import type { Labels } from './labels.ts';
import { type MetricDifference, MetricDifferenceTally } from './metric-difference.ts';
import type { BootstrapOptions } from './paired-bootstrap.ts';
import { type PlaceChanges, PlaceChangeTally, type PlacedStudy } from './place-changes.ts';
import { studyPairs } from './study-pairs.ts';
import type { Probabilities } from './submission.ts';

/** The part of a study's result that is compared. Results in the store have it. */
export interface ScoredStudy extends PlacedStudy {
  readonly targets: readonly (PlacedStudy['targets'][number] & { readonly severities: Probabilities })[];
}

export interface RunDifference {
  readonly studies: {
    readonly compared: number;
    /** Scored by only one of the runs, and so left out of everything else. */
    readonly onlyA: number;
    readonly onlyB: number;
  };
  readonly grades: GradeChanges;
  readonly places: PlaceChanges;
  /** `undefined` without labels. */
  readonly metric: MetricDifference | undefined;
}

export interface CompareOptions extends BootstrapOptions {
  readonly labels?: Labels | undefined;
  /** Largest number of targets per list; default 20. */
  readonly top?: number;
  /** Called after each study with the number of studies so far, compared or not. */
  readonly onStudies?: (count: number) => void;
}

export const DEFAULT_TOP = 20;

/**
 * Compares two runs as streams. Only the sums per compared study and the targets in the lists are kept in memory.
 *
 * @param a @param b results in natural order of the study ids.
 * @throws {ConfigError} if no study is in both, or none of those has labels.
 * @throws {DatasetError} `TARGETS_MISSING` for a result without all of the 25 targets.
 * @throws {RangeError} for results in another order, and values that are no probabilities.
 */
export async function compareRuns(
  a: AsyncIterable<ScoredStudy>,
  b: AsyncIterable<ScoredStudy>,
  { labels, top = DEFAULT_TOP, onStudies, ...bootstrap }: CompareOptions = {},
): Promise<RunDifference> {
  const grades = new GradeChangeTally(top);
  const places = new PlaceChangeTally(top);
  const metric = labels && new MetricDifferenceTally(labels);
  const studies = { compared: 0, onlyA: 0, onlyB: 0 };
  for await (const [one, other] of studyPairs(a, b)) {
    if (one && other) {
      const [ofA, ofB] = [severitiesOf(one), severitiesOf(other)];
      grades.add(one.study, ofA, ofB);
      places.add(one, other);
      metric?.add(one.study, ofA, ofB);
    }
    studies[one && other ? 'compared' : one ? 'onlyA' : 'onlyB'] += 1;
    onStudies?.(studies.compared + studies.onlyA + studies.onlyB);
  }
  if (studies.compared === 0) {
    throw new ConfigError('the runs have no scored study in common', {
      found: `${studies.onlyA} and ${studies.onlyB} scored studies`,
      hint: 'compare runs of one dataset, or of datasets that share studies',
    });
  }
  return { studies, grades: grades.changes(), places: places.changes(), metric: metric?.difference(bootstrap) };
}

/** Probabilities by target name. @throws {DatasetError} `TARGETS_MISSING`. */
function severitiesOf({ study, targets }: ScoredStudy): Map<string, Probabilities> {
  const severities = new Map<string, Probabilities>();
  for (const { name, severities: probabilities } of targets) {
    assertProbabilities(study, name, probabilities);
    severities.set(name, probabilities);
  }
  const missing = TARGETS.filter(({ name }) => !severities.has(name));
  if (missing.length > 0) {
    throw new DatasetError(
      'TARGETS_MISSING',
      `the result lacks ${missing.length} targets, such as ${missing[0]!.name}`,
      {
        study,
        hint: 'score the study again: a result has 25 targets',
      },
    );
  }
  return severities;
}

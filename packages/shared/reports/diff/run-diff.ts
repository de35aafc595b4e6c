/** The differences between two runs in the store, for text, for an HTML page and for JSON. */

import { conditionLabel, levelLabel, targetOfName, STAGE_NAMES, type Stage } from '../../domain/index.ts';
import {
  compareRuns,
  DEFAULT_TOP,
  type Labels,
  type MetricDifference,
  type RunDifference,
} from '../../evaluation/index.ts';
import type { RunRecord, RunStore } from '../../runs/index.ts';

/** What a comparison shows of one of the two runs. */
export interface DiffSide {
  readonly run: string;
  readonly created: string;
  readonly dataset: string;
  readonly bundles: RunRecord['bundles'];
  readonly notice: string;
  /** Studies of the run, and those of them with a result. */
  readonly studies: number;
  readonly scored: number;
}

/** What `spineline diff --json` prints. Lists are limited in length; counts cover everything. */
export interface RunsDiff extends RunDifference {
  readonly schema: 'spineline.diff/1';
  /** The notices of the bundles of both runs, without repetition. */
  readonly notices: readonly string[];
  readonly a: DiffSide;
  readonly b: DiffSide;
  /** Stages whose bundles have different digests. */
  readonly bundlesDiffer: readonly Stage[];
  readonly datasetsDiffer: boolean;
}

export interface DiffOptions {
  readonly labels?: Labels | undefined;
  /** Largest number of targets in each list. Default 20. */
  readonly top?: number;
  /** Called with the number of studies compared so far and the number of studies in both runs together. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Compares two runs of one store. Reads them as streams, so neither is in memory as a whole.
 *
 * @throws {ConfigError} if there is no such run, and as `compareRuns` does.
 */
export async function diffRuns(
  runs: RunStore,
  nameA: string,
  nameB: string,
  { labels, top = DEFAULT_TOP, onProgress }: DiffOptions = {},
): Promise<RunsDiff> {
  const [a, b] = [await runs.readRun(nameA), await runs.readRun(nameB)];
  const total = onProgress ? await scoredByEither(runs, nameA, nameB) : 0;
  const difference = await compareRuns(runs.results(nameA), runs.results(nameB), {
    labels,
    top,
    ...(onProgress && { onStudies: (done: number) => onProgress(done, total) }),
  });
  const { compared, onlyA, onlyB } = difference.studies;
  return {
    schema: 'spineline.diff/1',
    notices: [...new Set([a.notice, b.notice])].filter((notice) => notice !== ''),
    a: sideOf(a, compared + onlyA),
    b: sideOf(b, compared + onlyB),
    bundlesDiffer: STAGE_NAMES.filter((stage) => a.bundles[stage].digest !== b.bundles[stage].digest),
    datasetsDiffer: a.dataset !== b.dataset,
    ...difference,
  };
}

/** The same comparison with shorter lists. */
export function withTop(diff: RunsDiff, top: number): RunsDiff {
  const { grades, places } = diff;
  return {
    ...diff,
    grades: { ...grades, largest: grades.largest.slice(0, top), changed: grades.changed.slice(0, top) },
    places: {
      ...places,
      largestSliceMoves: places.largestSliceMoves.slice(0, top),
      largestPointMoves: places.largestPointMoves.slice(0, top),
    },
  };
}

/** The meaning of the difference of the scores, in one sentence. */
export function verdictOf({ difference, interval, a }: MetricDifference): string {
  if (difference.score === undefined) return 'No part of the metric has labels.';
  const size = Math.abs(difference.score).toFixed(4);
  const better = difference.score < 0 ? `B is better by ${size}` : `A is better by ${size}`;
  if (!interval.score) return `${better}, on a single study: one study gives no interval.`;
  const [low, high] = interval.score;
  if (low === 0 && high === 0) return 'Both runs have the same score on these studies and on all resamples of them.';
  if (low <= 0 && high >= 0) {
    return `${better}, but the interval contains 0: ${a.counts.studies} studies do not show which run is better.`;
  }
  return `${better}, and the interval does not contain 0: the choice of studies does not explain the difference.`;
}

/** A target's name in words: `Left Subarticular Stenosis L4/L5`. */
export function targetLabel(name: string): string {
  const { condition, level } = targetOfName(name)!;
  return `${conditionLabel(condition)} ${levelLabel(level)}`;
}

function sideOf({ run, created, dataset, bundles, notice, studies }: RunRecord, scored: number): DiffSide {
  return { run, created, dataset, bundles, notice, studies, scored };
}

async function scoredByEither(runs: RunStore, a: string, b: string): Promise<number> {
  const [ofA, ofB] = [await runs.finished(a), await runs.finished(b)];
  return ofA.scored.union(ofB.scored).size;
}

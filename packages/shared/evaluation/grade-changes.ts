/**
 * How the severities of two runs differ, target by target: which grade became which, and by how much the probabilities
 * changed. Labels are not used.
 *
 * The move of a target is the largest absolute change of its three probabilities. Since both rows sum to 1, that is
 * their total variation distance: the largest change of the probability of any set of grades.
 */

import { CONDITIONS, type Condition, SEVERITIES, type Severity, TARGETS, type Target } from '../domain/index.ts';
import { topClass } from './labelled-rows.ts';
import { Largest } from './largest.ts';
import type { Probabilities } from './submission.ts';

/** Upper edges of the bins for moves: the first bin holds moves of exactly 0, bin i those in (edge i - 1, edge i]. */
export const MOVE_EDGES = [0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1] as const;

/** [in run A][in run B], both in the order of `SEVERITIES`: number of targets. */
export type Transitions = readonly (readonly number[])[];

/** One target in both runs. */
export interface GradeMove {
  readonly study: string;
  /** `{condition}_{level}` */
  readonly target: string;
  readonly a: Probabilities;
  readonly b: Probabilities;
  /** The grades. If two are equally probable, the milder one. */
  readonly gradeA: Severity;
  readonly gradeB: Severity;
  /** Largest absolute change of a probability, 0 to 1. */
  readonly move: number;
}

export interface ConditionChanges {
  readonly targets: number;
  /** Adds up to `targets`. */
  readonly transitions: Transitions;
  /** Targets whose grade became more severe, and less severe. */
  readonly moreSevere: number;
  readonly lessSevere: number;
  /** `undefined` without targets. */
  readonly meanMove: number | undefined;
  readonly largestMove: number | undefined;
}

export interface GradeChanges {
  readonly targets: number;
  /** Targets with a changed grade, and studies with such a target. */
  readonly changedTargets: number;
  readonly changedStudies: number;
  readonly conditions: Readonly<Record<Condition, ConditionChanges>>;
  /** Targets by the size of their move, in the bins of `MOVE_EDGES`. */
  readonly moves: readonly number[];
  /** The largest moves, largest first. */
  readonly largest: readonly GradeMove[];
  /** The targets with a changed grade and the largest moves, largest first. */
  readonly changed: readonly GradeMove[];
}

/** Counts the changes study by study. */
export class GradeChangeTally {
  readonly #conditions = new Map(CONDITIONS.map((condition) => [condition, emptyCondition()]));
  readonly #moves = MOVE_EDGES.map(() => 0);
  readonly #largest: Largest<GradeMove>;
  readonly #changed: Largest<GradeMove>;
  #changedStudies = 0;

  /** @param top largest number of targets per list. */
  constructor(top: number) {
    this.#largest = new Largest(top, ({ move }) => move);
    this.#changed = new Largest(top, ({ move }) => move);
  }

  /** @param a severities of all 25 targets by name in run A. @param b the same in run B. */
  add(study: string, a: ReadonlyMap<string, Probabilities>, b: ReadonlyMap<string, Probabilities>): void {
    let changed = false;
    for (const target of TARGETS) {
      const move = gradeMove(study, target, a.get(target.name)!, b.get(target.name)!);
      const counts = this.#conditions.get(target.condition)!;
      counts.transitions[SEVERITIES.indexOf(move.gradeA)]![SEVERITIES.indexOf(move.gradeB)]! += 1;
      counts.moved += move.move;
      counts.largestMove = Math.max(counts.largestMove, move.move);
      this.#moves[binOf(move.move)]! += 1;
      this.#largest.add(move);
      if (move.gradeA === move.gradeB) continue;
      changed = true;
      this.#changed.add(move);
    }
    if (changed) this.#changedStudies += 1;
  }

  changes(): GradeChanges {
    const conditions = Object.fromEntries(
      [...this.#conditions].map(([condition, counts]) => [condition, changesOf(counts)]),
    ) as Record<Condition, ConditionChanges>;
    const sum = (of: (changes: ConditionChanges) => number) =>
      CONDITIONS.reduce((total, condition) => total + of(conditions[condition]), 0);
    return {
      targets: sum(({ targets }) => targets),
      changedTargets: sum(({ moreSevere, lessSevere }) => moreSevere + lessSevere),
      changedStudies: this.#changedStudies,
      conditions,
      moves: [...this.#moves],
      largest: this.#largest.items(),
      changed: this.#changed.items(),
    };
  }
}

interface ConditionCounts {
  readonly transitions: number[][];
  /** Sum of the moves. */
  moved: number;
  largestMove: number;
}

function emptyCondition(): ConditionCounts {
  return { transitions: SEVERITIES.map(() => SEVERITIES.map(() => 0)), moved: 0, largestMove: 0 };
}

function gradeMove(study: string, target: Target, a: Probabilities, b: Probabilities): GradeMove {
  const move = Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
  return { study, target: target.name, a, b, gradeA: SEVERITIES[topClass(a)]!, gradeB: SEVERITIES[topClass(b)]!, move };
}

/** Rounding can make a move slightly larger than 1; it goes into the last bin. */
function binOf(move: number): number {
  const bin = MOVE_EDGES.findIndex((edge) => move <= edge);
  return bin < 0 ? MOVE_EDGES.length - 1 : bin;
}

function changesOf({ transitions, moved, largestMove }: ConditionCounts): ConditionChanges {
  const count = (fits: (a: number, b: number) => boolean) =>
    transitions.reduce(
      (total, row, a) => total + row.reduce((sum, targets, b) => sum + (fits(a, b) ? targets : 0), 0),
      0,
    );
  const targets = count(() => true);
  return {
    targets,
    transitions: transitions.map((row) => [...row]),
    moreSevere: count((a, b) => b > a),
    lessSevere: count((a, b) => b < a),
    meanMove: targets === 0 ? undefined : moved / targets,
    largestMove: targets === 0 ? undefined : largestMove,
  };
}

/** What a run came to, in figures: scored, failed, reused, flagged, class shares. */

import { type FlagCode, perStep, STEP_NAMES, type Step } from '../domain/index.ts';
import { ClassShareCounter, type FailureRecord, type RunRecord, type RunStore } from '../runs/index.ts';

/** Failures that a summary has; `spineline failed` prints all. */
const FAILURES_SHOWN = 10;

export interface RunSummary {
  readonly schema: 'spineline.summary/1';
  readonly run: string;
  readonly notice: string;
  readonly studies: number;
  readonly scored: number;
  readonly failed: number;
  readonly missing: number;
  /** Wall time, where this command saw the whole run. */
  readonly seconds: number | undefined;
  /** Studies whose output of a step was computed, and those where it was in the store already. */
  readonly steps: Readonly<Record<Step, { computed: number; reused: number; seconds: number }>>;
  /** Scored studies with at least one flag of a code. */
  readonly flags: Partial<Record<FlagCode, number>>;
  /** Targets that got class shares for want of any view. */
  readonly classShareTargets: number;
  /** Scored studies with at least one such target. */
  readonly classShareStudies: number;
  readonly failures: readonly FailureRecord[];
  /** A study of the run that can be shown: a scored one, or else one that failed. */
  readonly example: string | undefined;
}

export async function summarise(
  runs: RunStore,
  run: RunRecord,
  state: Pick<RunSummary, 'scored' | 'failed' | 'missing'>,
  seconds?: number,
): Promise<RunSummary> {
  const steps = perStep(() => ({ computed: 0, reused: 0, seconds: 0 }));
  const flags: Partial<Record<FlagCode, number>> = {};
  const classShares = new ClassShareCounter();
  let example: string | undefined;
  for await (const result of runs.results(run.run)) {
    for (const step of STEP_NAMES) {
      steps[step][result.steps[step].reused ? 'reused' : 'computed'] += 1;
      steps[step].seconds += result.steps[step].seconds;
    }
    for (const code of new Set(result.flags.map((flag) => flag.code))) flags[code] = (flags[code] ?? 0) + 1;
    classShares.add(result);
    example ??= result.study;
  }
  const failures: FailureRecord[] = [];
  for await (const failure of runs.failures(run.run)) {
    if (failures.push(failure) >= FAILURES_SHOWN) break;
  }
  const { scored, failed, missing } = state;
  return {
    schema: 'spineline.summary/1',
    run: run.run,
    notice: run.notice,
    studies: run.studies,
    scored,
    failed,
    missing,
    seconds,
    steps,
    flags,
    classShareTargets: classShares.targets,
    classShareStudies: classShares.studies,
    failures,
    example: example ?? failures[0]?.study,
  };
}

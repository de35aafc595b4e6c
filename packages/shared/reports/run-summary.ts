/** The outcome of a run in figures: scored, failed, reused, flagged, class shares. */

import { type FlagCode, perStep, STEP_NAMES, type Step } from '../domain/index.ts';
import { ClassShareCounter, type FailureRecord, type RunRecord, type RunStore } from '../runs/index.ts';

/** Failures in a summary. `spineline failed` prints all. */
const FAILURES_SHOWN = 10;

export interface RunSummary {
  readonly schema: 'spineline.summary/1';
  readonly run: string;
  readonly notice: string;
  readonly studies: number;
  readonly scored: number;
  readonly failed: number;
  readonly missing: number;
  /** Wall-clock time of the run, if this command saw all of it. */
  readonly seconds: number | undefined;
  /** For each step: studies whose output was computed, studies whose output was reused, and worker time in seconds. */
  readonly steps: Readonly<Record<Step, { computed: number; reused: number; seconds: number }>>;
  /** Scored studies with at least one flag of the code. */
  readonly flags: Partial<Record<FlagCode, number>>;
  /** Targets that got class shares because no view of them exists. */
  readonly classShareTargets: number;
  /** Scored studies with at least one such target. */
  readonly classShareStudies: number;
  readonly failures: readonly FailureRecord[];
  /** A study of the run for `spineline show`: a scored one, else a failed one. */
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

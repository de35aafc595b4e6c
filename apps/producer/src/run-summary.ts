/**
 * What a run came to, in figures: scored, failed, reused, flagged, class shares. For people as text, for programs as JSON.
 */

import { FLAG_MEANINGS, type FlagCode, STEP_NAMES, type Step, perStep, stepLabel, counted } from '@spineline/shared/domain';
import { type FailureRecord, type RunRecord, type RunStore } from '@spineline/shared/runs';
import { ClassShareCounter, classSharesText } from '@spineline/shared/runs';
import { messageLines } from './terminal/failure-text.ts';
import { storeOption } from '@spineline/shared/config';
import { duration, out, table } from './terminal/style.ts';

/** Failures that a summary prints; `spineline failed` prints all. */
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

/** Where a run on this machine left its files, and the store that only it was told of. */
export interface LeftBehind {
  readonly folder: string;
  readonly store: string;
}

/** @param left of a run on this machine. */
export function printSummary(summary: RunSummary, left?: LeftBehind): void {
  const { scored, failed, missing, studies, seconds, steps } = summary;
  console.log();
  const parts = [
    out.good(`${scored} scored`),
    failed > 0 ? out.bad(`${failed} failed`) : '0 failed',
    ...(missing > 0 ? [out.bad(`${missing} neither scored nor failed`)] : []),
  ];
  const pace = seconds
    ? out.faint(`  in ${duration(seconds)}, ${((scored / seconds) * 60).toFixed(1)} studies/min`)
    : '';
  console.log(`${out.strong(counted(studies, 'study', 'studies'))}: ${parts.join(', ')}${pace}`);
  const computed = STEP_NAMES.reduce((sum, step) => sum + steps[step].computed, 0);
  if (scored > 0 && computed === 0) {
    console.log(out.good('nothing had to be computed: every stage output was in the store already'));
  }
  console.log();
  console.log(
    table(
      ['step', 'computed', 'reused', 'seconds a study'],
      STEP_NAMES.map((step) => {
        const { computed: made, reused, seconds: spent } = steps[step];
        return [stepLabel(step), String(made), String(reused), (spent / Math.max(1, made + reused)).toFixed(2)];
      }),
    ),
  );
  const flagged = Object.entries(summary.flags) as [FlagCode, number][];
  if (flagged.length > 0) {
    console.log(`\n${out.strong('Flags')} (studies that have one; which and why is in the results)`);
    const rows = flagged
      .sort(([, a], [, b]) => b - a)
      .map(([code, count]) => [String(count), code, FLAG_MEANINGS[code]]);
    console.log(table(['studies', 'flag', 'meaning'], rows));
  }
  const shares = classSharesText({ targets: summary.classShareTargets, studies: summary.classShareStudies }, scored);
  if (shares) {
    console.log(`\n${out.warn('Class shares')}: ${shares}, had no view and have the training set’s class shares`);
  }
  if (summary.failures.length > 0) {
    console.log(`\n${out.bad('Failed')}`);
    for (const failure of summary.failures) {
      const [first, ...more] = messageLines(failure);
      console.log(`  ${failure.study}  ${failure.code}  ${first}`);
      for (const line of more) console.log(`      ${line}`);
    }
    if (failed > summary.failures.length) {
      const where = left ? 'results.json has them all' : `spineline failed ${summary.run}`;
      console.log(`  and ${failed - summary.failures.length} more: ${where}`);
    }
  }
  if (left) printLeftBehind(summary, left);
  if (summary.notice) console.log(`\n${out.warn(summary.notice)}`);
}

/** Files, and whole lines to copy: nobody else knows the name of this run and where its store is. */
function printLeftBehind({ run, scored, failed, example }: RunSummary, { folder, store }: LeftBehind): void {
  const rows = scored > 0 ? '25 rows per scored study, the challenge’s format' : 'no rows: no study was scored';
  console.log(`\n${out.strong('Files')}`);
  console.log(`  ${folder}/submission.csv   ${out.faint(rows)}`);
  console.log(`  ${folder}/results.json     ${out.faint('slices, points, flags and stage keys')}`);
  console.log(`\n${out.strong('More of this run')}`);
  const named = storeOption(store);
  if (failed > 0) console.log(`  npx spineline failed ${run}${named}`);
  if (example !== undefined) console.log(`  npx spineline show ${run} ${example}${named}`);
}

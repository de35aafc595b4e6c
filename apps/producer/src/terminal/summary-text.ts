/** The summary of a run as text. */

import { storeOption } from '@spineline/shared/config';
import { counted, FLAG_MEANINGS, type FlagCode, STEP_NAMES, stepLabel } from '@spineline/shared/domain';
import type { RunSummary } from '@spineline/shared/reports';
import { classSharesText } from '@spineline/shared/runs';
import { messageLines } from './failure-text.ts';
import { duration, out, table } from './style.ts';

/** The files and the store of a run on this machine. */
export interface LeftBehind {
  readonly folder: string;
  readonly store: string;
}

/** @param left only for a run on this machine. */
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
    console.log(out.good('nothing had to be computed: all stage outputs were already in the store'));
  }
  console.log();
  console.log(
    table(
      ['step', 'computed', 'reused', 'seconds per study'],
      STEP_NAMES.map((step) => {
        const { computed: made, reused, seconds: spent } = steps[step];
        return [stepLabel(step), String(made), String(reused), (spent / Math.max(1, made + reused)).toFixed(2)];
      }),
    ),
  );
  const flagged = Object.entries(summary.flags) as [FlagCode, number][];
  if (flagged.length > 0) {
    console.log(`\n${out.strong('Flags')} (number of studies; the results say which studies and why)`);
    const rows = flagged
      .sort(([, a], [, b]) => b - a)
      .map(([code, count]) => [String(count), code, FLAG_MEANINGS[code]]);
    console.log(table(['studies', 'flag', 'meaning'], rows));
  }
  const shares = classSharesText({ targets: summary.classShareTargets, studies: summary.classShareStudies }, scored);
  if (shares) {
    console.log(`\n${out.warn('Class shares')}: ${shares}, had no view and got the class shares of the training set`);
  }
  if (summary.failures.length > 0) {
    console.log(`\n${out.bad('Failed')}`);
    for (const failure of summary.failures) {
      const [first, ...more] = messageLines(failure);
      console.log(`  ${failure.study}  ${failure.code}  ${first}`);
      for (const line of more) console.log(`      ${line}`);
    }
    if (failed > summary.failures.length) {
      const where = left ? 'see results.json' : `spineline failed ${summary.run}`;
      console.log(`  and ${failed - summary.failures.length} more: ${where}`);
    }
  }
  if (left) printLeftBehind(summary, left);
  if (summary.notice) console.log(`\n${out.warn(summary.notice)}`);
}

/** Prints the files of the run, and commands to copy with the name of the run and its store. */
function printLeftBehind({ run, scored, failed, example }: RunSummary, { folder, store }: LeftBehind): void {
  const rows = scored > 0 ? '25 rows per scored study, format of the challenge' : 'no rows: no study was scored';
  console.log(`\n${out.strong('Files')}`);
  console.log(`  ${folder}/submission.csv   ${out.faint(rows)}`);
  console.log(`  ${folder}/results.json     ${out.faint('slices, points, flags and stage keys')}`);
  console.log(`\n${out.strong('More about this run')}`);
  const named = storeOption(store);
  if (failed > 0) console.log(`  npx spineline failed ${run}${named}`);
  if (example !== undefined) console.log(`  npx spineline show ${run} ${example}${named}`);
}

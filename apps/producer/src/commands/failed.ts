/** `spineline failed`: lists the failed studies of a run, and why they failed. */

import type { Command } from 'commander';
import { withStore } from '../connections.ts';
import { EXIT, EXIT_HELP } from '../exit-codes.ts';
import { messageLines } from '../terminal/failure-text.ts';
import { out } from '../terminal/style.ts';

export function addFailed(program: Command): void {
  program
    .command('failed')
    .description('list the failed studies of a run: study, series, file, reason')
    .argument('<run>', 'name of the run')
    .option('--json', 'print one JSON object per line')
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .addHelpText('after', EXIT_HELP)
    .action(async (name: string, { json, store }: { json?: boolean; store?: string }) => {
      await withStore(async ({ runs }) => {
        await runs.readRun(name);
        const codes = new Map<string, number>();
        for await (const failure of runs.failures(name)) {
          codes.set(failure.code, (codes.get(failure.code) ?? 0) + 1);
          if (json) console.log(JSON.stringify(failure));
          else {
            const { study, stage, code, kind, attempts } = failure;
            console.log(
              `${out.strong(study)}  ${out.bad(code)}  ${out.faint(`${stage}, ${kind}, attempts: ${attempts}`)}`,
            );
            for (const line of messageLines(failure)) console.log(`  ${line}`);
          }
        }
        if (!json) console.log(codes.size === 0 ? 'no study failed' : out.faint(totalsOf(codes)));
        process.exitCode = codes.size > 0 ? EXIT.someFailed : EXIT.ok;
      }, store);
    });
}

/** `3 failed: 2 STUDY_TOO_FEW_VIEWS, 1 STUDY_UNREADABLE`. */
function totalsOf(codes: ReadonlyMap<string, number>): string {
  const sorted = [...codes].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  return `${total} failed: ${sorted.map(([code, count]) => `${count} ${code}`).join(', ')}`;
}

/** `spineline results`: the results of a run as a file. */

import { type Command, Option } from 'commander';
import { withStore } from '../connections.ts';
import { EXIT, EXIT_HELP } from '../exit-codes.ts';
import { writeResultsFile, writeSubmissionFile } from '../output-files.ts';
import { counted, err } from '../terminal/style.ts';

interface ResultsOptions {
  readonly format: 'challenge' | 'json';
  readonly out: string;
  readonly store?: string;
}

export function addResults(program: Command): void {
  program
    .command('results')
    .description('write the results of a run, whole or as far as they are there')
    .argument('<run>', 'name of the run')
    .addOption(
      new Option('-f, --format <format>', 'challenge: submission.csv; json: all that is known of every study')
        .choices(['challenge', 'json'])
        .default('challenge'),
    )
    .requiredOption('-o, --out <file>', 'file to write; - for standard output')
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .addHelpText('after', EXIT_HELP)
    .action(async (name: string, { format, out, store }: ResultsOptions) => {
      await withStore(async ({ runs }) => {
        const run = await runs.readRun(name);
        const write = format === 'json' ? writeResultsFile(runs, run, out) : writeSubmissionFile(runs, run, out);
        const written = await write;
        const { failed } = await runs.finished(name);
        const missing = run.studies - written - failed.size;
        process.exitCode = missing > 0 ? EXIT.unfinished : failed.size > 0 ? EXIT.someFailed : EXIT.ok;
        console.error(`${counted(written, 'study', 'studies')} written`);
        if (failed.size > 0)
          console.error(err.warn(`${failed.size} failed and are not in it: spineline failed ${name}`));
        if (missing > 0) console.error(err.warn(`${missing} are not scored yet`));
        if (run.notice) console.error(err.warn(run.notice));
      }, store);
    });
}

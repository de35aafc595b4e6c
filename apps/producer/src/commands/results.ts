/** `spineline results`: writes the results of a run to a file. */

import { storeOption } from '@spineline/shared/config';
import { BundleError, ConfigError, counted } from '@spineline/shared/domain';
import { type BundleOf, bundleOfStage, readPinnedManifest } from '@spineline/shared/models';
import { submissionRemarks, writeResultsFile, writeSubmissionFile } from '@spineline/shared/reports';
import type { RunRecord, RunStore } from '@spineline/shared/runs';
import type { ObjectStore } from '@spineline/shared/store';
import { type Command, Option } from 'commander';
import { withStore } from '../connections.ts';
import { EXIT, EXIT_HELP } from '../exit-codes.ts';
import { err } from '../terminal/style.ts';

interface ResultsOptions {
  readonly format: 'challenge' | 'json';
  readonly fillFailed?: boolean;
  readonly out: string;
  readonly store?: string;
}

export function addResults(program: Command): void {
  program
    .command('results')
    .description('write the results of a run to a file; also before the run is finished')
    .argument('<run>', 'name of the run')
    .addOption(
      new Option('-f, --format <format>', 'challenge: submission.csv; json: everything that is known about each study')
        .choices(['challenge', 'json'])
        .default('challenge'),
    )
    .requiredOption('-o, --out <file>', 'file to write; - for standard output')
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .option(
      '--fill-failed',
      'also write rows for failed studies, with the class shares of the training set; for a Kaggle submission, which ' +
        'must have every study; their images were not looked at',
    )
    .addHelpText(
      'after',
      `
Failed studies are not in a submission unless you use --fill-failed. Remarks for the reader of a submission are in
FILE.notice.txt: the notice of the models, which rows are class shares, and which studies are missing.

Examples:
  spineline results tonight --out submission.csv
  spineline results tonight --fill-failed --out kaggle.csv
  spineline results tonight --format json --out results.json
${EXIT_HELP}`,
    )
    .action(async (name: string, options: ResultsOptions) => {
      const { format, fillFailed, store: storeUrl } = options;
      if (fillFailed && format !== 'challenge') {
        throw new ConfigError('--fill-failed can only be used for a submission', {
          expected: '--format challenge',
          found: `--format ${format}`,
          hint: 'results.json lists failed studies under `failures`',
        });
      }
      await withStore(async ({ runs, store }) => {
        const run = await runs.readRun(name);
        const { failed, missing } =
          format === 'json'
            ? await writeJson(runs, run, options)
            : await writeSubmission(runs, run, options, fillFailed ? await classSharesOfRun(store, run) : undefined);
        process.exitCode = missing > 0 ? EXIT.unfinished : failed > 0 ? EXIT.someFailed : EXIT.ok;
        if (run.notice) console.error(err.warn(run.notice));
      }, storeUrl);
    });
}

/** Numbers of studies without a result. `missing`: those without a failure too. */
interface Unscored {
  readonly failed: number;
  readonly missing: number;
}

async function writeJson(runs: RunStore, run: RunRecord, { out, store }: ResultsOptions): Promise<Unscored> {
  const written = await writeResultsFile(runs, run, out);
  const failed = (await runs.finished(run.run)).failed.size;
  const missing = run.studies - written - failed;
  console.error(`${counted(written, 'study', 'studies')} written`);
  if (failed > 0) console.error(err.warn(`${failed} failed: spineline failed ${run.run}${storeOption(store)}`));
  if (missing > 0) console.error(err.warn(`${missing} are not scored yet`));
  return { failed, missing };
}

async function writeSubmission(
  runs: RunStore,
  run: RunRecord,
  { out, store }: ResultsOptions,
  fillFailed: BundleOf<3> | undefined,
): Promise<Unscored> {
  const counts = await writeSubmissionFile(runs, run, out, { fillFailed, store });
  const { scored, failed } = counts;
  const filled = counts.filled ? failed : 0;
  const ofThem = filled > 0 ? `, ${filled} of them filled with class shares` : '';
  console.error(`${counted(scored + filled, 'study', 'studies')} written${ofThem}`);
  for (const remark of submissionRemarks(run, counts, store)) console.error(err.warn(remark));
  return { failed, missing: run.studies - scored - failed };
}

/** The severity bundle that the run pinned, for its class shares. @throws {BundleError} if it is not in the store. */
async function classSharesOfRun(store: ObjectStore, run: RunRecord): Promise<BundleOf<3>> {
  const pin = run.bundles.stage3;
  try {
    return bundleOfStage(await readPinnedManifest(store, pin), 3) as BundleOf<3>;
  } catch (cause) {
    if (!(cause instanceof BundleError)) throw cause;
    throw new BundleError(
      cause.code,
      `the class shares of run ${run.run} are not available: ${cause.summary}`,
      {
        ...cause.context,
        hint: `push the bundle ${pin.name}@${pin.version} again (spineline models push FOLDER), or omit --fill-failed`,
      },
      { cause },
    );
  }
}

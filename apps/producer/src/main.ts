/** The `spineline` command: parses the command line, runs one command, turns errors into messages and an exit code. */

import packageManifest from '../package.json' with { type: 'json' };
import { addBoard } from './commands/board.ts';
import { addCancel } from './commands/cancel.ts';
import { addDemo } from './commands/demo.ts';
import { addDiff } from './commands/diff.ts';
import { addEnqueue } from './commands/enqueue.ts';
import { addEvaluate } from './commands/evaluate.ts';
import { addExporter } from './commands/exporter.ts';
import { addFailed } from './commands/failed.ts';
import { addGc } from './commands/gc.ts';
import { addManifest } from './commands/manifest.ts';
import { addModels } from './commands/models.ts';
import { addPause } from './commands/pause.ts';
import { addPhantom } from './commands/phantom.ts';
import { addPlan } from './commands/plan.ts';
import { addPrepare } from './commands/prepare.ts';
import { addReprocess } from './commands/reprocess.ts';
import { addResults } from './commands/results.ts';
import { addResume } from './commands/resume.ts';
import { addRetry } from './commands/retry.ts';
import { addRuns } from './commands/runs.ts';
import { addScore } from './commands/score.ts';
import { addShow } from './commands/show.ts';
import { addStatus } from './commands/status.ts';
import { addTune } from './commands/tune.ts';
import { EXIT, reportError } from './exit-codes.ts';
import { SpinelineCommand } from './spineline-command.ts';

const program = new SpinelineCommand('spineline')
  .description(
    'Grades thousands of lumbar-spine MR studies in three stages (slice, point, severity): 25 severities per study.\n' +
      'The bundles that come with it are trained on synthetic phantoms: NOT FOR CLINICAL USE.',
  )
  .version(packageManifest.version)
  .showHelpAfterError('(add --help for help)')
  .addHelpText(
    'after',
    `
On one machine, without set-up:
  spineline phantom demo && spineline score demo --out out

On a cluster (workers run elsewhere; set SPINELINE_REDIS_URL and SPINELINE_STORE_URL):
  spineline enqueue tonight.jsonl --run tonight
  spineline status tonight --watch
  spineline results tonight --format challenge --out submission.csv
  spineline failed tonight

After a model update (docs/reprocessing.md):
  spineline models push ./severity-2
  spineline plan tonight --stage 3 --models stage3=severity@2.0.0
  spineline reprocess tonight --stage 3 --models stage3=severity@2.0.0 --as tonight-severity-2
  spineline diff tonight tonight-severity-2 --labels train.csv --html diff.html

Every setting is an environment variable: docs/configuration.md`,
  );

// Must come before the commands are added, which inherit it.
program.exitOverride((error) => {
  // commander has printed the error; 0 is the code of --help and --version.
  process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
});

for (const add of [
  addScore,
  addManifest,
  addEnqueue,
  addStatus,
  addRuns,
  addResults,
  addFailed,
  addExporter,
  addBoard,
  addShow,
  addEvaluate,
  addPlan,
  addReprocess,
  addResume,
  addRetry,
  addCancel,
  addPause,
  addGc,
  addDiff,
  addModels,
  addTune,
  addPhantom,
  addPrepare,
  addDemo,
]) {
  add(program);
}
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportError(error);
}

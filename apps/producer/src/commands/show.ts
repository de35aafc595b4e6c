/** `spineline show`: shows where the result of a study comes from: as text, as stored artefacts and as pictures. */

import { writeFile } from 'node:fs/promises';
import { storeOption } from '@spineline/shared/config';
import { ConfigError, SpinelineError, STEPS, STEP_NAMES, type Step } from '@spineline/shared/domain';
import { readLineage, type StudyLineage } from '@spineline/shared/lineage';
import { makePicture, PICTURES, parsePicture, whatIsKept } from '@spineline/shared/reports';
import type { RunStore, StudyResult } from '@spineline/shared/runs';
import { STEP_ARTEFACTS } from '@spineline/shared/stages';
import { StageOutputs } from '@spineline/shared/store';
import type { Command } from 'commander';
import type { z } from 'zod';
import { withStore } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { printLineage } from '../terminal/lineage-text.ts';
import { err } from '../terminal/style.ts';

interface ShowOptions {
  readonly artefact?: string;
  readonly picture?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly store?: string;
}

/** The step that writes an artefact, and the schema of the artefact, by file name. */
const STAGE_ARTEFACTS = new Map(
  STEP_NAMES.flatMap((step) =>
    Object.entries<z.ZodType>(STEP_ARTEFACTS[step]).map(([name, schema]) => [name, { step, schema }] as const),
  ),
);
const ARTEFACTS = [
  ...STAGE_ARTEFACTS.keys(),
  'result.json',
  'failure.json',
  ...STEP_NAMES.map((step) => `provenance:${step}`),
];

export function addShow(program: Command): void {
  program
    .command('show')
    .description(
      'show where the result of a study comes from: files, models, steps, flags, severities, artefacts and pictures',
    )
    .argument('<run>', 'name of the run')
    .argument('<study>', 'id of the study in the dataset')
    .option('--artefact <name>', `validate one stored artefact and print it as JSON: ${ARTEFACTS.join(', ')}`)
    .option('--picture <what>', `draw a picture: ${PICTURES.join(', ')}`)
    .option('-o, --out <file.png>', 'file for the picture')
    .option('--json', 'print everything as JSON, with every file and fingerprint')
    .option('--store <url>', 'object store (default: SPINELINE_STORE_URL)')
    .addHelpText(
      'after',
      `
Without --artefact and --picture it prints: the run and its pinned bundles; for each step its key, whether the output
was computed or found in the store (a hit), when, by which worker and software, with which bundle, and every object
with its digest; the input files; the flags; the 25 severities with slice and point. It checks every byte of the
outputs, reports what is damaged or no longer in the store, and shows the rest.

Examples:
  spineline show tonight 4003253
What did the severity models see, and where in the images?
  spineline show tonight 4003253 --picture crops --out crops.png
  spineline show tonight 4003253 --picture crop:spinal_canal_stenosis_l4_l5 --out l4_l5.png
  spineline show tonight 4003253 --picture sagittal_t2 --out t2.png
  spineline show tonight 4003253 --picture axial_t2:l4_l5 --out axial.png
What did each member of stage 1 answer? What made the crops?
  spineline show tonight 4003253 --artefact z.json | jq .scs.levels
  spineline show tonight 4003253 --artefact provenance:crops

Pictures of crops need only the store. Pictures of slices read the DICOM files from the places that the dataset names.
The slice with the most points is drawn; a point that was found in another slice is grey.

Exit codes:
  0  success
  1  an unexpected error, or a server that did not answer: run it again
  2  there is no such run, study, artefact or picture, or it is damaged or missing in the store
  3  the study failed; its failure is shown
  4  the study is neither scored nor failed yet`,
    )
    .action(show);
}

async function show(name: string, study: string, options: ShowOptions): Promise<void> {
  const { artefact, picture, out, json, store } = options;
  if (artefact && picture) throw new ConfigError('--artefact and --picture cannot be used together');
  if (artefact && !ARTEFACTS.includes(artefact)) {
    throw new ConfigError(`${artefact} is not an artefact`, { expected: `one of ${ARTEFACTS.join(', ')}` });
  }
  if (picture && !out) throw new ConfigError('--picture needs a file', { expected: '--out FILE.png' });
  if (out && !picture) throw new ConfigError('--out is the file for a picture', { expected: '--picture WHAT as well' });
  const wanted = picture ? parsePicture(picture) : undefined;
  await withStore(async ({ runs, sources }) => {
    if (artefact) console.log(JSON.stringify(await readArtefact(runs, { name, study, store }, artefact), null, 2));
    else if (wanted && out) {
      const result = await readScored(runs, { name, study, store });
      await writeFile(out, await makePicture(wanted, result, { outputs: new StageOutputs(runs.store), sources }));
      console.error(`${out} written`);
      if (result.notice) console.error(err.warn(result.notice));
    } else {
      const lineage = await readLineage(runs, name, study, store);
      if (json) console.log(JSON.stringify(lineage));
      else printLineage(lineage);
      process.exitCode = exitCodeOf(lineage);
    }
  }, store);
}

function exitCodeOf({ state }: StudyLineage): number {
  return state === 'scored' ? EXIT.ok : state === 'failed' ? EXIT.someFailed : EXIT.unfinished;
}

interface Asked {
  readonly name: string;
  readonly study: string;
  /** The value of `--store`. */
  readonly store: string | undefined;
}

/**
 * The result of a study.
 *
 * @throws {SpinelineError} `STUDY_NOT_SCORED` if it has none; {@link ConfigError} if it is unknown.
 */
async function readScored(runs: RunStore, { name, study, store }: Asked): Promise<StudyResult> {
  await runs.readRun(name);
  const result = await runs.readResult(name, study);
  if (result) return result;
  const { failure } = await readLineage(runs, name, study, store);
  throw new SpinelineError('STUDY_NOT_SCORED', 'permanent', 'the study has no result', {
    study,
    found: failure ? `a failure, ${failure.code}` : 'neither result nor failure yet',
    hint: `for details: spineline show ${name} ${study}${storeOption(store)}`,
  });
}

async function readArtefact(runs: RunStore, asked: Asked, artefact: string): Promise<unknown> {
  if (artefact === 'failure.json') {
    const { name, study, store } = asked;
    const { failure } = await readLineage(runs, name, study, store);
    if (failure) return failure;
    throw new SpinelineError('STUDY_NOT_FAILED', 'permanent', 'the study did not fail', { study });
  }
  const result = await readScored(runs, asked);
  if (artefact === 'result.json') return result;
  const outputs = new StageOutputs(runs.store);
  const keyOf = (step: Step) => [STEPS[step].output, result.steps[step].key] as const;
  const provenanceOf = STEP_NAMES.find((step) => artefact === `provenance:${step}`);
  if (provenanceOf) {
    return whatIsKept(result, artefact, () => outputs.provenance(...keyOf(provenanceOf)));
  }
  const { step, schema } = STAGE_ARTEFACTS.get(artefact)!;
  return whatIsKept<unknown>(result, artefact, () => outputs.readJson(...keyOf(step), artefact, schema));
}

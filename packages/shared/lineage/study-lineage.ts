/**
 * Where the result of a study comes from: the run and its bundles, each stage output with what made it and whether it
 * is still intact, and the files that the dataset names. All of it is read from the store.
 */

import { storeOption } from '../config/index.ts';
import { mapInOrder, type StudyEntry } from '../dataset/index.ts';
import {
  ArtefactDamagedError,
  ConfigError,
  ObjectNotFoundError,
  type SpinelineError,
  STEPS,
  STEP_NAMES,
  type Step,
  type OutputName,
} from '../domain/index.ts';
import type { FailureRecord, RunRecord, RunStore, StepRecord, StudyResult } from '../runs/index.ts';
import { digestOf, type Provenance, StageOutputs } from '../store/index.ts';

/** Pages of a dataset searched at a time. */
const PAGES_AT_ONCE = 8;
/** Number of ids in an error message, as examples. */
const IDS_SHOWN = 3;

/**
 * State of a stored object or output. `whole`: as it was written. `damaged`: its bytes have changed. `gone`: missing.
 */
export type Kept = 'whole' | 'damaged' | 'gone';

export interface ObjectLineage {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly state: Kept;
}

export interface StepLineage extends StepRecord {
  readonly stage: OutputName;
  /** The worst state among the provenance and the objects. */
  readonly state: Kept;
  /** What is wrong with the provenance; null if nothing is. */
  readonly problem: string | null;
  readonly provenance: Provenance | null;
  readonly objects: readonly ObjectLineage[];
}

export interface InputLineage {
  /** Digest of the dataset page with the study. */
  readonly page: string;
  readonly study: StudyEntry;
  /** Digest of all locations and fingerprints. Equal digests mean equal files. */
  readonly digest: string;
}

export interface StudyLineage {
  readonly schema: 'spineline.lineage/1';
  readonly run: RunRecord;
  readonly study: string;
  /** `pending`: neither scored nor failed yet. */
  readonly state: 'scored' | 'failed' | 'pending';
  readonly result: StudyResult | null;
  readonly failure: FailureRecord | null;
  /** null for a study without a result, since nothing says which outputs it would have. */
  readonly steps: Readonly<Record<Step, StepLineage>> | null;
  readonly input: InputLineage | { readonly missing: string };
}

/**
 * Reads everything that the store has about a study of a run. Reports what is damaged or missing and reads the rest.
 *
 * @param store URL of the store if no setting names it, for commands in error messages.
 * @throws {ConfigError} if there is no such run, or no such study in the run.
 * @throws {ArtefactDamagedError} if the result itself cannot be read.
 */
export async function readLineage(runs: RunStore, name: string, study: string, store?: string): Promise<StudyLineage> {
  const run = await runs.readRun(name);
  const result = (await runs.readResult(name, study)) ?? null;
  const failure = result ? null : ((await runs.readFailure(name, study)) ?? null);
  const input = await findInput(runs, run, study);
  if (!result && !failure && 'missing' in input) throw unknownStudy(run, study, input, store);
  return {
    schema: 'spineline.lineage/1',
    run,
    study,
    state: result ? 'scored' : failure ? 'failed' : 'pending',
    result,
    failure,
    steps: result && (await stepsOf(new StageOutputs(runs.store), runs, result)),
    input: 'missing' in input ? { missing: input.missing } : input,
  };
}

async function stepsOf(
  outputs: StageOutputs,
  runs: RunStore,
  { steps }: StudyResult,
): Promise<Readonly<Record<Step, StepLineage>>> {
  const entries = STEP_NAMES.map(async (step) => [step, await stepLineage(outputs, runs, step, steps[step])] as const);
  return Object.fromEntries(await Promise.all(entries)) as Record<Step, StepLineage>;
}

async function stepLineage(
  outputs: StageOutputs,
  runs: RunStore,
  step: Step,
  record: StepRecord,
): Promise<StepLineage> {
  const stage = STEPS[step].output;
  const { key } = record;
  let provenance: Provenance;
  try {
    provenance = await outputs.provenance(stage, key);
  } catch (error) {
    const state = keptOfError(error);
    const problem = state === 'gone' ? 'not in the store any more' : (error as SpinelineError).message;
    return { ...record, stage, state, problem, provenance: null, objects: [] };
  }
  const objects: ObjectLineage[] = [];
  for (const [object, { bytes, sha256 }] of Object.entries(provenance.objects)) {
    objects.push({ name: object, bytes, sha256, state: await stateOfObject(outputs, runs, provenance, object) });
  }
  const states = objects.map((one) => one.state);
  const state = states.includes('gone') ? 'gone' : states.includes('damaged') ? 'damaged' : 'whole';
  return { ...record, stage, state, problem: null, provenance, objects };
}

async function stateOfObject(
  outputs: StageOutputs,
  { store }: RunStore,
  provenance: Provenance,
  name: string,
): Promise<Kept> {
  const { stage, key } = provenance;
  try {
    await outputs.read(stage, key, name, provenance);
    return 'whole';
  } catch (error) {
    if (keptOfError(error) === 'gone') return 'gone';
    return (await store.head((error as ArtefactDamagedError).key)) ? 'damaged' : 'gone';
  }
}

/** @throws the error itself if it says neither: a store that did not answer has not lost the object. */
function keptOfError(error: unknown): Exclude<Kept, 'whole'> {
  if (error instanceof ObjectNotFoundError) return 'gone';
  if (error instanceof ArtefactDamagedError) return 'damaged';
  throw error;
}

interface NotFound {
  readonly missing: string;
  /** A few ids of the dataset, as examples. */
  readonly ids: readonly string[];
}

/** Searches all pages of the dataset for a study, since pages are not sorted by id. */
async function findInput(runs: RunStore, run: RunRecord, study: string): Promise<InputLineage | NotFound> {
  const ids: string[] = [];
  let unread = 0;
  const read = async (page: string) => ({ page, studies: await orUndefined(runs.readPage(page)) });
  const dataset = await orUndefined(runs.readDataset(run.dataset));
  if (!dataset) return { missing: 'the record of the dataset is not in the store any more', ids };
  for await (const { page, studies } of mapInOrder(dataset.pages, PAGES_AT_ONCE, read)) {
    if (!studies) unread += 1;
    const found = studies?.find((one) => one.study === study);
    if (found) return { page, study: found, digest: digestOf(found.series.map(({ instances }) => instances)) };
    for (const one of studies ?? []) if (ids.length < IDS_SHOWN) ids.push(one.study);
  }
  if (unread === 0) return { missing: 'the dataset does not have this study', ids };
  return {
    missing: `${unread} of ${dataset.pages.length} pages of the dataset are damaged or missing in the store`,
    ids,
  };
}

/** `undefined` if it is missing or damaged. */
async function orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    keptOfError(error);
    return undefined;
  }
}

function unknownStudy(run: RunRecord, study: string, { missing, ids }: NotFound, store?: string): ConfigError {
  const named = storeOption(store);
  return new ConfigError(`run ${run.run} has no study ${study}`, {
    expected: `one of its ${run.studies} studies${ids.length > 0 ? `, such as ${ids.join(', ')}` : ''}`,
    found: missing,
    hint:
      `spineline results ${run.run} --format json --out -${named} lists the scored studies, ` +
      `spineline failed ${run.run}${named} the failed ones`,
  });
}

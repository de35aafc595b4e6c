/**
 * Reprocessing: a new run that starts from the stored outputs of an old one. Decides which bundles it pins, at which
 * stage studies enter, and which studies it covers.
 */

import { readStudyList, type StudyEntry } from '../dataset/index.ts';
import { ConfigError, STAGES, type Stage } from '../domain/index.ts';
import { bundleOfStage, readPinnedManifest } from '../models/index.ts';
import type { DatasetRecord, RunRecord, RunStore } from '../runs/index.ts';
import { digestOf } from '../store/index.ts';
import { type PinnedBundles, pinBundles, stagesChosen } from './pin-bundles.ts';

export interface ReprocessOptions {
  readonly stage: Stage;
  readonly models: readonly string[];
  /** File with one study id per line; `-`: standard input. */
  readonly studies?: string;
  readonly onlyFailed?: boolean;
}

export interface Reprocess {
  readonly parent: RunRecord;
  readonly pinned: PinnedBundles;
  readonly from: { readonly run: string; readonly stage: Stage };
  /** Why studies enter at an earlier stage than requested. */
  readonly note: string | undefined;
  /** `undefined`: all studies of the old run. */
  readonly selection: ReadonlySet<string> | undefined;
}

/**
 * Prepares a reprocess. Writes nothing, except that it pushes a bundle given as a folder; in a dry run not even that.
 *
 * @throws {ConfigError} for a bundle of a stage before the one at which studies enter, for studies that the run does
 *   not have, and for an empty selection.
 */
export async function prepareReprocess(
  runs: RunStore,
  name: string,
  options: ReprocessOptions,
  dryRun: boolean,
): Promise<Reprocess> {
  const parent = await runs.readRun(name);
  const numberOf = (stage: Stage) => STAGES[stage].number;
  const early = stagesChosen(options.models)
    .map(numberOf)
    .filter((number) => number < numberOf(options.stage));
  if (early.length > 0) {
    throw new ConfigError(`a new bundle of stage ${early[0]} changes the input of stage ${numberOf(options.stage)}`, {
      hint: `use --stage ${Math.min(...early)}; outputs that stay the same are reused`,
    });
  }
  const selection = await select(runs, parent, options);
  const pinned = await pinBundles(runs.store, options.models, { base: parent.bundles, dryRun });
  const before = bundleOfStage(await readPinnedManifest(runs.store, parent.bundles.stage3), 3);
  const otherCrops = digestOf(before.crops) !== digestOf(pinned.crops);
  const entry: Stage = options.stage === 'stage3' && otherCrops ? 'stage2' : options.stage;
  const note =
    entry === options.stage
      ? undefined
      : 'the new bundle has different crop windows: studies enter at stage 2, which reuses the points and cuts the crops again from the images';
  return { parent, pinned, from: { run: name, stage: entry }, note, selection };
}

/** The dataset entries of a run's studies, or of the selected ones. */
export async function* studiesOf(
  runs: RunStore,
  run: Pick<RunRecord, 'dataset'>,
  selection: ReadonlySet<string> | undefined,
): AsyncGenerator<StudyEntry> {
  for (const page of (await runs.readDataset(run.dataset)).pages) {
    for (const study of await runs.readPage(page)) if (!selection || selection.has(study.study)) yield study;
  }
}

/** The dataset of the new run: that of the old run, or, for a selection, a new one. */
export async function datasetOf(
  runs: RunStore,
  { parent, selection }: Pick<Reprocess, 'parent' | 'selection'>,
  pageStudies: number,
): Promise<DatasetRecord> {
  if (!selection) return runs.readDataset(parent.dataset);
  return runs.recordDataset({ studies: () => studiesOf(runs, parent, selection) }, pageStudies);
}

async function select(
  runs: RunStore,
  parent: RunRecord,
  { studies, onlyFailed }: ReprocessOptions,
): Promise<Set<string> | undefined> {
  if (!studies && !onlyFailed) return undefined;
  let selection = studies ? await readStudyList(studies) : undefined;
  if (onlyFailed) {
    const { failed } = await runs.finished(parent.run);
    selection = selection ? selection.intersection(failed) : failed;
    if (selection.size === 0) throw new ConfigError(`no failed study of ${parent.run} is selected`);
    return selection;
  }
  const unknown = new Set(selection);
  for await (const { study } of studiesOf(runs, parent, selection)) unknown.delete(study);
  if (unknown.size > 0) {
    throw new ConfigError(`${unknown.size} studies in ${studies} are not in the run ${parent.run}`, {
      found: [...unknown].slice(0, 5).join(', '),
    });
  }
  return selection;
}

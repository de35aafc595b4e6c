/**
 * A new run that starts from an old one's stored outputs: which bundles it pins, where its studies enter, and which
 * studies it is over.
 */

import { readStudyList, type StudyEntry } from '../dataset/index.ts';
import { ConfigError, type StageNumber, type Stage } from '../domain/index.ts';
import { bundleOfStage, readPinnedManifest } from '../models/index.ts';
import type { DatasetRecord, RunRecord, RunStore } from '../runs/index.ts';
import { digestOf } from '../store/index.ts';
import { type PinnedBundles, pinBundles, stagesChosen } from './pin-bundles.ts';

export interface ReprocessOptions {
  readonly stage: StageNumber;
  readonly models: readonly string[];
  /** File of study ids, one a line; `-` for standard input. */
  readonly studies?: string;
  readonly onlyFailed?: boolean;
}

export interface Reprocess {
  readonly parent: RunRecord;
  readonly pinned: PinnedBundles;
  readonly from: { readonly run: string; readonly stage: Stage };
  /** Why studies enter at an earlier stage than was asked for. */
  readonly note: string | undefined;
  /** `undefined`: all studies of the old run. */
  readonly selection: ReadonlySet<string> | undefined;
}

/**
 * Works out a reprocess; only a bundle in a folder is written, unless it is a dry run.
 *
 * @throws {ConfigError} for a bundle of a stage before the one where studies enter, for studies that the run does not
 *   have, and for a selection of nothing.
 */
export async function prepareReprocess(
  runs: RunStore,
  name: string,
  options: ReprocessOptions,
  dryRun: boolean,
): Promise<Reprocess> {
  const parent = await runs.readRun(name);
  const early = stagesChosen(options.models).filter((stage) => stage < options.stage);
  if (early.length > 0) {
    throw new ConfigError(`a new bundle of stage ${early[0]} changes what stage ${options.stage} starts from`, {
      hint: `give --stage ${Math.min(...early)}; what stays the same is found and not computed again`,
    });
  }
  const selection = await select(runs, parent, options);
  const pinned = await pinBundles(runs.store, options.models, { base: parent.bundles, dryRun });
  const before = bundleOfStage(await readPinnedManifest(runs.store, parent.bundles.stage3), 3);
  const otherCrops = digestOf(before.crops) !== digestOf(pinned.crops);
  const entry: Stage = options.stage === 3 && otherCrops ? 'stage2' : `stage${options.stage}`;
  const note =
    entry === `stage${options.stage}`
      ? undefined
      : 'the crop windows of the new bundle are others: studies enter at stage 2, where points are found in the store and crops are cut from the images';
  return { parent, pinned, from: { run: name, stage: entry }, note, selection };
}

/** The studies of a run, or those of them that were selected, as the dataset has them. */
export async function* studiesOf(
  runs: RunStore,
  run: Pick<RunRecord, 'dataset'>,
  selection: ReadonlySet<string> | undefined,
): AsyncGenerator<StudyEntry> {
  for (const page of (await runs.readDataset(run.dataset)).pages) {
    for (const study of await runs.readPage(page)) if (!selection || selection.has(study.study)) yield study;
  }
}

/** The old run's dataset, or, of a selection, a dataset of its own. */
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
    if (selection.size === 0) throw new ConfigError(`no study of ${parent.run} failed that is to be reprocessed`);
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

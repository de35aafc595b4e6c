/**
 * Which stage outputs a study would have under given bundles, and which of them are in the store. Each key follows from
 * what the previous step gives, and that is in its provenance: no DICOM file and no artefact is read.
 */

import type { StudyEntry } from '../dataset/index.ts';
import { ArtefactDamagedError, type Step } from '../domain/index.ts';
import { type BundleOf, bundleOfStage, readPinnedManifest } from '../models/index.ts';
import type { RunRecord, Steps } from '../runs/index.ts';
import { madeOfCrops, madeOfStage1, madeOfStage3, madeOfXy, type Stage1Gives, type XyGives } from '../stages/index.ts';
import { keyOfMade, type ObjectStore, type Provenance, StageOutputs } from '../store/index.ts';

/**
 * `hit`: in the store. `compute`: not in the store. `unknown`: the key depends on a step that must be computed first.
 */
export type StepState = 'hit' | 'compute' | 'unknown';

export interface StepForecast {
  readonly state: StepState;
  /** `undefined` if it is not known yet. */
  readonly key?: string;
}

export type StudyForecast = Readonly<Record<Step, StepForecast>>;

const UNKNOWN: StepForecast = { state: 'unknown' };

/** The pipeline of a set of pinned bundles. */
export class Pipeline {
  readonly #outputs: StageOutputs;
  readonly #bundles: RunRecord['bundles'];
  readonly #crops: BundleOf<3>['crops'];

  constructor(outputs: StageOutputs, bundles: RunRecord['bundles'], crops: BundleOf<3>['crops']) {
    this.#outputs = outputs;
    this.#bundles = bundles;
    this.#crops = crops;
  }

  /** The forecast for a study that enters at stage 1. */
  ofStudy(study: StudyEntry): Promise<StudyForecast> {
    return this.#fromStage1(keyOfMade('stage1', madeOfStage1(study, this.#bundles.stage1)));
  }

  /**
   * The forecast for a study of a run. It enters as in that run: at stage 1, or after outputs of the old run.
   *
   * @param before the steps that it starts from, see `RunStore.stepsBefore`.
   */
  ofRunStudy(study: StudyEntry, { from }: Pick<RunRecord, 'from'>, before: Steps | undefined): Promise<StudyForecast> {
    if (!before) return this.ofStudy(study);
    return from?.stage === 'stage2' ? this.#fromStage1(before.stage1.key) : this.#fromCrops(before);
  }

  async #fromStage1(key: string): Promise<StudyForecast> {
    const found = await this.#outputs.committed('stage1', key);
    if (!found) return { stage1: { state: 'compute', key }, xy: UNKNOWN, crops: UNKNOWN, stage3: UNKNOWN };
    const given: Stage1Gives = { pixels: give(found, 'pixels'), z: give(found, 'z') };
    const stage1: StepForecast = { state: 'hit', key };
    const xyKey = keyOfMade('stage2-xy', madeOfXy(given, this.#bundles.stage2));
    const points = await this.#outputs.committed('stage2-xy', xyKey);
    if (!points) return { stage1, xy: { state: 'compute', key: xyKey }, crops: UNKNOWN, stage3: UNKNOWN };
    const xyGiven: XyGives = { xy: give(points, 'xy') };
    const cropsKey = keyOfMade('stage2-crops', madeOfCrops(given, xyGiven, this.#crops));
    return { stage1, xy: { state: 'hit', key: xyKey }, ...(await this.#ofCrops(cropsKey)) };
  }

  /**
   * Assumes that the steps before the crops are stored. If one is missing, a worker sends the study back to make it.
   */
  async #fromCrops(before: Steps): Promise<StudyForecast> {
    return {
      stage1: { state: 'hit', key: before.stage1.key },
      xy: { state: 'hit', key: before.xy.key },
      ...(await this.#ofCrops(before.crops.key)),
    };
  }

  async #ofCrops(key: string): Promise<Pick<StudyForecast, 'crops' | 'stage3'>> {
    const crops = await this.#outputs.committed('stage2-crops', key);
    if (!crops) return { crops: { state: 'compute', key }, stage3: UNKNOWN };
    const digests = Object.fromEntries(Object.entries(crops.objects).map(([name, { sha256 }]) => [name, sha256]));
    const stage3 = keyOfMade('stage3', madeOfStage3(digests, this.#bundles.stage3));
    const state = (await this.#outputs.isCommitted('stage3', stage3)) ? 'hit' : 'compute';
    return { crops: { state: 'hit', key }, stage3: { state, key: stage3 } };
  }
}

/** @throws {BundleError} if the pinned bundle of stage 3 is missing in the store or has changed. */
export async function openPipeline(store: ObjectStore, bundles: RunRecord['bundles']): Promise<Pipeline> {
  const severity = bundleOfStage(await readPinnedManifest(store, bundles.stage3), 3);
  return new Pipeline(new StageOutputs(store), bundles, severity.crops);
}

function give(provenance: Provenance, name: string): string {
  const digest = provenance.gives[name];
  if (digest) return digest;
  throw new ArtefactDamagedError(`the provenance of ${provenance.stage} ${provenance.key}`, {
    expected: `a digest of ${name}`,
  });
}

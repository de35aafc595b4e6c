/**
 * Stage 2, where in the slice: runs the XY models on the sagittal images, chooses the axial slices from the points of
 * the levels, runs the XY models on these, and cuts the crops for stage 3 around all points (docs/pipeline.md, "Axial
 * slices", "Points", "Crop plan"). Points and crops are two outputs with two keys, so that crops with other windows can
 * be cut without running an XY model.
 */

import type { ReadyBundle } from '@spineline/shared/models';
import { fetchFiles, type FetchedFile } from '@spineline/shared/sources';
import {
  axialImage,
  axialOfPoints,
  CropsArtefact,
  type Fractions,
  madeOfCrops,
  madeOfXy,
  meanPoints,
  planCrops,
  REGIONS_FILE,
  SeriesIndex,
  sagittalImages,
  slicesOfCrops,
  stage1Gives,
  XyArtefact,
  type XyImage,
  xyArtefact,
  xyGives,
  ZArtefact,
} from '@spineline/shared/stages';
import type { JobClock } from '@spineline/shared/telemetry';
import { jsonBytes, type ProcessStudy, readUpstream, runStep, type WorkerKit } from '@spineline/shared/worker';

export function stage2Process(kit: WorkerKit): ProcessStudy<'stage2'> {
  return async ({ payload, run, clock }) => {
    const { stage1, run: name, study, page, redo } = payload;
    const readStage1 = async () => ({
      index: await kit.outputs.readJson('stage1', stage1.key, 'series-index.json', SeriesIndex),
      z: await kit.outputs.readJson('stage1', stage1.key, 'z.json', ZArtefact),
    });
    const upstream = await readUpstream(kit.outputs, 'stage1', stage1.key, () => clock.time('fetch', readStage1));
    if (!upstream) return { next: 'back', queue: 'stage1', payload: { run: name, study, page, redo: redo + 1 } };
    const { index, z } = upstream;
    const bundle = await clock.time('fetch', () => kit.bundles.get(run.bundles.stage2, 2));
    const { crops } = await clock.time('fetch', () => kit.bundles.manifest(run.bundles.stage3, 3));
    const fetched = new StudyFiles(kit, clock);
    const given = stage1Gives(index, z);

    const find = {
      read: (key: string) => kit.outputs.readJson('stage2-xy', key, 'xy.json', XyArtefact),
      compute: async () => {
        const xy = await findPoints(kit, study, index, z, bundle, fetched, clock);
        return { value: xy, objects: { 'xy.json': jsonBytes(xy) }, gives: xyGives(xy) };
      },
    };
    const points = await runStep(kit.outputs, 'stage2-xy', madeOfXy(given, bundle.pin), find, clock);
    const xy = points.value;
    const cutOut = {
      // Stage 3 reads the regions and checks their digest, if it needs them.
      read: (key: string) => kit.outputs.readJson('stage2-crops', key, 'crops.json', CropsArtefact),
      compute: async () => {
        const plans = planCrops(index, xy);
        const files = await fetched.of(slicesOfCrops(index, plans, (crops.slices - 1) / 2));
        const made = await clock.compute((report) =>
          kit.compute.run('cutCrops', { study, index, plans, files, settings: crops }, report),
        );
        return { value: made.crops, objects: { [REGIONS_FILE]: made.bytes, 'crops.json': jsonBytes(made.crops) } };
      },
    };
    const made = madeOfCrops(given, xyGives(xy), crops);
    const cut = await runStep(kit.outputs, 'stage2-crops', made, cutOut, clock);
    kit.metrics.step('xy', points.record.reused);
    kit.metrics.step('crops', cut.record.reused);
    return {
      next: 'stage3',
      payload: { run: name, study, page, redo, stage1, xy: points.record, crops: cut.record },
      reused: points.record.reused && cut.record.reused,
    };
  };
}

/** Files of the current study, kept in memory since points and crops often need the same slices. */
class StudyFiles {
  readonly #kit: WorkerKit;
  readonly #clock: JobClock;
  #files = new Map<string, FetchedFile>();

  constructor(kit: WorkerKit, clock: JobClock) {
    this.#kit = kit;
    this.#clock = clock;
  }

  async of(slices: Iterable<{ location: string }>): Promise<Map<string, FetchedFile>> {
    const locations = [...slices].map(({ location }) => location);
    const files = await this.#clock.time('fetch', () => fetchFiles(this.#kit.sources, locations, this.#files));
    this.#files = new Map([...this.#files, ...files]);
    return files;
  }
}

async function findPoints(
  kit: WorkerKit,
  study: string,
  index: SeriesIndex,
  z: ZArtefact,
  { bundle, ensemble }: ReadyBundle<2>,
  fetched: StudyFiles,
  clock: JobClock,
): Promise<XyArtefact> {
  const constant: XyImage[] = [];
  const infer = async (task: 'scs' | 'nfn' | 'ss', images: readonly XyImage[]): Promise<Fractions[]> => {
    const files = await fetched.of(images.flatMap(({ slices }) => slices));
    const prepared = await clock.compute((report) =>
      kit.compute.run('prepareXy', { study, images, files, input: bundle.input }, report),
    );
    constant.push(...images.filter((_, i) => prepared.constant[i]));
    return clock.time('batch_wait', () =>
      Promise.all(
        prepared.samples.map(async (sample) => {
          const outputs = await kit.inference.infer(ensemble(task), sample, () => clock.begin('inference'));
          return meanPoints(bundle.tasks[task].members.map(({ weight }, i) => ({ weight, output: outputs[i]! })));
        }),
      ),
    );
  };
  const { scs: scsImage, left: leftImage, right: rightImage } = sagittalImages(index, z);
  const [[scs], [left, right]] = await Promise.all([
    infer('scs', scsImage ? [scsImage] : []),
    infer('nfn', leftImage && rightImage ? [leftImage, rightImage] : []),
  ]);
  const axial = axialOfPoints(index, z, scs);
  const there = axial.filter((slice) => slice !== null);
  const ss = await infer(
    'ss',
    there.map((slice) => axialImage(index, slice)),
  );
  const ssByLevel = axial.map((slice) => (slice ? ss[there.indexOf(slice)]! : null));
  return xyArtefact(index, z, { scs, left, right }, axial, ssByLevel, constant);
}

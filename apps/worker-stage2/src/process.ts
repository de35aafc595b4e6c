/**
 * Stage 2, where in the slice: runs the XY models on the sagittal images, chooses the axial slices from the points of
 * the levels, runs the XY models on these, and cuts the crops for stage 3 around all points (docs/pipeline.md, "Axial
 * slices", "Points", "Crop plan"). Points and crops are two outputs with two keys, so that crops with other windows can
 * be cut without running an XY model.
 */

import type { StudySession } from '@spineline/shared/compute';
import type { ReadyBundle, Sample } from '@spineline/shared/inference';
import { fetchFiles } from '@spineline/shared/sources';
import {
  axialImage,
  axialOfPoints,
  CropsArtefact,
  type Fractions,
  type IndexedSlice,
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
import {
  jsonBytes,
  type ProcessStudy,
  readUpstream,
  runStep,
  type StudyJob,
  type WorkerKit,
} from '@spineline/shared/worker';

export function stage2Process(kit: WorkerKit): ProcessStudy<'stage2'> {
  return async (job) => {
    const session = kit.compute.openSession(job.payload.study);
    try {
      return await pointsAndCrops(kit, job, session);
    } finally {
      session.close();
    }
  };
}

async function pointsAndCrops(
  kit: WorkerKit,
  { payload, run, clock }: StudyJob<'stage2'>,
  session: StudySession,
): ReturnType<ProcessStudy<'stage2'>> {
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
  const given = stage1Gives(index, z);
  /** The files of slices that the session does not have yet. */
  const filesOf = (slices: readonly IndexedSlice[]) => {
    const locations = slices.map(({ location }) => location).filter((location) => !session.has(location));
    return clock.time('fetch', () => fetchFiles(kit.sources, locations));
  };

  const find = {
    read: (key: string) => kit.outputs.readJson('stage2-xy', key, 'xy.json', XyArtefact),
    compute: async () => {
      const prepare = async (images: readonly XyImage[]) => {
        const files = await filesOf(images.flatMap(({ slices }) => slices));
        return clock.compute((report) =>
          session.run('prepareXy', files, { images, input: bundle.bundle.input }, report),
        );
      };
      const xy = await findPoints(kit, index, z, bundle, prepare, clock);
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
      const files = await filesOf(slicesOfCrops(index, plans, (crops.slices - 1) / 2));
      const made = await clock.compute((report) =>
        session.run('cutCrops', files, { index, plans, settings: crops }, report),
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
}

/** Makes the samples of XY images. */
type Prepare = (images: readonly XyImage[]) => Promise<{ samples: Sample[]; constant: boolean[] }>;

async function findPoints(
  kit: WorkerKit,
  index: SeriesIndex,
  z: ZArtefact,
  { bundle, ensemble }: ReadyBundle<2>,
  prepare: Prepare,
  clock: JobClock,
): Promise<XyArtefact> {
  const constant: XyImage[] = [];
  const infer = async (images: readonly { readonly task: 'scs' | 'nfn' | 'ss'; readonly image: XyImage }[]) => {
    if (images.length === 0) return [];
    const prepared = await prepare(images.map(({ image }) => image));
    constant.push(...images.filter((_, i) => prepared.constant[i]).map(({ image }) => image));
    return clock.time('batch_wait', () =>
      Promise.all(
        images.map(async ({ task }, i): Promise<Fractions> => {
          const sample = prepared.samples[i]!;
          const outputs = await kit.inference.infer(ensemble(task), sample, () => clock.begin('inference'));
          return meanPoints(bundle.tasks[task].members.map(({ weight }, m) => ({ weight, output: outputs[m]! })));
        }),
      ),
    );
  };
  const { scs: scsImage, left: leftImage, right: rightImage } = sagittalImages(index, z);
  const scsImages = scsImage ? [{ task: 'scs', image: scsImage } as const] : [];
  const nfnImages =
    leftImage && rightImage ? [leftImage, rightImage].map((image) => ({ task: 'nfn', image }) as const) : [];
  const sagittal = await infer([...scsImages, ...nfnImages]);
  const [scs] = sagittal.splice(0, scsImages.length);
  const [left, right] = sagittal;
  const axial = axialOfPoints(index, z, scs);
  const there = axial.filter((slice) => slice !== null);
  const ss = await infer(there.map((slice) => ({ task: 'ss', image: axialImage(index, slice) })));
  const ssByLevel = axial.map((slice) => (slice ? ss[there.indexOf(slice)]! : null));
  return xyArtefact(index, z, { scs, left, right }, axial, ssByLevel, constant);
}

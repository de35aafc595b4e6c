/**
 * Stage 1, which slice: fetches and indexes every file of the study, runs the 3D models on the two sagittal volumes,
 * and writes `series-index.json` and `z.json` for the later stages (docs/pipeline.md, "Level slices").
 */

import type { StudyEntry } from '@spineline/shared/dataset';
import { StudyError } from '@spineline/shared/domain';
import type { ReadyBundle } from '@spineline/shared/inference';
import { fetchFiles } from '@spineline/shared/sources';
import {
  type FoundSlice,
  foundSlices,
  madeOfStage1,
  SeriesIndex,
  STAGE1_TASKS,
  type Stage1Task,
  stage1Gives,
  usedSeries,
  ZArtefact,
  zArtefact,
} from '@spineline/shared/stages';
import type { JobClock } from '@spineline/shared/telemetry';
import { jsonBytes, type ProcessStudy, runStep, type WorkerKit } from '@spineline/shared/worker';

export function stage1Process(kit: WorkerKit): ProcessStudy<'stage1'> {
  return async ({ payload, run, clock }) => {
    const study = await clock.time('fetch', () => studyOfPage(kit, payload.page, payload.study));
    const bundle = await clock.time('fetch', () => kit.bundles.get(run.bundles.stage1, 1));
    const work = {
      read: async (key: string) => {
        await kit.outputs.readJson('stage1', key, 'series-index.json', SeriesIndex);
        await kit.outputs.readJson('stage1', key, 'z.json', ZArtefact);
      },
      compute: async () => {
        const { index, z } = await locate(kit, study, bundle, clock);
        const objects = { 'series-index.json': jsonBytes(index), 'z.json': jsonBytes(z) };
        return { value: undefined, objects, gives: stage1Gives(index, z) };
      },
    };
    const { record } = await runStep(kit.outputs, 'stage1', madeOfStage1(study, bundle.pin), work, clock);
    kit.metrics.step('stage1', record.reused);
    const { run: name, study: id, page, redo } = payload;
    return {
      next: 'stage2',
      payload: { run: name, study: id, page, redo, stage1: record },
      reused: record.reused,
    };
  };
}

async function studyOfPage(kit: WorkerKit, page: string, id: string): Promise<StudyEntry> {
  const study = (await kit.pages.get(page)).get(id);
  if (!study) {
    throw new StudyError('STUDY_NOT_IN_DATASET', 'the dataset page does not have this study', {
      study: id,
      found: page,
    });
  }
  return study;
}

async function locate(
  kit: WorkerKit,
  study: StudyEntry,
  { bundle, ensemble }: ReadyBundle<1>,
  clock: JobClock,
): Promise<{ index: SeriesIndex; z: ZArtefact }> {
  const locations = study.series.flatMap(({ instances }) => instances.map(({ location }) => location));
  const files = await clock.time('fetch', () => fetchFiles(kit.sources, locations));
  const { index, volumes, flags } = await clock.compute((report) =>
    kit.compute.run('prepareStage1', { study, files, input: bundle.input }, report, files.values()),
  );
  const found: Partial<Record<Stage1Task, FoundSlice[]>> = {};
  await clock.time('batch_wait', () =>
    Promise.all(
      (Object.keys(volumes) as Stage1Task[]).map(async (task) => {
        const { sample, sliceOf } = volumes[task]!;
        const outputs = await kit.inference.infer(ensemble(task), sample, () => clock.begin('inference'));
        const members = bundle.tasks[task].members.map(({ kind, weight }, i) => ({
          kind,
          weight,
          output: outputs[i]!,
        }));
        found[task] = foundSlices(members, usedSeries(index, STAGE1_TASKS[task])!, sliceOf, bundle.input.slices);
      }),
    ),
  );
  return { index, z: zArtefact(index, found, flags) };
}

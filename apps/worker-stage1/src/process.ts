/**
 * Stage 1, which slice: every file of the study is fetched and indexed, the two sagittal volumes go through the 3D
 * models, and `series-index.json` and `z.json` are what is left for the later stages.
 */

import type { StudyEntry } from '@spineline/shared/dataset';
import { StudyError } from '@spineline/shared/domain';
import type { ReadyBundle } from '@spineline/shared/models';
import { jsonBytes, type ProcessStudy, runStep, type WorkerKit } from '@spineline/shared/queue';
import {
  type FoundSlice,
  fetchFiles,
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

export function stage1Process(kit: WorkerKit): ProcessStudy<'stage1'> {
  return async ({ payload, run }) => {
    const study = await studyOfPage(kit, payload.page, payload.study);
    const bundle = await kit.bundles.get(run.bundles.stage1, 1);
    const { record } = await runStep(kit.outputs, 'stage1', madeOfStage1(study, bundle.pin), {
      read: async (key) => {
        await kit.outputs.readJson('stage1', key, 'series-index.json', SeriesIndex);
        await kit.outputs.readJson('stage1', key, 'z.json', ZArtefact);
      },
      compute: async () => {
        const { index, z } = await locate(kit, study, bundle);
        const objects = { 'series-index.json': jsonBytes(index), 'z.json': jsonBytes(z) };
        return { value: undefined, objects, gives: stage1Gives(index, z) };
      },
    });
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
): Promise<{ index: SeriesIndex; z: ZArtefact }> {
  const locations = study.series.flatMap(({ instances }) => instances.map(({ location }) => location));
  const files = await kit.metrics.time('fetch', () => fetchFiles(kit.sources, locations));
  const { index, volumes, flags } = await kit.metrics.time('prepare', () =>
    kit.compute.run('prepareStage1', { study, files, input: bundle.input }),
  );
  const found: Partial<Record<Stage1Task, FoundSlice[]>> = {};
  await kit.metrics.time('inference', () =>
    Promise.all(
      (Object.keys(volumes) as Stage1Task[]).map(async (task) => {
        const { sample, sliceOf } = volumes[task]!;
        const outputs = await kit.inference.infer(ensemble(task), sample);
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

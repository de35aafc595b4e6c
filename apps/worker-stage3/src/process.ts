/**
 * Stage 3, how severe: runs the severity models on the crops of each target and commits the result of the study
 * (docs/pipeline.md, "Severities"). It reads no DICOM file. A study with too few views fails before severities are
 * computed or looked up, so that the limit of this worker holds for reused outputs too.
 */

import { LEVELS, TARGETS } from '@spineline/shared/domain';
import type { ReadyBundle } from '@spineline/shared/inference';
import type { RunRecord, Steps, StudyResult, TargetResult } from '@spineline/shared/runs';
import {
  assertEnoughViews,
  CropsArtefact,
  cropShape,
  hasView,
  madeOfStage3,
  meanSeverities,
  middleOf,
  type PlacedPoint,
  REGIONS_FILE,
  SeriesIndex,
  type Severities,
  SeverityArtefact,
  severityArtefact,
  type TargetViews,
  targetViews,
  XyArtefact,
  ZArtefact,
} from '@spineline/shared/stages';
import type { JobClock } from '@spineline/shared/telemetry';
import { jsonBytes, type ProcessStudy, readUpstream, runStep, type WorkerKit } from '@spineline/shared/worker';

export function stage3Process(kit: WorkerKit): ProcessStudy<'stage3'> {
  return async ({ payload, run, clock }) => {
    const { run: name, study, page, redo, stage1, xy, crops } = payload;
    const { outputs } = kit;
    const toStage1 = { next: 'back', queue: 'stage1', payload: { run: name, study, page, redo: redo + 1 } } as const;
    const toStage2 = {
      next: 'back',
      queue: 'stage2',
      payload: { run: name, study, page, redo: redo + 1, stage1 },
    } as const;

    const readStage1 = async () => ({
      index: await outputs.readJson('stage1', stage1.key, 'series-index.json', SeriesIndex),
      z: await outputs.readJson('stage1', stage1.key, 'z.json', ZArtefact),
    });
    const found = await readUpstream(outputs, 'stage1', stage1.key, () => clock.time('fetch', readStage1));
    if (!found) return toStage1;
    const readXy = () => outputs.readJson('stage2-xy', xy.key, 'xy.json', XyArtefact);
    const points = await readUpstream(outputs, 'stage2-xy', xy.key, () => clock.time('fetch', readXy));
    if (!points) return toStage2;
    const readCrops = async () => ({
      crops: await outputs.readJson('stage2-crops', crops.key, 'crops.json', CropsArtefact),
      digests: await outputs.digests('stage2-crops', crops.key),
    });
    const cut = await readUpstream(outputs, 'stage2-crops', crops.key, () => clock.time('fetch', readCrops));
    if (!cut) return toStage2;

    const targets = targetViews(cut.crops);
    const flags = [found.index, found.z, points, cut.crops].flatMap((artefact) => artefact.flags);
    assertEnoughViews({ study, index: found.index, flags, targets }, kit.maxClassShares);

    const bundle = await clock.time('fetch', () => kit.bundles.get(run.bundles.stage3, 3));
    const work = {
      read: (key: string) => outputs.readJson('stage3', key, 'severity.json', SeverityArtefact),
      compute: async () => {
        const severity = await grade(kit, crops.key, cut.crops, targets, bundle, clock);
        return { value: severity, objects: { 'severity.json': jsonBytes(severity) } };
      },
    };
    const made = madeOfStage3(cut.digests, bundle.pin);
    const graded = await readUpstream(outputs, 'stage2-crops', crops.key, () =>
      runStep(outputs, 'stage3', made, work, clock),
    );
    if (!graded) return toStage2;
    kit.metrics.step('stage3', graded.record.reused);
    const steps: Steps = { stage1, xy, crops, stage3: graded.record };
    const result = resultOf(run, study, { ...found, xy: points, crops: cut.crops, severity: graded.value }, steps);
    for (const { code } of result.flags) kit.metrics.flag(code);
    const { classShares } = graded.value;
    kit.metrics.classShareTargets(classShares.length);
    await clock.time('write', () => kit.runs.writeResult(result));
    return { next: 'done', reused: graded.record.reused, classShares };
  };
}

async function grade(
  kit: WorkerKit,
  cropsKey: string,
  crops: CropsArtefact,
  targets: readonly TargetViews[],
  { bundle, ensemble }: ReadyBundle<3>,
  clock: JobClock,
): Promise<SeverityArtefact> {
  const scorable = targets.filter(hasView);
  const bytes = await clock.time('fetch', () => kit.outputs.read('stage2-crops', cropsKey, REGIONS_FILE));
  const arrays = await clock.compute((report) => kit.compute.run('readCrops', { crops, bytes }, report, [bytes]));
  // NFN and SS read the same axial rows, but a sample gives its arrays away: whoever comes second gets a copy.
  const given = new Set<Float32Array>();
  const own = (row: Float32Array): Float32Array => {
    if (given.has(row)) return row.slice();
    given.add(row);
    return row;
  };
  const samples = scorable.map((target) => ({
    target,
    sample: Object.fromEntries(
      Object.entries(target.views).map(([view, { array, row }]) => {
        const dims = cropShape(bundle.crops, array);
        // The model gets zeros in place of a view that is missing.
        const data = arrays[array]?.[row] ?? new Float32Array(dims.reduce((product, dim) => product * dim, 1));
        return [view, { dims, data: own(data) }];
      }),
    ),
  }));
  const scored = await clock.time('batch_wait', () =>
    Promise.all(
      samples.map(async ({ target: { target }, sample }): Promise<[string, Severities]> => {
        const outputs = await kit.inference.infer(ensemble(target.task), sample, () => clock.begin('inference'));
        const members = bundle.tasks[target.task].members.map(({ weight }, i) => ({ weight, output: outputs[i]! }));
        return [target.name, meanSeverities(members)];
      }),
    ),
  );
  return severityArtefact(bundle, targets, new Map(scored));
}

interface Artefacts {
  readonly index: SeriesIndex;
  readonly z: ZArtefact;
  readonly xy: XyArtefact;
  readonly crops: CropsArtefact;
  readonly severity: SeverityArtefact;
}

function resultOf(run: RunRecord, study: string, artefacts: Artefacts, steps: Steps): StudyResult {
  const { index, z, xy, crops, severity } = artefacts;
  const targets = TARGETS.map((target): TargetResult => {
    const level = LEVELS.indexOf(target.level);
    const { name, condition, side } = target;
    const found = side ? z.nfn?.[side][level] : z.scs?.levels[level];
    const sagittal =
      target.task === 'scs' ? xy.scs?.[level] : target.task === 'nfn' ? xy.nfn?.[side!][level] : undefined;
    const axial = xy.ss[level];
    return {
      name,
      condition,
      level: target.level,
      ...(side && { side }),
      severities: severity.severities[name]!,
      slice: placeOf(sagittal),
      axial: placeOf(axial && (side ? axial[side] : middleOf(axial))),
      confidence: target.task === 'ss' ? null : (found?.confidence ?? null),
      classShares: severity.classShares.includes(name),
    };
  });
  return {
    schema: 'spineline.result/1',
    run: run.run,
    study,
    notice: run.notice,
    targets,
    series: index.series.map(({ series, kind, used, reasons, slices }) => ({
      series,
      kind,
      used,
      rows: slices[0]!.rows,
      columns: slices[0]!.columns,
      frameOfReference: slices[0]!.frameOfReference,
      instances: slices.map(({ instance }) => instance),
      ...(reasons && { reasons }),
    })),
    ...(index.rejected && { rejected: index.rejected }),
    flags: [...index.flags, ...z.flags, ...xy.flags, ...crops.flags, ...severity.flags],
    steps,
    finished: new Date().toISOString(),
  };
}

function placeOf(point: PlacedPoint | null | undefined): TargetResult['slice'] {
  if (!point) return null;
  const { series, instance, x, y } = point;
  return { series, instance, x: Math.round(x * 100) / 100, y: Math.round(y * 100) / 100 };
}

/**
 * A run of tiny studies with everything that workers leave in a store: real DICOM files, a real index and real crops of
 * them; slices, points and severities made up. No worker, no model.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StudyEntry } from '@spineline/shared/dataset';
import { LEVELS, SIDES, TARGETS, type OutputName } from '@spineline/shared/domain';
import type { CropSettings } from '@spineline/shared/models';
import { type RunRecord, RunStore, type StepRecord, type StudyResult } from '@spineline/shared/runs';
import {
  indexStudy,
  madeOfCrops,
  madeOfStage1,
  madeOfStage3,
  madeOfXy,
  type PlacedPoint,
  planCrops,
  REGIONS_FILE,
  type SeriesIndex,
  type SeverityArtefact,
  stage1Gives,
  type XyArtefact,
  xyGives,
  type ZArtefact,
} from '@spineline/shared/stages';
import { keyOfMade, type Made, type ObjectStore, StageOutputs } from '@spineline/shared/store';
import { cutCrops } from '../../../../packages/shared/compute/compute-tasks.ts';
import {
  axialStack,
  dicomSlice,
  type SliceSpec,
  sagittalStack,
} from '../../../../packages/shared/test/support/small-study.ts';

export const SMALL_NOTICE = 'A notice of these models: NOT FOR CLINICAL USE.';
export const RUN = 'tonight';
/** 32 rows of 24 columns, 1 mm. */
const SIZE = { Rows: 32, Columns: 24 };
const SLICES = 5;
/** Where level i was found: L1/L2 to L4/L5 in one slice, L5/S1 in the next. */
export const pointOf = (level: number) => ({ x: 10 + level, y: 4 + 6 * level, index: level === 4 ? 3 : 2 });
/** Of an axial slice: the recess of a side. */
export const recessOf = (side: (typeof SIDES)[number]) => ({ x: side === 'left' ? 16 : 8, y: 12 });

const NORMALISE = { method: 'percentile' as const, low: 0, high: 100 };
const window = { left: 8, right: 8, top: 4, bottom: 4, to: [8, 16] as [number, number] };
const CROPS: CropSettings = {
  space: 32,
  slices: 3,
  normalise: NORMALISE,
  resize: { filter: 'bilinear', antialias: true },
  windows: [
    { kind: 'sagittal_t2', side: 'middle', levels: [...LEVELS], ...window },
    ...SIDES.map((side) => ({ kind: 'sagittal_t1' as const, side, levels: [...LEVELS], ...window })),
    { kind: 'axial_t2', side: 'middle', levels: [...LEVELS], ...window },
    ...SIDES.map((side) => ({ kind: 'axial_t2' as const, side, levels: [...LEVELS], ...window })),
  ],
};

export interface SmallRun {
  readonly runs: RunStore;
  readonly run: RunRecord;
  readonly result: StudyResult;
  readonly index: SeriesIndex;
  /** Paths of the DICOM files by series. */
  readonly files: Readonly<Record<string, readonly string[]>>;
}

/**
 * Writes the run: study `1001` scored, `1002` failed, `1003` neither. Series of 1001: `t2`, `t1`, `ax`; L2/L3 has no
 * axial slice, so that its rows of the axial crops are empty.
 */
export async function writeSmallRun(
  store: ObjectStore,
  folder: string,
  changes: Partial<RunRecord> = {},
): Promise<SmallRun> {
  const runs = new RunStore(store);
  const files: Record<string, string[]> = {};
  const stack = async (series: string, slices: readonly SliceSpec[]) => {
    await mkdir(join(folder, '1001', series), { recursive: true });
    files[series] = [];
    for (const [i, slice] of slices.entries()) {
      const file = join(folder, '1001', series, `${i + 1}.dcm`);
      await writeFile(file, dicomSlice(slice as Parameters<typeof dicomSlice>[0]));
      files[series]!.push(file);
    }
  };
  // Instance numbers that are not places: 10, 9, ... from the patient's right to left.
  const instances = [10, 9, 8, 7, 6];
  await stack('t2', sagittalStack(SLICES, { instances, more: SIZE }));
  await stack('t1', sagittalStack(SLICES, { instances, more: SIZE }));
  await stack('ax', axialStack(SLICES, { more: SIZE }));
  const kinds = { t2: 'sagittal_t2', t1: 'sagittal_t1', ax: 'axial_t2' } as const;
  const scored: StudyEntry = {
    study: '1001',
    series: Object.entries(kinds).map(([series, kind]) => ({
      series,
      kind,
      instances: files[series]!.map((file, i) => ({
        location: pathToFileURL(file).href,
        fingerprint: `${series}-${i}`,
      })),
    })),
  };
  const nowhere = (study: string): StudyEntry => ({
    study,
    series: [{ series: 't2', instances: [{ location: 'file:///nowhere/1.dcm', fingerprint: '1' }] }],
  });
  const dataset = await runs.recordDataset(
    {
      async *studies() {
        yield* [scored, nowhere('1002'), nowhere('1003')];
      },
    },
    2,
  );
  const pin = (stage: number) => ({ name: `small-stage${stage}`, version: '1.0.0', digest: `a${stage}`.repeat(32) });
  const run: RunRecord = {
    schema: 'spineline.run/1',
    run: RUN,
    dataset: dataset.digest,
    studies: 3,
    bundles: { stage1: pin(1), stage2: pin(2), stage3: pin(3) },
    priority: 3,
    created: '2026-11-25T20:00:00.000Z',
    notice: SMALL_NOTICE,
    ...changes,
  };
  await runs.recordRun(run);
  await runs.writeFailure({
    schema: 'spineline.failure/1',
    run: run.run,
    study: '1002',
    stage: 'stage1',
    code: 'STUDY_UNREADABLE',
    kind: 'permanent',
    message: 'study 1002: not one slice of the study could be read and placed',
    attempts: 1,
    failed: '2026-11-25T20:01:00.000Z',
  });
  const { result, index } = await writeOutputs(store, run, scored);
  await runs.writeResult(result);
  return { runs, run, result, index, files };
}

async function writeOutputs(
  store: ObjectStore,
  run: RunRecord,
  study: StudyEntry,
): Promise<{ result: StudyResult; index: SeriesIndex }> {
  const bytes = new Map<string, Uint8Array>();
  for (const { location } of study.series.flatMap(({ instances }) => instances)) {
    bytes.set(location, await readFile(new URL(location)));
  }
  const { index } = await indexStudy(study, bytes);
  const z = slices(index);
  const xy = points(index);
  const { crops, bytes: regions } = await cutCrops({
    study: study.study,
    index,
    plans: planCrops(index, xy),
    files: bytes,
    settings: CROPS,
  });
  const severity = severities();

  const outputs = new StageOutputs(store, { worker: 'small-worker:1' });
  const write = async (
    stage: OutputName,
    made: Made,
    objects: Record<string, Uint8Array>,
    gives?: Record<string, string>,
  ): Promise<StepRecord> => {
    const key = keyOfMade(stage, made);
    await outputs.write(stage, key, objects, made, gives);
    return { key, reused: stage === 'stage1', seconds: 1.5, finished: '2026-11-25T20:02:00.000Z' };
  };
  const given = stage1Gives(index, z);
  const stage1 = await write(
    'stage1',
    madeOfStage1(study, run.bundles.stage1),
    { 'series-index.json': json(index), 'z.json': json(z) },
    given,
  );
  const xyStep = await write('stage2-xy', madeOfXy(given, run.bundles.stage2), { 'xy.json': json(xy) }, xyGives(xy));
  const cropsStep = await write('stage2-crops', madeOfCrops(given, xyGives(xy), CROPS), {
    [REGIONS_FILE]: regions,
    'crops.json': json(crops),
  });
  const digests = await outputs.digests('stage2-crops', cropsStep.key);
  const stage3 = await write('stage3', madeOfStage3(digests, run.bundles.stage3), { 'severity.json': json(severity) });
  const steps = { stage1, xy: xyStep, crops: cropsStep, stage3 };
  return { index, result: resultOf(run, study.study, index, xy, severity, steps) };
}

function placed(index: SeriesIndex, series: string, place: number, point: { x: number; y: number }): PlacedPoint {
  const { instance } = index.series.find((one) => one.series === series)!.slices[place]!;
  return { series, index: place, instance, x: point.x, y: point.y };
}

function slices(index: SeriesIndex): ZArtefact {
  const found = LEVELS.map((_, level) => {
    const { index: place } = pointOf(level);
    const { instance } = placed(index, 't2', place, pointOf(level));
    return { index: place, instance, confidence: 1, members: [{ kind: 'cls' as const, z: place }], point: null };
  });
  return {
    schema: 'spineline.z/1',
    scs: { series: 't2', levels: found },
    nfn: { series: 't1', left: found, right: found },
    axial: LEVELS.map(() => null),
    flags: [],
  };
}

function points(index: SeriesIndex): XyArtefact {
  const sagittal = (series: string) =>
    LEVELS.map((_, level) => placed(index, series, pointOf(level).index, pointOf(level)));
  return {
    schema: 'spineline.xy/1',
    scs: sagittal('t2'),
    nfn: { left: sagittal('t1'), right: sagittal('t1') },
    ss: LEVELS.map((_, level) =>
      level === 1
        ? null
        : {
            left: placed(index, 'ax', level, recessOf('left')),
            right: placed(index, 'ax', level, recessOf('right')),
            distanceMm: 1,
          },
    ),
    flags: [{ code: 'no_axial_in_frame', kind: 'axial_t2' }],
  };
}

/** Normal, moderate, severe in turn, in the order of the targets. */
function severities(): SeverityArtefact {
  const all = TARGETS.map(({ name }, i) => {
    const values: [number, number, number] = [0.1, 0.1, 0.1];
    values[i % 3] = 0.8;
    return [name, values] as const;
  });
  return { schema: 'spineline.severity/1', severities: Object.fromEntries(all), classShares: [], flags: [] };
}

function resultOf(
  run: RunRecord,
  study: string,
  index: SeriesIndex,
  xy: XyArtefact,
  severity: SeverityArtefact,
  steps: StudyResult['steps'],
): StudyResult {
  const place = (point: PlacedPoint | undefined) =>
    point ? { series: point.series, instance: point.instance, x: point.x, y: point.y } : null;
  return {
    schema: 'spineline.result/1',
    run: run.run,
    study,
    notice: run.notice,
    targets: TARGETS.map(({ name, condition, level, side, task }) => {
      const i = LEVELS.indexOf(level);
      const ss = xy.ss[i];
      const middle = ss && { ...ss.left, x: (ss.left.x + ss.right.x) / 2 };
      return {
        name,
        condition,
        level,
        ...(side && { side }),
        severities: severity.severities[name] as [number, number, number],
        slice: task === 'ss' ? null : place(task === 'scs' ? xy.scs![i] : xy.nfn![side!][i]),
        axial: place(side ? ss?.[side] : (middle ?? undefined)),
        confidence: task === 'ss' ? null : 1,
        classShares: false,
      };
    }),
    series: index.series.map(({ series, kind, used, slices: all }) => ({
      series,
      kind,
      used,
      rows: all[0]!.rows,
      columns: all[0]!.columns,
      frameOfReference: all[0]!.frameOfReference,
      instances: all.map(({ instance }) => instance),
    })),
    flags: [...index.flags, ...xy.flags],
    steps,
    finished: '2026-11-25T20:03:00.000Z',
  };
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

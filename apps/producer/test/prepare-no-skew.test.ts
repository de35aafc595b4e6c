/**
 * No training/serving skew: the arrays of `prepare` are what the workers feed to the models, bit for bit. The process
 * functions of the three workers run over phantom studies with a stand-in for inference that keeps what it is given and
 * answers with the prepared targets, so that the chain goes to the labelled slices and points.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ComputePool } from '@spineline/shared/compute';
import { openDataset, type StudyEntry } from '@spineline/shared/dataset';
import { LEVELS, SEVERITIES, SIDES, TARGETS } from '@spineline/shared/domain';
import type { LabelCoordinate } from '@spineline/shared/evaluation';
import { BundleCache, type Sample } from '@spineline/shared/inference';
import { pushBundle, readBundleFolder } from '@spineline/shared/models';
import { prepareDataset } from '@spineline/shared/prepared';
import type { RunRecord, StudyResult } from '@spineline/shared/runs';
import { openSources, fetchFiles } from '@spineline/shared/sources';
import { targetViews, usedSeries } from '@spineline/shared/stages';
import { type ObjectStore, openStore, StageOutputs } from '@spineline/shared/store';
import { JobClock, WorkerMetrics } from '@spineline/shared/telemetry';
import type { WorkerKit } from '@spineline/shared/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ensemble } from '../../../packages/shared/inference/inference-pool.ts';
import type { PrepareSettings } from '../../../packages/shared/prepared/array-plan.ts';
import { axialSlices } from '../../../packages/shared/stages/axial-slices.ts';
import { randomNumbers } from '../../../packages/shared/test/imaging-reference.ts';
import { readNpy } from '../../../packages/shared/test/support/npy.ts';
import { phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { tinyBundles } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { stage1Process } from '../../worker-stage1/src/process.ts';
import { stage2Process } from '../../worker-stage2/src/process.ts';
import { stage3Process } from '../../worker-stage3/src/process.ts';

const FIVE = LEVELS.length;
const sources = openSources();
const compute = new ComputePool(2);
let folder = '';
let store: ObjectStore;
let studies: StudyEntry[];
let coordinates: LabelCoordinate[];
let bundles: RunRecord['bundles'];
let arrays: Map<string, { shape: number[]; data: Float32Array | Float16Array | Int32Array | Uint8Array }>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spineline-skew-'));
  store = await openStore(pathToFileURL(join(folder, 'store')).href);
  const dataset = await openDataset(await phantomDataset({ studies: 2 }), sources, { split: 'train' });
  studies = await Array.fromAsync(dataset.studies());
  const loaded = await Promise.all(Object.values(await tinyBundles()).map(readBundleFolder));
  const [stage1, stage2, stage3] = await Promise.all(loaded.map((one) => pushBundle(store, one)));
  bundles = { stage1: stage1!, stage2: stage2!, stage3: stage3! };
  const cache = new BundleCache(store);
  const settings = {
    stage1: (await cache.manifest(bundles.stage1, 1)).input,
    stage2: (await cache.manifest(bundles.stage2, 2)).input,
    stage3: (await cache.manifest(bundles.stage3, 3)).crops,
  };
  const random = randomNumbers(5);
  coordinates = (await Promise.all(studies.map((study) => labelsOf(study, settings.stage1, random)))).flat();
  await prepareDataset({
    dataset: { name: 'phantom', studies: () => dataset.studies() },
    sources,
    labels: new Map(studies.map(({ study }) => [study, new Map(TARGETS.map(({ name }) => [name, SEVERITIES[1]]))])),
    coordinates,
    bundles,
    settings,
    options: {
      stages: [1, 2, 3],
      dtype: 'exact',
      pool: { stage1: 1, stage2: 1, stage3: 1 },
      xyRoomSlices: 0,
      cropRoomSlices: 0,
      cropRoomPx: 0,
      studiesPerShard: 8,
    },
    out: join(folder, 'prepared'),
    threads: 2,
  });
  const shard = join(folder, 'prepared', 'shard-00000');
  const record = JSON.parse(await readFile(join(shard, 'shard.json'), 'utf8'));
  expect(record.studies).toEqual(studies.map(({ study }) => study));
  arrays = new Map();
  for (const [name, { file }] of Object.entries<{ file: string }>(record.arrays)) {
    arrays.set(name, readNpy(await readFile(join(shard, file))) as never);
  }
});
afterAll(async () => {
  await compute.close();
  await sources.close();
  await store?.close();
  await rm(folder, { recursive: true, force: true });
});

/**
 * Labels anywhere, ends of series and edges of slices included, so that slices repeat and windows leave the image; the
 * axial ones in the slices that the pipeline itself goes to.
 */
async function labelsOf(
  study: StudyEntry,
  input: PrepareSettings['stage1'],
  random: () => number,
): Promise<LabelCoordinate[]> {
  const locations = study.series.flatMap(({ instances }) => instances.map(({ location }) => location));
  const files = await fetchFiles(sources, locations);
  const { index } = await compute.run('prepareStage1', { study, files, input });
  const t2 = usedSeries(index, 'sagittal_t2')!;
  const t1 = usedSeries(index, 'sagittal_t1')!;
  const at = (series: typeof t2, place: number, target: (typeof TARGETS)[number]) => {
    const { instance, columns, rows } = series.slices[place]!;
    const [x, y] = [random() * (columns - 1), random() * (rows - 1)];
    return { study: study.study, series: series.series, instance, target, x, y };
  };
  const anywhere = (series: typeof t2) => Math.floor(random() * series.slices.length);
  const of = (task: string) => TARGETS.filter((target) => target.task === task);
  const scs = of('scs').map((target) => at(t2, anywhere(t2), target));
  const points = scs.map(({ instance, x, y }) => {
    const place = t2.slices.findIndex((slice) => slice.instance === instance);
    const { columns, rows } = t2.slices[place]!;
    return { index: place, x: Math.fround(x / columns), y: Math.fround(y / rows) };
  });
  const axial = axialSlices(index, points);
  const ss = of('ss').map((target) => {
    const slice = axial[LEVELS.indexOf(target.level)]!;
    return at(
      index.series.find(({ series }) => series === slice.series)!,
      slice.index,
      target,
    );
  });
  return [...scs, ...of('nfn').map((target) => at(t1, anywhere(t1), target)), ...ss];
}

/** One study's part of an array; without `row` all of it. */
function part(name: string, study: number, row?: number) {
  const { shape, data } = arrays.get(name)!;
  const size = data.length / shape[0]!;
  const whole = data.subarray(study * size, (study + 1) * size);
  if (row === undefined) return whole;
  const length = size / shape[1]!;
  return whole.subarray(row * length, (row + 1) * length);
}

interface Fed {
  readonly task: string;
  readonly sample: Sample;
}

/** Keeps what it is given; answers with the prepared targets, in the order in which a worker asks. */
class RecordingInference {
  readonly fed: Fed[] = [];
  readonly #study: number;

  constructor(study: number) {
    this.#study = study;
  }

  async infer({ id, members }: Ensemble, sample: Sample) {
    const [digest, task] = id.split('/') as [string, string];
    const before = this.fed.filter((one) => one.task === `${digest}/${task}`).length;
    this.fed.push({ task: id, sample });
    return members.map(({ output }) => {
      const { name, dims } = output!;
      const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
      if (digest === bundles.stage1.digest) this.#placeInVolume(task, name, dims, data);
      else if (digest === bundles.stage2.digest) data.set(part(`stage2_${task}.target`, this.#study, before));
      return { [name]: { dims, data } };
    });
  }

  #placeInVolume(task: string, name: string, dims: readonly number[], data: Float32Array): void {
    const target = part(`stage1_${task}.target`, this.#study);
    for (let place = 0; place < dims[0]!; place++) {
      const [x, y, z] = target.subarray(place * 3, place * 3 + 3) as unknown as [number, number, number];
      if (name === 'logits') data[place * dims[1]! + z] = 1;
      else data.set([x, y, z / 32], place * 3);
    }
  }

  of(pin: { digest: string }, task: string): Sample[] {
    return this.fed.filter((one) => one.task === `${pin.digest}/${task}`).map(({ sample }) => sample);
  }
}

/** Runs the three workers' process functions over a study. */
async function serve(place: number): Promise<{ inference: RecordingInference; result: StudyResult }> {
  const study = studies[place]!;
  const inference = new RecordingInference(place);
  let result: StudyResult | undefined;
  const kit = {
    runs: {
      writeResult: async (written: StudyResult) => {
        result = written;
      },
    },
    pages: { get: async () => new Map([[study.study, study]]) },
    outputs: new StageOutputs(store),
    sources,
    bundles: new BundleCache(store),
    compute,
    inference,
    metrics: new WorkerMetrics('stage1'),
    maxClassShares: 1,
  } as unknown as WorkerKit;
  const job = { run: { run: 'skew', bundles } as RunRecord, log: undefined as never, clock: new JobClock() };
  const payload = { run: 'skew', study: study.study, page: 'page', redo: 0 };
  const first = await stage1Process(kit)({ ...job, payload: payload as never });
  if (first.next !== 'stage2') throw new Error(`stage 1 handed over to ${first.next}`);
  const second = await stage2Process(kit)({ ...job, payload: first.payload });
  if (second.next !== 'stage3') throw new Error(`stage 2 handed over to ${second.next}`);
  await stage3Process(kit)({ ...job, payload: second.payload });
  return { inference, result: result! };
}

/** Equal in every bit, signs of zero included. */
function expectSameBits(found: Float32Array, prepared: ReturnType<typeof part>, what: string): void {
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength);
  expect(found.length, what).toBe(prepared.length);
  expect(bytes(found).equals(bytes(Float32Array.from(prepared))), what).toBe(true);
}

describe.each([0, 1])('study %i', (place) => {
  let inference: RecordingInference;
  let result: StudyResult;
  beforeAll(async () => {
    ({ inference, result } = await serve(place));
  });

  it('goes to the labelled slices and points', () => {
    const labels = coordinates.filter(({ study }) => study === studies[place]!.study);
    expect(labels).toHaveLength(25);
    for (const { target, series, instance, x, y } of labels) {
      const found = result.targets.find(({ name }) => name === target.name)!;
      const at = target.task === 'ss' ? found.axial! : found.slice!;
      expect([at.series, at.instance], target.name).toEqual([series, instance]);
      // Rounded to 0.01 px.
      expect(Math.abs(at.x - x), target.name).toBeLessThanOrEqual(0.0051);
      expect(Math.abs(at.y - y), target.name).toBeLessThanOrEqual(0.0051);
    }
  });

  it('is given to the models of stage 1 as it was prepared', () => {
    for (const task of ['scs', 'nfn']) {
      const [sample, ...more] = inference.of(bundles.stage1, task);
      expect(more).toEqual([]);
      expectSameBits(sample!.volume!.data, part(`stage1_${task}.volume`, place), task);
    }
  });

  it('is given to the models of stage 2 as it was prepared', () => {
    for (const [task, images] of Object.entries({ scs: 1, nfn: SIDES.length, ss: FIVE })) {
      const samples = inference.of(bundles.stage2, task);
      expect(samples).toHaveLength(images);
      samples.forEach((sample, row) => {
        expectSameBits(sample.image!.data, part(`stage2_${task}.image`, place, row), `${task} ${row}`);
      });
      expect([...part(`stage2_${task}.present`, place)]).toEqual(new Array(images).fill(1));
    }
  });

  it('is given to the models of stage 3 as it was prepared', () => {
    const views = targetViews({
      schema: 'spineline.crops/2',
      resize: { filter: 'bilinear', antialias: true },
      regions: [],
      arrays: {},
      flags: [],
    });
    for (const task of ['scs', 'nfn', 'ss']) {
      const targets = views.filter(({ target }) => target.task === task);
      const samples = inference.of(bundles.stage3, task);
      expect(samples).toHaveLength(targets.length);
      targets.forEach(({ target, views: wanted }, i) => {
        expect(Object.keys(samples[i]!)).toEqual(Object.keys(wanted));
        for (const [view, { array, row }] of Object.entries(wanted)) {
          expectSameBits(samples[i]![view]!.data, part(`stage3.${array}`, place, row), `${target.name} ${view}`);
        }
      });
    }
    expect(arrays.get('stage3.axial_sides')!.data).toBeInstanceOf(Float32Array);
  });
});

/**
 * A process with workers whose models are timers. All else is real: queues, feeders, pages, stage keys, artefacts with
 * their schemas, provenance, results. The stages store and read the outputs of one real study, under keys of their own
 * for each study. `scale.ts` and `memory.ts` fork this file.
 */

import { type Stage, STAGE_NAMES, STEPS } from '@spineline/shared/domain';
import { connectRedis, ProgressCounts, Queues } from '@spineline/shared/queue';
import { type Steps, RunStore } from '@spineline/shared/runs';
import {
  CropsArtefact,
  REGIONS_FILE,
  SeriesIndex,
  SeverityArtefact,
  XyArtefact,
  ZArtefact,
} from '@spineline/shared/stages';
import { digestOf, type Made, observeStore, openStore, StageOutputs } from '@spineline/shared/store';
import { createLogger, type JobClock, WorkerMetrics } from '@spineline/shared/telemetry';
import { jsonBytes, type ProcessStudy, readUpstream, runStep } from '@spineline/shared/worker';
import { Feeder } from '../packages/shared/worker/feeder.ts';
import { PageCache } from '../packages/shared/worker/page-cache.ts';
import { StageWorker } from '../packages/shared/worker/stage-worker.ts';
import { SimulatedGpu, serviceMs } from './simulated-gpu.ts';

/** What the parent process sends first. */
export interface WorkersWanted {
  readonly redisUrl: string;
  readonly storeUrl: string;
  readonly prefix: string;
  /** Workers of each stage in this process. */
  readonly workers: Readonly<Record<Stage, number>>;
  readonly meanMs: number;
  readonly concurrency: number;
  readonly lowWater: number;
  /** A scored run: its store, name and study. The pixels of the crops are cut to `cropBytes`. */
  readonly template: { readonly storeUrl: string; readonly run: string; readonly study: string };
  readonly cropBytes: number;
}

/** What this process sends: it is ready; a study is scored; what it used since `warm`, in answer to `stop`. */
export type WorkersSay = { readonly ready: true } | { readonly scored: string } | { readonly used: WorkersUsed };
export interface WorkersUsed {
  readonly cpuSeconds: number;
  readonly megabytes: number;
  /** Requests to the store, by operation. */
  readonly requests: Readonly<Record<string, number>>;
}

interface Parts {
  readonly outputs: StageOutputs;
  readonly runs: RunStore;
  readonly pages: PageCache;
  readonly meanMs: number;
  readonly template: Template;
}

/** The stored objects of the study that every simulated study repeats. */
type Template = Awaited<ReturnType<typeof readTemplate>>;

async function readTemplate({ template: { storeUrl, run, study }, cropBytes }: WorkersWanted) {
  const store = await openStore(storeUrl);
  const outputs = new StageOutputs(store);
  const result = (await new RunStore(store).readResult(run, study))!;
  const objectsOf = async (output: 'stage1' | 'stage2-xy' | 'stage2-crops' | 'stage3', key: string) => {
    const { objects, gives } = await outputs.provenance(output, key);
    const read = Object.keys(objects).map(async (name) => {
      const bytes = await outputs.read(output, key, name);
      return [name, name === REGIONS_FILE ? bytes.slice(0, cropBytes) : bytes] as const;
    });
    return { objects: Object.fromEntries(await Promise.all(read)), gives };
  };
  const { steps } = result;
  const template = {
    result,
    stage1: await objectsOf('stage1', steps.stage1.key),
    xy: await objectsOf('stage2-xy', steps.xy.key),
    crops: await objectsOf('stage2-crops', steps.crops.key),
    stage3: await objectsOf('stage3', steps.stage3.key),
  };
  await store.close();
  return template;
}

const made = (step: keyof typeof STEPS, bundle: Made['bundle'], study: string): Made => ({
  contract: STEPS[step].contract,
  bundle,
  inputs: digestOf({ study }),
});

/** As the process functions of the apps, with timers for fetching, decoding and models. */
const PROCESSES: { readonly [S in Stage]: (parts: Parts, gpu: SimulatedGpu) => ProcessStudy<S> } = {
  stage1: ({ outputs, pages, meanMs, template }, gpu) => {
    return async ({ payload: { run: name, study, page, redo }, run, clock }) => {
      if (!(await clock.time('fetch', () => pages.get(page))).get(study)) throw new Error(`no study ${study}`);
      const work = {
        read: async (key: string) => {
          await outputs.readJson('stage1', key, 'series-index.json', SeriesIndex);
          await outputs.readJson('stage1', key, 'z.json', ZArtefact);
        },
        compute: async () => {
          await gpu.run(serviceMs(study, 'stage1', meanMs));
          const index = SeriesIndex.parse(JSON.parse(textOf(template.stage1.objects['series-index.json']!)));
          const z = ZArtefact.parse(JSON.parse(textOf(template.stage1.objects['z.json']!)));
          const objects = { 'series-index.json': jsonBytes(index), 'z.json': jsonBytes(z) };
          return { value: undefined, objects, gives: template.stage1.gives };
        },
      };
      const { record } = await runStep(outputs, 'stage1', made('stage1', run.bundles.stage1, study), work, clock);
      return { next: 'stage2', payload: { run: name, study, page, redo, stage1: record }, reused: record.reused };
    };
  },
  stage2: ({ outputs, meanMs, template }, gpu) => {
    return async ({ payload: { stage1, run: name, study, page, redo }, run, clock }) => {
      if (!(await readStage1(outputs, stage1.key, clock))) throw new Error('stage 1 is gone');
      const find = {
        read: (key: string) => outputs.readJson('stage2-xy', key, 'xy.json', XyArtefact),
        compute: async () => {
          await gpu.run(serviceMs(study, 'stage2', meanMs));
          const value = XyArtefact.parse(JSON.parse(textOf(template.xy.objects['xy.json']!)));
          return { value, objects: { 'xy.json': jsonBytes(value) }, gives: template.xy.gives };
        },
      };
      const xy = await runStep(outputs, 'stage2-xy', made('xy', run.bundles.stage2, study), find, clock);
      const cut = {
        read: (key: string) => outputs.readJson('stage2-crops', key, 'crops.json', CropsArtefact),
        compute: async () => {
          const value = CropsArtefact.parse(JSON.parse(textOf(template.crops.objects['crops.json']!)));
          return { value, objects: { ...template.crops.objects, 'crops.json': jsonBytes(value) } };
        },
      };
      const crops = await runStep(outputs, 'stage2-crops', made('crops', undefined, study), cut, clock);
      const payload = { run: name, study, page, redo, stage1, xy: xy.record, crops: crops.record };
      return { next: 'stage3', payload, reused: false };
    };
  },
  stage3: ({ outputs, runs, meanMs, template }, gpu) => {
    return async ({ payload: { run: name, study, stage1, xy, crops }, run, clock }) => {
      if (!(await readStage1(outputs, stage1.key, clock))) throw new Error('stage 1 is gone');
      await clock.time('fetch', () => outputs.readJson('stage2-xy', xy.key, 'xy.json', XyArtefact));
      await clock.time('fetch', () => outputs.readJson('stage2-crops', crops.key, 'crops.json', CropsArtefact));
      await outputs.digests('stage2-crops', crops.key);
      const work = {
        read: (key: string) => outputs.readJson('stage3', key, 'severity.json', SeverityArtefact),
        compute: async () => {
          await clock.time('fetch', () => outputs.read('stage2-crops', crops.key, REGIONS_FILE));
          await gpu.run(serviceMs(study, 'stage3', meanMs));
          const value = SeverityArtefact.parse(JSON.parse(textOf(template.stage3.objects['severity.json']!)));
          return { value, objects: { 'severity.json': jsonBytes(value) } };
        },
      };
      const graded = await runStep(outputs, 'stage3', made('stage3', run.bundles.stage3, study), work, clock);
      const steps: Steps = { stage1, xy, crops, stage3: graded.record };
      const finished = new Date().toISOString();
      await clock.time('write', () => runs.writeResult({ ...template.result, run: name, study, steps, finished }));
      return { next: 'done', reused: false };
    };
  },
};

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function readStage1(outputs: StageOutputs, key: string, clock: JobClock) {
  return readUpstream(outputs, 'stage1', key, () =>
    clock.time('fetch', async () => ({
      index: await outputs.readJson('stage1', key, 'series-index.json', SeriesIndex),
      z: await outputs.readJson('stage1', key, 'z.json', ZArtefact),
    })),
  );
}

async function serve(wanted: WorkersWanted): Promise<void> {
  const { redisUrl, storeUrl, prefix, workers, meanMs, concurrency, lowWater } = wanted;
  const say = (what: WorkersSay) => process.send!(what);
  const requests: Record<string, number> = {};
  const store = observeStore(await openStore(storeUrl), {
    request: (operation, outcome) => {
      const name = outcome === 'ok' ? operation : `${operation} ${outcome}`;
      requests[name] = (requests[name] ?? 0) + 1;
    },
    read: () => {},
    written: () => {},
  });
  const template = await readTemplate(wanted);
  const options = { attempts: 3, backoffMs: 1000 };
  const connection = { prefix, lockMs: 30_000, ...options };
  const closers: (() => Promise<unknown>)[] = [];
  for (const stage of STAGE_NAMES) {
    // One per stage, since those of one process would otherwise each watch the event loop.
    const metrics = new WorkerMetrics(stage, { slots: concurrency * workers[stage] });
    for (let i = 0; i < workers[stage]; i++) {
      const redis = connectRedis(redisUrl, `bench-${stage}-${process.pid}-${i}`);
      const queues = new Queues(redis, prefix, options);
      const runs = new RunStore(store);
      const parts: Parts = { outputs: new StageOutputs(store), runs, pages: new PageCache(runs), meanMs, template };
      const log = createLogger(`worker-${stage}`, 'info', 'json');
      const inStage = PROCESSES[stage](parts, new SimulatedGpu()) as ProcessStudy<Stage>;
      const inWorker: ProcessStudy<Stage> = async (job) => {
        const outcome = await inStage(job);
        if (outcome.next === 'done') say({ scored: job.payload.study });
        return outcome;
      };
      const progress = new ProgressCounts(redis, prefix);
      const worker = new StageWorker<Stage>(
        stage,
        inWorker,
        {
          queues,
          runs,
          progress,
          metrics,
          log,
          onUnfit: () => {}, // a timer fits
        },
        { ...connection, connection: redis, concurrency },
      );
      const feeder = new Feeder(stage, queues, runs, log, { ...connection, connection: redis, lowWater });
      worker.onJobDone(() => feeder.jobDone());
      await feeder.start();
      worker.start();
      closers.push(async () => {
        await worker.close(10_000);
        await feeder.close();
        await queues.close();
        redis.disconnect();
      });
    }
  }
  let before = process.cpuUsage();
  say({ ready: true });
  process.on('message', (what) => {
    if (what === 'warm') {
      before = process.cpuUsage();
      for (const name of Object.keys(requests)) requests[name] = 0;
      return;
    }
    const { user, system } = process.cpuUsage(before);
    say({
      used: { cpuSeconds: (user + system) / 1e6, megabytes: process.memoryUsage.rss() / 2 ** 20, requests },
    });
    void Promise.all(closers.map((close) => close())).then(() => process.disconnect());
  });
}

process.once('message', (wanted) => void serve(wanted as WorkersWanted));

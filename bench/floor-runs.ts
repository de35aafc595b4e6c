/**
 * The floor: the model runs of studies with bare onnxruntime-node and nothing else. No batch of the pipeline can need
 * less CPU time than its model runs.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { LEVELS, SIDES, STAGE_NAMES, type Stage } from '@spineline/shared/domain';
import { type Bundle, membersOf, readBundleFolder } from '@spineline/shared/models';
import { beside, say } from './table.ts';

/** One model with the inputs of its runs. */
export interface ModelRuns {
  readonly task: string;
  readonly file: string;
  /** Samples per run; their sum is the number of samples per study. */
  readonly batches: readonly number[];
  /** Dimensions of each input by name, without the batch; float32. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

/** What the measured process is asked to do. */
export interface FloorRequest {
  readonly models: readonly ModelRuns[];
  /** Studies to run. */
  readonly studies: number;
}

/** What it answers: first `ready`, then, after the word `go`, the times. */
export type FloorAnswer =
  | { readonly ready: true }
  | {
      /** Wall seconds and CPU seconds (user and system) of all studies. */
      readonly seconds: number;
      readonly cpuSeconds: number;
      /** Wall seconds of all studies by `task/file`. */
      readonly byModel: Readonly<Record<string, number>>;
    };

/** What the model runs of one study cost, without sessions, start-up or tensors. */
export interface StageFloor {
  readonly runs: number;
  /** CPU seconds per study. */
  readonly cpuPerStudy: number;
  /** Wall seconds per study, with all processes at work. */
  readonly secondsPerStudy: number;
  /** Wall milliseconds per run by `task/file`. */
  readonly msPerRun: Readonly<Record<string, number>>;
}

export interface Floor {
  readonly processes: number;
  readonly batchSize: number;
  readonly stages: Readonly<Record<Stage, StageFloor>>;
  readonly cpuPerStudy: number;
  readonly secondsPerStudy: number;
}

export interface FloorOptions {
  /** Folder of the bundles `stage1`, `stage2`, `stage3`. */
  readonly models: string;
  /** Studies per process and stage. */
  readonly studies: number;
  /** Processes at a time, each with one thread per run. */
  readonly processes: number;
  /** Largest batch, as `SPINELINE_BATCH_SIZE`. */
  readonly batchSize: number;
}

/**
 * Measures the model runs of studies, stage after stage, so that only the sessions of one stage are in memory. Sessions
 * and the first run of each model, which allocates memory, are not counted.
 */
export async function measureFloor({ models, studies, processes, batchSize }: FloorOptions): Promise<Floor> {
  const stages = {} as Record<Stage, StageFloor>;
  for (const stage of STAGE_NAMES) {
    const runs = await runsOfStudy(join(models, stage), batchSize);
    const count = runs.reduce((sum, { batches }) => sum + batches.length, 0);
    say(`floor: ${stage}, ${count} runs per study, ${studies} studies in each of ${processes} processes`);
    stages[stage] = await measureStage(runs, studies, processes);
  }
  const sum = (of: (stage: StageFloor) => number) => STAGE_NAMES.reduce((total, stage) => total + of(stages[stage]), 0);
  return {
    processes,
    batchSize,
    stages,
    cpuPerStudy: sum(({ cpuPerStudy }) => cpuPerStudy),
    secondsPerStudy: sum(({ secondsPerStudy }) => secondsPerStudy),
  };
}

async function measureStage(models: readonly ModelRuns[], studies: number, processes: number): Promise<StageFloor> {
  const children = Array.from({ length: processes }, () => fork(beside('floor-process.ts')));
  try {
    const nextAnswers = async () => {
      const all = children.map(async (child) => {
        const ended = once(child, 'exit').then(([code]) => {
          throw new Error(`a process of the floor ended with exit code ${code}`);
        });
        const [answer] = (await Promise.race([once(child, 'message'), ended])) as [FloorAnswer];
        return answer;
      });
      return Promise.all(all);
    };
    const ready = nextAnswers();
    for (const child of children) child.send({ models, studies } satisfies FloorRequest);
    await ready;
    const answers = nextAnswers();
    for (const child of children) child.send('go');
    const times = (await answers).filter((answer) => 'seconds' in answer);
    const done = studies * processes;
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    return {
      runs: models.reduce((sum, { batches }) => sum + batches.length, 0),
      cpuPerStudy: times.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / done,
      secondsPerStudy: Math.max(...times.map(({ seconds }) => seconds)) / done,
      msPerRun: Object.fromEntries(
        models.map(({ task, file, batches }) => [
          modelName({ task, file }),
          (1000 * mean(times.map(({ byModel }) => byModel[modelName({ task, file })]!))) / (studies * batches.length),
        ]),
      ),
    };
  } finally {
    for (const child of children) child.kill();
  }
}

/** `scs/scs-cls.onnx` */
export function modelName({ task, file }: Pick<ModelRuns, 'task' | 'file'>): string {
  return `${task}/${file.split('/').at(-1)}`;
}

/** Images of the XY models, and targets of the severity models, of a study that has everything. */
const SAMPLES: Readonly<Record<Stage, Readonly<Record<string, number>>>> = {
  stage1: { scs: 1, nfn: 1 },
  stage2: { scs: 1, nfn: SIDES.length, ss: LEVELS.length },
  stage3: { scs: LEVELS.length, nfn: SIDES.length * LEVELS.length, ss: SIDES.length * LEVELS.length },
};

/**
 * The model runs of one complete study as the pipeline makes them: with batches of 1, 4 in stage 1, 16 in stage 2 and 50
 * in stage 3 of the demo bundles.
 */
async function runsOfStudy(folder: string, batchSize: number): Promise<ModelRuns[]> {
  const { bundle } = await readBundleFolder(folder);
  const samples = SAMPLES[`stage${bundle.stage}`];
  return membersOf(bundle).map(({ task, member }) => ({
    task,
    file: join(folder, member.file),
    batches: batchesOf(samples[task]!, batchSize),
    inputs: inputsOf(bundle, task),
  }));
}

function batchesOf(samples: number, batchSize: number): number[] {
  const batches = Array.from({ length: Math.floor(samples / batchSize) }, () => batchSize);
  return samples % batchSize === 0 ? batches : [...batches, samples % batchSize];
}

function inputsOf(bundle: Bundle, task: string): ModelRuns['inputs'] {
  if (bundle.stage === 1) return { volume: [1, bundle.input.slices, ...bundle.input.size] };
  if (bundle.stage === 2) return { image: [bundle.input.channels, ...bundle.input.size] };
  const { slices, windows } = bundle.crops;
  const crop = (kind: string, middle: boolean) => {
    const window = windows.find((one) => one.kind === kind && (one.side === 'middle') === middle)!;
    return [slices, ...window.to];
  };
  if (task === 'ss') return { axial: crop('axial_t2', false) };
  return task === 'scs'
    ? { sagittal: crop('sagittal_t2', true), axial: crop('axial_t2', true) }
    : { sagittal: crop('sagittal_t1', false), axial: crop('axial_t2', false) };
}

/**
 * Removes stage outputs that no kept run reaches: mark and sweep, safe while workers run.
 *
 * Mark: for every kept run, the outputs that its results name are marked. For a study of it without a result, all
 * stored outputs are marked that the study would use. Runs in progress are always kept. The later keys of a study that
 * is not scored yet are unknown until its earlier steps are computed, and those may give the same outputs as in another
 * run. So the outputs that any other run made of that study are marked too, whether that run is kept or not.
 *
 * Sweep: the rest is deleted if it is older than the start of the mark by at least a grace time; outputs that workers
 * write meanwhile are younger. Runs that were created or resumed meanwhile are marked before anything is deleted. The
 * commit of an output is deleted first, so that the output is absent at once. A worker that was about to read it finds
 * it absent and computes it.
 */

import { mapInOrder, type StudyEntry } from '../dataset/index.ts';
import { STEPS, STEP_NAMES, type Step, OUTPUT_NAMES, type OutputName } from '../domain/index.ts';
import type { RunRecord, RunStore } from '../runs/index.ts';
import { type ObjectStore, outputOfKey, StageOutputs, stageFolder } from '../store/index.ts';
import { openPipeline, type Pipeline } from './key-forecast.ts';

const LOOKUPS_AT_ONCE = 48;
const DELETES_AT_ONCE = 16;

export interface GarbageOptions {
  /** Whether to keep a run. Runs in progress are kept in any case. */
  readonly keep: (run: RunRecord) => boolean;
  /** Outputs written later than this many ms before the mark began stay. */
  readonly graceMs: number;
  readonly dryRun: boolean;
  readonly onProgress?: (progress: GarbageProgress) => void;
}

export interface GarbageProgress {
  readonly phase: 'mark' | 'sweep';
  readonly run?: string;
  /** Studies of the run that are marked, or outputs that are checked. */
  readonly done: number;
}

export interface KeptRun {
  readonly run: string;
  readonly why: 'asked' | 'under way';
  readonly studies: number;
  readonly unscored: number;
}

export interface SweptStage {
  readonly outputs: number;
  readonly bytes: number;
}

export interface GarbageReport {
  readonly kept: readonly KeptRun[];
  readonly notKept: readonly string[];
  /** Outputs that kept runs reach. */
  readonly reached: number;
  /** Outputs that are not reached but too young to be deleted. */
  readonly young: number;
  readonly swept: Readonly<Record<OutputName, SweptStage>>;
}

/** @throws {ArtefactDamagedError} if the record or the dataset of a run is damaged. Nothing is deleted then. */
export async function collectGarbage(
  store: ObjectStore,
  runs: RunStore,
  options: GarbageOptions,
): Promise<GarbageReport> {
  const before = new Date(Date.now() - options.graceMs);
  const mark = new Mark(store, runs, options);
  await mark.runs();
  const unreached: Unreached[] = [];
  let young = 0;
  let looked = 0;
  for (const stage of OUTPUT_NAMES) {
    for await (const output of outputsOf(store, stage)) {
      options.onProgress?.({ phase: 'sweep', done: ++looked });
      if (mark.has(stage, output.key)) continue;
      if (output.newest >= before) young += 1;
      else unreached.push(output);
    }
  }
  // A run that was enqueued or resumed in the meantime may use outputs that no other run needs.
  await mark.runs();
  const swept = Object.fromEntries(OUTPUT_NAMES.map((stage) => [stage, { outputs: 0, bytes: 0 }])) as Record<
    OutputName,
    { outputs: number; bytes: number }
  >;
  const outputs = new StageOutputs(store);
  const sweep = async ({ stage, key, bytes }: Unreached) => {
    if (mark.has(stage, key)) return;
    if (!options.dryRun) await outputs.invalidate(stage, key);
    swept[stage].outputs += 1;
    swept[stage].bytes += bytes;
  };
  for await (const _ of mapInOrder(unreached, DELETES_AT_ONCE, sweep));
  return { kept: mark.kept, notKept: mark.notKept, reached: mark.size, young, swept };
}

interface Unreached {
  readonly stage: OutputName;
  readonly key: string;
  readonly bytes: number;
}

/** Every output of a stage, committed or only partly written, with the time of its newest object. */
async function* outputsOf(store: ObjectStore, stage: OutputName): AsyncGenerator<Unreached & { newest: Date }> {
  let current: { stage: OutputName; key: string; bytes: number; newest: Date } | undefined;
  for await (const { key: path, size, modified } of store.list(stageFolder(stage))) {
    const key = outputOfKey(path);
    if (!key) continue;
    if (current?.key !== key) {
      if (current) yield current;
      current = { stage, key, bytes: 0, newest: modified };
    }
    current.bytes += size;
    if (modified > current.newest) current.newest = modified;
  }
  if (current) yield current;
}

class Mark {
  readonly kept: KeptRun[] = [];
  notKept: string[] = [];
  readonly #store: ObjectStore;
  readonly #runs: RunStore;
  readonly #options: GarbageOptions;
  readonly #marked: Record<OutputName, Set<string>>;
  /** Studies without a result in at least one kept run. */
  readonly #open = new Set<string>();

  constructor(store: ObjectStore, runs: RunStore, options: GarbageOptions) {
    this.#store = store;
    this.#runs = runs;
    this.#options = options;
    this.#marked = Object.fromEntries(OUTPUT_NAMES.map((stage) => [stage, new Set()])) as Record<
      OutputName,
      Set<string>
    >;
  }

  has(stage: OutputName, key: string): boolean {
    return this.#marked[stage].has(key);
  }

  get size(): number {
    return OUTPUT_NAMES.reduce((sum, stage) => sum + this.#marked[stage].size, 0);
  }

  /** Marks what kept runs reach. A second call adds runs that were created or resumed since. */
  async runs(): Promise<void> {
    const marked = new Set(this.kept.map(({ run }) => run));
    this.notKept = [];
    for await (const name of this.#runs.names()) {
      if (marked.has(name)) continue;
      const run = await this.#runs.readRun(name);
      const { scored, failed } = await this.#runs.finished(name);
      const isUnderWay = scored.size + failed.size < run.studies && !(await this.#runs.cancelled(name));
      const asked = this.#options.keep(run);
      if (!asked && !isUnderWay) {
        this.notKept.push(name);
        continue;
      }
      const unscored = run.studies - scored.size;
      this.kept.push({ run: name, why: asked ? 'asked' : 'under way', studies: run.studies, unscored });
      await this.#markScored(name, scored);
      if (unscored > 0) await this.#markUnscored(run, (study) => !scored.has(study));
    }
    if (this.#open.size > 0) for (const name of this.notKept) await this.#markOfOpen(await this.#runs.readRun(name));
  }

  async #markScored(run: string, studies: Iterable<string>): Promise<void> {
    let done = 0;
    for await (const steps of mapInOrder(studies, LOOKUPS_AT_ONCE, (study) => this.#runs.findSteps(run, study))) {
      this.#options.onProgress?.({ phase: 'mark', run, done: ++done });
      if (steps) this.#markSteps(steps);
    }
  }

  /** Marks the outputs of studies that are not scored yet and of failed ones, which a retry would use. */
  async #markUnscored(run: RunRecord, isUnscored: (study: string) => boolean): Promise<void> {
    const pipeline = await openPipeline(this.#store, run.bundles);
    await this.#eachStudy(run, isUnscored, async (study) => {
      this.#open.add(study.study);
      const before = await this.#runs.stepsBefore(run, study.study);
      if (before) this.#markSteps(before);
      this.#markSteps(await pipeline.ofRunStudy(study, run, before));
    });
  }

  /** Marks the outputs that a run that is not kept made of studies without a result in a kept run. */
  async #markOfOpen(run: RunRecord): Promise<void> {
    let pipeline: Pipeline | undefined;
    await this.#eachStudy(
      run,
      (study) => this.#open.has(study),
      async (study) => {
        const steps = await this.#runs.findSteps(run.run, study.study);
        if (steps) return this.#markSteps(steps);
        pipeline ??= await openPipeline(this.#store, run.bundles);
        this.#markSteps(await pipeline.ofRunStudy(study, run, await this.#runs.stepsBefore(run, study.study)));
      },
    );
  }

  async #eachStudy(
    run: RunRecord,
    fits: (study: string) => boolean,
    mark: (study: StudyEntry) => Promise<void>,
  ): Promise<void> {
    let done = 0;
    for (const page of (await this.#runs.readDataset(run.dataset)).pages) {
      const studies = (await this.#runs.readPage(page)).filter(({ study }) => fits(study));
      for await (const _ of mapInOrder(studies, LOOKUPS_AT_ONCE, mark)) {
        this.#options.onProgress?.({ phase: 'mark', run: run.run, done: ++done });
      }
    }
  }

  #markSteps(steps: Readonly<Record<Step, { readonly key?: string }>>): void {
    for (const step of STEP_NAMES) {
      const { key } = steps[step];
      if (key) this.#marked[STEPS[step].output].add(key);
    }
  }
}

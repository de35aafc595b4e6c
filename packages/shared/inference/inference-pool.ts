/**
 * Inference threads and the batcher in front of them. Samples of several studies are gathered into batches, and each
 * sample succeeds or fails on its own.
 *
 * A sample's life: `infer` puts it in the line (the queue) of its ensemble -> the line goes to an idle thread when it
 * holds a full batch or its oldest sample has waited `batchDelayMs` -> the thread runs every member on the batch -> the
 * sample's promise resolves with one output per member. If a batch of several samples fails, they run again one by one,
 * so that only the faulty one fails. If a thread dies, its batch fails as transient and a new thread replaces it.
 *
 * Samples are handed over: their arrays move to the thread, and the caller must not use them again.
 */

import './no-telemetry.ts';
import { Worker } from 'node:worker_threads';
import { BundleError, SpinelineError } from '../domain/index.ts';
import {
  buffersOf,
  type Placement,
  type Sample,
  type SampleDims,
  type SampleOutput,
  type SessionOptions,
  type ThreadReply,
  type ThreadRequest,
} from './inference-protocol.ts';

/** One model of an ensemble. */
export interface EnsembleMember {
  /** For messages. */
  readonly file: string;
  readonly sha256: string;
  readonly bytes: Uint8Array;
  readonly precision: 'float32' | 'float16';
  /** The output that the model must give for a sample. It is checked, so that a model with another shape fails. */
  readonly output?: { readonly name: string; readonly dims: readonly number[] };
}

/** The members that answer one task together. A batch holds samples of one ensemble. */
export interface Ensemble {
  /** Identifies the line. Ensembles with the same id have the same members. */
  readonly id: string;
  readonly members: readonly EnsembleMember[];
}

export interface InferencePoolOptions extends Omit<SessionOptions, 'deviceId'> {
  /** Inference threads. */
  readonly threads: number;
  /** GPUs, which the threads share evenly. */
  readonly devices: readonly number[];
  /** Largest batch. */
  readonly batchSize: number;
  /** How long an idle thread waits for a full batch, in ms. */
  readonly batchDelayMs: number;
  /** Called after each batch, for metrics. */
  readonly onBatch?: (batch: { ensemble: string; samples: number; waitMs: number; busyMs: number }) => void;
}

/** Called when the models start on a sample. The function that it returns is called when they have finished. */
export type OnRunning = () => () => void;

interface Waiting {
  /** Given back by the thread if the batch fails. */
  sample: Sample;
  readonly onRunning: OnRunning | undefined;
  readonly since: number;
  readonly resolve: (outputs: SampleOutput[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Line {
  readonly ensemble: Ensemble;
  readonly waiting: Waiting[];
}

/** Thrown when a model run fails: the sample does not fit the model, or the thread died. */
export class InferenceError extends SpinelineError {
  constructor(code: 'INFERENCE_FAILED' | 'INFERENCE_THREAD_DIED', summary: string, options: { cause?: unknown } = {}) {
    super(code, code === 'INFERENCE_FAILED' ? 'permanent' : 'transient', summary, {}, options);
  }
}

export class InferencePool {
  readonly #options: InferencePoolOptions;
  readonly #threads: InferenceThread[];
  readonly #lines = new Map<string, Line>();
  /** Memory that samples have given away. */
  readonly #given = new WeakSet<ArrayBuffer>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: InferencePoolOptions) {
    this.#options = options;
    const { threads, devices, executionProvider, intraOpThreads } = options;
    this.#threads = Array.from({ length: threads }, (_, i) => {
      const deviceId = devices[i % devices.length] ?? 0;
      return new InferenceThread({ executionProvider, intraOpThreads, deviceId });
    });
  }

  /**
   * Runs a member on samples of zeros, on one thread of every device, with a batch of 1 and of the largest size. These
   * threads keep the model, so that the first study does not wait for it.
   *
   * @param dims dimensions of a sample.
   * @returns where its nodes run; `undefined` on a CPU.
   * @throws {InferenceError} `INFERENCE_FAILED` if the model cannot be loaded or does not run, with the reason.
   * @throws {BundleError} if it has another output than its bundle says.
   */
  async tryMember(member: EnsembleMember, dims: SampleDims): Promise<Placement | undefined> {
    const { batchSize, devices, executionProvider } = this.#options;
    const batches = [...new Set([1, batchSize])];
    const placement = executionProvider !== 'cpu';
    const onePerDevice = this.#threads.slice(0, placement ? devices.length : 1);
    const found = await Promise.all(onePerDevice.map((thread) => thread.try(member, dims, batches, placement)));
    return found[0];
  }

  /**
   * Runs one sample through every member of an ensemble.
   *
   * @param sample its arrays are transferred to a thread, so no other sample may have them.
   * @param onRunning lets the caller measure waiting and running separately.
   * @returns one output per member, in member order.
   * @throws {InferenceError} permanent if this sample does not fit the model, transient if the thread died.
   * @throws {BundleError} if ONNX Runtime cannot load a member, or a member has other outputs than its bundle says.
   */
  infer(ensemble: Ensemble, sample: Sample, onRunning?: OnRunning): Promise<SampleOutput[]> {
    if (this.#closed) return Promise.reject(new InferenceError('INFERENCE_THREAD_DIED', 'the pool is closed'));
    const own = ownMemory(sample);
    for (const buffer of buffersOf([own])) {
      if (this.#given.has(buffer)) return Promise.reject(new RangeError('the arrays of a sample were given before'));
      this.#given.add(buffer);
    }
    return new Promise((resolve, reject) => {
      let line = this.#lines.get(ensemble.id);
      if (!line) {
        line = { ensemble, waiting: [] };
        this.#lines.set(ensemble.id, line);
      }
      line.waiting.push({ sample: own, onRunning, since: performance.now(), resolve, reject });
      this.#flush();
    });
  }

  /** Share of the threads that are running a batch now, 0 to 1. */
  get busy(): number {
    return this.#threads.filter((thread) => !thread.idle).length / this.#threads.length;
  }

  /** Stops the threads. Waiting samples are rejected as transient. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const left = [...this.#lines.values()].flatMap(({ waiting }) => waiting);
    this.#lines.clear();
    for (const { reject } of left) reject(new InferenceError('INFERENCE_THREAD_DIED', 'the pool is closed'));
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  /** Gives every idle thread a batch of the ripest line, and sets the timer for the next line. */
  #flush(): void {
    clearTimeout(this.#timer);
    for (const thread of this.#threads) {
      if (!thread.idle) continue;
      const line = this.#ripest();
      if (!line) break;
      const batch = line.waiting.splice(0, this.#options.batchSize);
      if (line.waiting.length === 0) this.#lines.delete(line.ensemble.id);
      void this.#run(thread, line.ensemble, batch).finally(() => this.#flush());
    }
    if (this.#lines.size > 0 && this.#threads.some((thread) => thread.idle)) {
      const ripeAt =
        Math.min(...[...this.#lines.values()].map((line) => line.waiting[0]!.since)) + this.#options.batchDelayMs;
      this.#timer = setTimeout(() => this.#flush(), Math.max(1, ripeAt - performance.now()));
    }
  }

  /** The line that has waited longest among those that are full or have waited long enough. */
  #ripest(): Line | undefined {
    const now = performance.now();
    const ripe = [...this.#lines.values()].filter(
      ({ waiting }) =>
        waiting.length >= this.#options.batchSize || now - waiting[0]!.since >= this.#options.batchDelayMs,
    );
    return ripe.sort((a, b) => a.waiting[0]!.since - b.waiting[0]!.since)[0];
  }

  async #run(thread: InferenceThread, ensemble: Ensemble, batch: readonly Waiting[]): Promise<void> {
    const startedAt = performance.now();
    const ends = batch.map(({ onRunning }) => onRunning?.());
    try {
      const { outputs, busyMs } = await thread
        .run(
          ensemble,
          batch.map(({ sample }) => sample),
          (samples) => samples.forEach((sample, i) => (batch[i]!.sample = sample)),
        )
        .finally(() => {
          for (const end of ends) end?.();
        });
      for (const [index, member] of ensemble.members.entries()) checkOutput(member, outputs[index]![0]!);
      this.#options.onBatch?.({
        ensemble: ensemble.id,
        samples: batch.length,
        waitMs: startedAt - batch[0]!.since,
        busyMs,
      });
      for (const [index, { resolve }] of batch.entries()) resolve(outputs.map((member) => member[index]!));
    } catch (error) {
      const retryAlone = batch.length > 1 && error instanceof InferenceError && error.kind === 'permanent';
      if (!retryAlone) for (const { reject } of batch) reject(error);
      else for (const one of batch) await this.#run(thread, ensemble, [one]);
    }
  }
}

/** A sample whose arrays can be transferred: a part of a larger buffer is copied. */
function ownMemory(sample: Sample): Sample {
  const parts = Object.values(sample).some(({ data }) => data.byteLength !== data.buffer.byteLength);
  if (!parts) return sample;
  return Object.fromEntries(
    Object.entries(sample).map(([name, { dims, data }]) => [name, { dims, data: data.slice() }]),
  );
}

/** All samples of a batch have the same shapes, so checking one is enough. */
function checkOutput(
  { sha256, output }: { readonly sha256: string; readonly output?: EnsembleMember['output'] },
  found: SampleOutput,
): void {
  if (!output || found[output.name]?.dims.join() === output.dims.join()) return;
  const described = Object.entries(found).map(([name, { dims }]) => `${name} [${dims.join(', ')}]`);
  throw new BundleError('BUNDLE_OUTPUT_UNEXPECTED', `model ${sha256} does not give the output that its bundle says`, {
    expected: `${output.name} [${output.dims.join(', ')}] a sample`,
    found: described.join(', '),
  });
}

/** One worker thread and the sessions that it holds. */
class InferenceThread {
  readonly #options: SessionOptions;
  readonly #pending = new Map<number, { resolve: (reply: ThreadReply) => void; reject: (error: unknown) => void }>();
  readonly #loaded = new Set<string>();
  #worker: Worker | undefined;
  #nextId = 0;
  #running = 0;
  #closing = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get idle(): boolean {
    return this.#running === 0;
  }

  /** @param giveBack called with the samples of a batch that failed, so that they can run again. */
  async run(
    ensemble: Ensemble,
    samples: readonly Sample[],
    giveBack: (samples: readonly Sample[]) => void,
  ): Promise<{ outputs: SampleOutput[][]; busyMs: number }> {
    this.#running += 1;
    try {
      for (const member of ensemble.members) await this.#load(member);
      const models = ensemble.members.map(({ sha256 }) => sha256);
      const reply = await this.#ask({ type: 'run', models, samples }, buffersOf(samples));
      if (reply.ok) return reply;
      if (reply.samples) giveBack(reply.samples);
      throw new InferenceError('INFERENCE_FAILED', `model run failed: ${reply.message}`);
    } finally {
      this.#running -= 1;
    }
  }

  /** As `InferencePool.tryMember`, on this thread. */
  async try(
    { sha256, bytes, precision, output }: EnsembleMember,
    dims: SampleDims,
    batches: readonly number[],
    placement: boolean,
  ): Promise<Placement | undefined> {
    this.#running += 1;
    try {
      const reply = await this.#ask({ type: 'try', model: sha256, bytes, precision, dims, batches, placement });
      if (!reply.ok) throw new InferenceError('INFERENCE_FAILED', reply.message);
      checkOutput({ sha256, output }, reply.outputs[0]![0]!);
      this.#loaded.add(sha256);
      return reply.placement;
    } finally {
      this.#running -= 1;
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#worker?.terminate();
  }

  async #load({ sha256, bytes, precision }: EnsembleMember): Promise<void> {
    if (this.#loaded.has(sha256) && this.#worker) return;
    const reply = await this.#ask({ type: 'load', model: sha256, bytes, precision });
    if (!reply.ok) {
      throw new BundleError('BUNDLE_MODEL_UNUSABLE', `ONNX Runtime cannot load model ${sha256}: ${reply.message}`);
    }
    this.#loaded.add(sha256);
  }

  #ask(request: WithoutId<ThreadRequest>, transfer: ArrayBuffer[] = []): Promise<ThreadReply> {
    // A sample that is retried while the pool closes must not start a thread that nothing stops.
    if (this.#closing) return Promise.reject(new InferenceError('INFERENCE_THREAD_DIED', 'the pool is closed'));
    const worker = this.#worker ?? this.#start();
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      worker.postMessage({ ...request, id }, transfer);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./inference-thread.ts', import.meta.url), {
      workerData: this.#options,
      // Its objects are few, so a small new space is enough: V8's own choice keeps tens of MB.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker = worker;
    this.#loaded.clear();
    worker.on('message', (reply: ThreadReply) => {
      const pending = this.#pending.get(reply.id);
      this.#pending.delete(reply.id);
      pending?.resolve(reply);
    });
    worker.on('error', (cause: unknown) => this.#died(worker, cause));
    worker.on('exit', (code) => this.#died(worker, new Error(`exit code ${code}`)));
    return worker;
  }

  #died(worker: Worker, cause: unknown): void {
    // 'exit' follows 'error'; by then another thread may have replaced this one.
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const why = this.#closing ? 'the pool is closed' : 'the inference thread died';
    for (const { reject } of this.#pending.values()) {
      reject(new InferenceError('INFERENCE_THREAD_DIED', why, { cause }));
    }
    this.#pending.clear();
  }
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

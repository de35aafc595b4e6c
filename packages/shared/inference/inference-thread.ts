/**
 * The body of an inference thread: it holds ONNX Runtime sessions and runs batches on them.
 *
 * `InferenceSession.run` is synchronous in onnxruntime-node (measured on 1.30: a 0.5 s model stops every timer for 0.5
 * s), so it must never run on the thread where BullMQ renews its locks. Sessions are kept for the life of the thread:
 * creating and releasing them repeatedly leaks memory.
 */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort, threadId, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import {
  buffersOf,
  type Model,
  type Placement,
  type Sample,
  type SampleDims,
  type SampleOutput,
  type SessionOptions,
  type ThreadReply,
  type ThreadRequest,
} from './inference-protocol.ts';
import { readPlacement } from './placement.ts';
import { sessionOptions } from './session-options.ts';

const options = workerData as SessionOptions;
const sessions = new Map<string, ort.InferenceSession>();
/** Memory of batches by input name, reused from batch to batch. It grows to the largest batch. */
const batchMemory = new Map<string, Float32Array<ArrayBuffer>>();

parentPort?.on('message', (request: ThreadRequest) => {
  // Requests run one at a time: a model run blocks the thread, so the next message waits.
  answer(request).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    const samples = request.type === 'run' ? request.samples : [];
    parentPort?.postMessage({ id: request.id, ok: false, message, samples } satisfies ThreadReply, buffersOf(samples));
  });
});

async function answer(request: ThreadRequest): Promise<void> {
  const started = performance.now();
  if (request.type === 'load') {
    if (!sessions.has(request.model)) sessions.set(request.model, await createSession(request));
    reply(request.id, [], started);
  } else if (request.type === 'try') {
    const { outputs, placement } = await tryModel(request);
    reply(request.id, [outputs], started, placement);
  } else {
    const feeds = stack(request.samples);
    const outputs: SampleOutput[][] = [];
    for (const model of request.models) {
      const session = sessions.get(model);
      if (!session) throw new Error(`model ${model} was not loaded`);
      outputs.push(unstack(await session.run(feeds), request.samples.length));
    }
    reply(request.id, outputs, started);
  }
}

function reply(id: number, outputs: SampleOutput[][], started: number, placement?: Placement): void {
  const message = { id, ok: true, outputs, busyMs: performance.now() - started, placement } satisfies ThreadReply;
  parentPort?.postMessage(message, buffersOf(outputs.flat()));
}

function createSession({ bytes, precision }: Model, more: ort.InferenceSession.SessionOptions = {}) {
  return ort.InferenceSession.create(bytes, { ...sessionOptions(options, precision, bytes.byteLength), ...more });
}

/** Runs a model on zeros, once per batch size, and keeps its session. */
async function tryModel(
  request: ThreadRequest & { type: 'try' },
): Promise<{ outputs: SampleOutput[]; placement?: Placement }> {
  const { model, dims, batches, placement } = request;
  // ONNX Runtime says where nodes run only in the profile of a session.
  const prefix = join(tmpdir(), `spineline-placement-${process.pid}-${threadId}`);
  const known = sessions.get(model);
  const profiling = placement && !known;
  const session =
    known ?? (await createSession(request, profiling ? { enableProfiling: true, profileFilePrefix: prefix } : {}));
  let outputs: SampleOutput[] = [];
  for (const batch of batches) outputs = unstack(await session.run(zeros(dims, batch)), batch);
  sessions.set(model, session);
  return profiling ? { outputs, placement: readPlacement(session, prefix, options.executionProvider) } : { outputs };
}

function zeros(dims: SampleDims, batch: number): Record<string, ort.Tensor> {
  const feeds: Record<string, ort.Tensor> = {};
  for (const [name, shape] of Object.entries(dims)) {
    const size = shape.reduce((product, dim) => product * dim, batch);
    feeds[name] = new ort.Tensor('float32', new Float32Array(size), [batch, ...shape]);
  }
  return feeds;
}

/**
 * Samples of equal shapes -> one tensor per input, batch dimension first. One sample is used where it is; several are
 * copied behind each other.
 */
function stack(samples: readonly Sample[]): Record<string, ort.Tensor> {
  const first = samples[0];
  if (!first) throw new Error('a batch needs at least one sample');
  const feeds: Record<string, ort.Tensor> = {};
  for (const [name, { dims }] of Object.entries(first)) {
    const size = dims.reduce((product, dim) => product * dim, 1);
    samples.forEach((sample, index) => {
      if (sample[name]?.data.length === size) return;
      throw new Error(`sample ${index} of the batch: input ${name} should have shape [${dims.join(', ')}]`);
    });
    let data = first[name]!.data as Float32Array<ArrayBuffer>;
    if (samples.length > 1) {
      data = batchOf(name, size * samples.length);
      samples.forEach((sample, index) => data.set(sample[name]!.data, index * size));
    }
    feeds[name] = new ort.Tensor('float32', data, [samples.length, ...dims]);
  }
  return feeds;
}

function batchOf(input: string, size: number): Float32Array<ArrayBuffer> {
  let memory = batchMemory.get(input);
  if (!memory || memory.length < size) {
    memory = new Float32Array(size);
    batchMemory.set(input, memory);
  }
  return memory.subarray(0, size);
}

/** One tensor per output, batch dimension first -> outputs per sample. */
function unstack(results: ort.InferenceSession.ReturnType, count: number): SampleOutput[] {
  const samples: Record<string, { dims: number[]; data: Float32Array }>[] = Array.from({ length: count }, () => ({}));
  for (const [name, value] of Object.entries(results)) {
    const tensor = value as ort.Tensor;
    const [batch, ...dims] = tensor.dims;
    if (tensor.type !== 'float32' || batch !== count) {
      throw new Error(
        `output ${name} should be float32 with batch ${count}; found ${tensor.type} [${tensor.dims.join(', ')}]`,
      );
    }
    const size = dims.reduce((product, dim) => product * dim, 1);
    const data = tensor.data as Float32Array;
    // Comparisons with NaN are false: a slice or a class would be chosen without any warning.
    if (!data.every(Number.isFinite)) throw new Error(`output ${name} has values that are not finite`);
    for (let index = 0; index < count; index++) {
      samples[index]![name] = { dims, data: data.slice(index * size, (index + 1) * size) };
    }
  }
  return samples;
}

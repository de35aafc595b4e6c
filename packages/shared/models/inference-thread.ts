/**
 * The body of an inference thread: it holds ONNX Runtime sessions and runs batches on them.
 *
 * `InferenceSession.run` is synchronous in onnxruntime-node (measured on 1.30: a 0.5 s model stops every timer for 0.5
 * s), so it must never run on the thread where BullMQ renews its locks. Sessions are kept for the life of the thread:
 * creating and releasing them repeatedly leaks memory. Outputs are plain ArrayBuffers, since ONNX Runtime refuses
 * SharedArrayBuffers.
 */

import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import type { Sample, SampleOutput, SessionOptions, ThreadReply, ThreadRequest } from './inference-protocol.ts';

const options = workerData as SessionOptions;
const sessions = new Map<string, ort.InferenceSession>();

parentPort?.on('message', (request: ThreadRequest) => {
  // Requests run one at a time: a model run blocks the thread, so the next message waits.
  answer(request).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ id: request.id, ok: false, message } satisfies ThreadReply);
  });
});

async function answer(request: ThreadRequest): Promise<void> {
  const started = performance.now();
  if (request.type === 'load') {
    if (!sessions.has(request.model)) {
      const session = await ort.InferenceSession.create(request.bytes, {
        executionProviders: [options.executionProvider],
        intraOpNumThreads: options.intraOpThreads,
        interOpNumThreads: 1,
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
      });
      sessions.set(request.model, session);
    }
    reply(request.id, [], started);
    return;
  }
  const feeds = stack(request.samples);
  const outputs: SampleOutput[][] = [];
  for (const model of request.models) {
    const session = sessions.get(model);
    if (!session) throw new Error(`model ${model} was not loaded`);
    outputs.push(unstack(await session.run(feeds), request.samples.length));
  }
  reply(request.id, outputs, started);
}

function reply(id: number, outputs: SampleOutput[][], started: number): void {
  const buffers = outputs.flatMap((samples) =>
    samples.flatMap((sample) => Object.values(sample).map((tensor) => tensor.data.buffer as ArrayBuffer)),
  );
  parentPort?.postMessage(
    { id, ok: true, outputs, busyMs: performance.now() - started } satisfies ThreadReply,
    buffers,
  );
}

/** Samples of equal shapes -> one tensor per input, batch dimension first. */
function stack(samples: readonly Sample[]): Record<string, ort.Tensor> {
  const first = samples[0];
  if (!first) throw new Error('a batch needs at least one sample');
  const feeds: Record<string, ort.Tensor> = {};
  for (const [name, { dims }] of Object.entries(first)) {
    const size = dims.reduce((product, dim) => product * dim, 1);
    const data = new Float32Array(size * samples.length);
    samples.forEach((sample, index) => {
      const tensor = sample[name];
      if (!tensor || tensor.data.length !== size) {
        throw new Error(`sample ${index} of the batch: input ${name} should have shape [${dims.join(', ')}]`);
      }
      data.set(tensor.data, index * size);
    });
    feeds[name] = new ort.Tensor('float32', data, [samples.length, ...dims]);
  }
  return feeds;
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

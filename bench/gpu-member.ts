/**
 * The process of `gpu.ts` that runs one model with bare onnxruntime-node. It sends each figure as soon as it has it, so
 * that a crash loses only those that follow.
 */

import '../packages/shared/inference/no-telemetry.ts';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mulberry32 } from '@spineline/shared/evaluation';
import { prepareExecutionProvider, type Placement } from '@spineline/shared/inference';
import * as ort from 'onnxruntime-node';
import { readPlacement } from '../packages/shared/inference/placement.ts';
import { sessionOptions } from '../packages/shared/inference/session-options.ts';
import { type MemberFigures, type MemberRequest, median } from './gpu-figures.ts';

const SEED = 5;
/** Runs per batch size: as many as fit into this time, within these limits. */
const RUN_MS = 1000;
const RUNS_AT_LEAST = 5;
const RUNS_AT_MOST = 200;

const [request] = (await once(process, 'message')) as [MemberRequest];
const { file, precision, inputs, batches, provider, cores, compare } = request;
const random = mulberry32(SEED);
try {
  prepareExecutionProvider(provider);
  await measure();
  send({ done: true });
} catch (error) {
  send({ failure: (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').slice(0, 300) });
}
process.disconnect();

async function measure(): Promise<void> {
  const { executionProvider: name } = provider;
  const profiled = name !== 'cpu';
  const prefix = join(tmpdir(), `spineline-bench-${process.pid}`);
  const one = feedsOf(1);
  const loading = performance.now();
  const session = await ort.InferenceSession.create(file, {
    ...optionsOf(name),
    ...(profiled && { enableProfiling: true, profileFilePrefix: prefix }),
  });
  send({ loadMs: performance.now() - loading });
  const running = performance.now();
  const outputs = await session.run(one);
  send({ firstRunMs: performance.now() - running });
  if (profiled) send({ placement: readPlacement(session, prefix, name) satisfies Placement });

  for (const batch of batches) {
    const feeds = batch === 1 ? one : feedsOf(batch);
    // The first run of a batch size chooses algorithms and allocates memory.
    await session.run(feeds);
    const times: number[] = [];
    const began = performance.now();
    while (times.length < RUNS_AT_LEAST || (times.length < RUNS_AT_MOST && performance.now() - began < RUN_MS)) {
      const started = performance.now();
      await session.run(feeds);
      times.push(performance.now() - started);
    }
    send({ batchMs: { [batch]: median(times) } });
  }

  if (!compare || name === 'cpu') return;
  const onCpu = await ort.InferenceSession.create(file, optionsOf('cpu'));
  send({ difference: largestDifference(outputs, await onCpu.run(one)) });
}

function optionsOf(executionProvider: string): ort.InferenceSession.SessionOptions {
  const intraOpThreads = executionProvider === 'cpu' ? cores : 1;
  const deviceId = provider.devices[0] ?? 0;
  return sessionOptions({ executionProvider, deviceId, intraOpThreads }, precision, statSync(file).size);
}

/** Values in [0, 1), as those of normalised pixels. */
function feedsOf(batch: number): Record<string, ort.Tensor> {
  const tensors = Object.entries(inputs).map(([name, shape]) => {
    const dims = [batch, ...shape];
    const data = Float32Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, random);
    return [name, new ort.Tensor('float32', data, dims)] as const;
  });
  return Object.fromEntries(tensors);
}

/** @throws {Error} if the outputs differ in name or size, or hold a value that is not finite. */
function largestDifference(a: ort.InferenceSession.ReturnType, b: ort.InferenceSession.ReturnType): number {
  let largest = 0;
  for (const [name, { data: expected }] of Object.entries(b)) {
    const found = a[name]!.data as Float32Array;
    if (found.length !== expected.length) throw new Error(`output ${name} has another size than on the CPU`);
    for (const [i, value] of found.entries()) {
      const difference = Math.abs(value - (expected as Float32Array)[i]!);
      if (!Number.isFinite(difference)) throw new Error(`output ${name} has values that are not finite`);
      largest = Math.max(largest, difference);
    }
  }
  return largest;
}

function send(figures: MemberFigures): void {
  process.send!(figures);
}

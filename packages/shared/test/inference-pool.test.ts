/**
 * The batcher and the inference threads: real threads, real ONNX Runtime, models of a few bytes and the shipped ones.
 */

import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BundleError, ConfigError } from '../domain/index.ts';
import { checkExecutionProvider, InferencePool, type Sample, type SampleOutput } from '../inference/index.ts';
import { type Ensemble, InferenceError, type InferencePoolOptions } from '../inference/inference-pool.ts';
import { parseBundle } from '../models/bundle.ts';
import { slowLoop } from './fixtures/slow-loop.ts';
import { ROOT, randomNumbers } from './imaging-reference.ts';
import { tinyModel } from './support/tiny-onnx.ts';

const WIDTH = 4;
/** Longer than any test: a batch that is flushed was flushed because it was full. */
const NEVER_MS = 3_600_000;

type Batch = Parameters<NonNullable<InferencePoolOptions['onBatch']>>[0];

function openPool(options: Partial<InferencePoolOptions> = {}): { pool: InferencePool; batches: Batch[] } {
  const batches: Batch[] = [];
  const pool = new InferencePool({
    threads: 1,
    devices: [0],
    executionProvider: 'cpu',
    intraOpThreads: 1,
    batchSize: 4,
    batchDelayMs: 0,
    onBatch: (batch) => batches.push(batch),
    ...options,
  });
  onTestFinished(() => pool.close());
  return { pool, batches };
}
function ensemble(id: string, ...models: Uint8Array[]): Ensemble {
  return {
    id,
    members: models.map((bytes, i) => ({
      file: `${id}-${i}.onnx`,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      bytes,
      precision: 'float32',
    })),
  };
}
const NEGATE = ensemble('negate', tinyModel('Neg', WIDTH));
const LOGARITHM = ensemble('logarithm', tinyModel('Log', WIDTH));
const x = (...values: number[]): Sample => ({ x: { dims: [values.length], data: Float32Array.from(values) } });
const y = (outputs: SampleOutput[]) => outputs.map((output) => [...output.y!.data]);
const sizes = (batches: readonly Batch[]) => batches.map(({ ensemble: id, samples }) => `${id} ${samples}`);

const slowVolume = (): Sample => ({ volume: { dims: [1, 32, 4, 4], data: new Float32Array(512).fill(0.5) } });
/** About half a second on one core. */
const SLOW = ensemble('slow', slowLoop({ iterations: 8_000, outputs: 5 }));

describe('an answer', () => {
  it('has an output for every member, in their order, without the batch dimension', async () => {
    const { pool } = openPool();
    const both = ensemble('both', tinyModel('Relu', WIDTH), tinyModel('Neg', WIDTH));
    const outputs = await pool.infer(both, x(1, -2, 3, -4));
    expect(y(outputs)).toEqual([
      [1, 0, 3, 0],
      [-1, 2, -3, 4],
    ]);
    expect(outputs[0]!.y!.dims).toEqual([WIDTH]);
  });

  it('takes the sample’s arrays, and copies one that is part of a larger buffer', async () => {
    const { pool } = openPool();
    const sample = x(1, 2, 3, 4);
    await pool.infer(NEGATE, sample);
    expect(sample.x!.data).toHaveLength(0);
    const both = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const half = (from: number): Sample => ({ x: { dims: [WIDTH], data: both.subarray(from, from + WIDTH) } });
    const answers = await Promise.all([pool.infer(NEGATE, half(0)), pool.infer(NEGATE, half(WIDTH))]);
    expect(answers.map((answer) => y(answer)[0])).toEqual([
      [-1, -2, -3, -4],
      [-5, -6, -7, -8],
    ]);
    expect([...both]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('is refused for arrays that another sample has given away, before and after they are transferred', async () => {
    const { pool } = openPool();
    const sample = x(1, 2, 3, 4);
    const first = pool.infer(NEGATE, sample);
    await expect(pool.infer(NEGATE, { ...sample })).rejects.toThrow('the arrays of a sample were given before');
    expect(y(await first)[0]).toEqual([-1, -2, -3, -4]);
    await expect(pool.infer(NEGATE, sample)).rejects.toThrow('the arrays of a sample were given before');
  });

  it('is each caller’s own, whatever the batch', async () => {
    const { pool, batches } = openPool({ batchSize: 7, batchDelayMs: 5 });
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => pool.infer(NEGATE, x(i, i + 0.5, -i, 0))));
    answers.forEach((answer, i) => {
      expect(y(answer)[0]!.map((value) => value + 0)).toEqual([-i + 0, -i - 0.5, i, 0]);
    });
    expect(batches.reduce((sum, { samples }) => sum + samples, 0)).toBe(30);
    expect(Math.max(...batches.map(({ samples }) => samples))).toBe(7);
  });
});

describe('a batch', () => {
  it('is run as soon as it is full, without waiting for the delay', async () => {
    const { pool, batches } = openPool({ batchSize: 4, batchDelayMs: NEVER_MS });
    await Promise.all([1, 2, 3, 4].map((value) => pool.infer(NEGATE, x(value, 0, 0, 0))));
    expect(sizes(batches)).toEqual(['negate 4']);
  });

  it('is run when its first sample has waited long enough, with all that came until then', async () => {
    const { pool, batches } = openPool({ batchSize: 4, batchDelayMs: 30 });
    await Promise.all([1, 2, 3, 4, 5, 6].map((value) => pool.infer(NEGATE, x(value, 0, 0, 0))));
    expect(sizes(batches)).toEqual(['negate 4', 'negate 2']);
    expect(batches[1]!.waitMs).toBeGreaterThanOrEqual(30);
  });

  it('gathers while the thread is busy, and holds samples of one ensemble only, the oldest first', async () => {
    const { pool, batches } = openPool();
    const relu = ensemble('relu', tinyModel('Relu', WIDTH));
    await Promise.all([
      pool.infer(NEGATE, x(1, 0, 0, 0)),
      pool.infer(relu, x(1, 0, 0, 0)),
      pool.infer(NEGATE, x(2, 0, 0, 0)),
      pool.infer(relu, x(2, 0, 0, 0)),
      pool.infer(NEGATE, x(3, 0, 0, 0)),
    ]);
    expect(sizes(batches)).toEqual(['negate 1', 'relu 2', 'negate 2']);
  });

  it('goes to whichever thread is idle', async () => {
    const { pool } = openPool({ threads: 2, batchSize: 1 });
    expect(pool.busy).toBe(0);
    const first = pool.infer(NEGATE, x(1, 0, 0, 0));
    expect(pool.busy).toBe(0.5);
    const second = pool.infer(NEGATE, x(2, 0, 0, 0));
    expect(pool.busy).toBe(1);
    expect(y(await first)[0]![0]).toBe(-1);
    expect(y(await second)[0]![0]).toBe(-2);
  });

  it('gives a sample the same numbers whatever it is made of, within 1e-6', async () => {
    const path = `${ROOT}/models/demo/stage3`;
    const bundle = parseBundle(readFileSync(`${path}/bundle.json`, 'utf8'), path);
    const ss = ensemble('ss', ...bundle.tasks.scs.members.map(({ file }) => readFileSync(`${path}/${file}`)));
    const random = randomNumbers(3);
    const view = (height: number, width: number) => ({
      dims: [5, height, width],
      data: Float32Array.from({ length: 5 * height * width }, random),
    });
    const samples = Array.from({ length: 3 }, (): Sample => ({ sagittal: view(128, 224), axial: view(256, 256) }));
    const { pool, batches } = openPool({ batchSize: 3, batchDelayMs: NEVER_MS });
    // The pool takes what it is given.
    const together = await Promise.all(samples.map((sample) => pool.infer(ss, structuredClone(sample))));
    const { pool: single } = openPool({ batchSize: 1 });
    for (const [i, sample] of samples.entries()) {
      const alone = await single.infer(ss, sample);
      alone.forEach(({ logits }, member) => {
        logits!.data.forEach((value, k) => {
          expect(Math.abs(value - together[i]![member]!.logits!.data[k]!)).toBeLessThanOrEqual(1e-6);
        });
      });
    }
    expect(sizes(batches)).toEqual(['ss 3']);
  });
});

describe('a fault', () => {
  const settled = (work: Promise<SampleOutput[]>[]) =>
    Promise.all(
      work.map((one) =>
        one.then(
          (outputs) => y(outputs)[0],
          (error: unknown) => error,
        ),
      ),
    );

  it.each([0, 1, 2])('of the sample at place %i in a batch is its own: the others are answered', async (bad) => {
    const { pool } = openPool({ batchSize: 3, batchDelayMs: NEVER_MS });
    const samples = [0, 1, 2].map((i) => (i === bad ? x(1, 2, 3) : x(i, i, i, i + 1)));
    const answers = await settled(samples.map((sample) => pool.infer(NEGATE, sample)));
    answers.forEach((answer, i) => {
      if (i !== bad) expect((answer as number[])[3]).toBe(-i - 1);
      else expect(answer).toMatchObject({ code: 'INFERENCE_FAILED', kind: 'permanent' });
    });
  });

  it('is an input that the model does not have, and an answer that is not a number', async () => {
    const { pool } = openPool({ batchSize: 3, batchDelayMs: NEVER_MS });
    const named: Sample = { z: x(1, 2, 3, 4).x! };
    const [missing, infinite, fine] = await settled([
      pool.infer(LOGARITHM, named),
      pool.infer(LOGARITHM, x(1, 0, 1, 1)),
      pool.infer(LOGARITHM, x(1, 1, 1, 1)),
    ]);
    expect(missing).toBeInstanceOf(InferenceError);
    expect(infinite).toMatchObject({ code: 'INFERENCE_FAILED', summary: expect.stringContaining('not finite') });
    expect(fine).toEqual([0, 0, 0, 0]);
  });

  it('of a member that is no model fails its ensemble permanently, and no other', async () => {
    const { pool } = openPool({ batchSize: 2 });
    const broken = ensemble('broken', tinyModel('Neg', WIDTH), Buffer.from('this is no ONNX'));
    const answers = await settled([
      pool.infer(broken, x(1, 2, 3, 4)),
      pool.infer(broken, x(1, 2, 3, 4)),
      pool.infer(NEGATE, x(1, 2, 3, 4)),
    ]);
    for (const answer of answers.slice(0, 2)) {
      expect(answer).toBeInstanceOf(BundleError);
      expect(answer).toMatchObject({ code: 'BUNDLE_MODEL_UNUSABLE', kind: 'permanent' });
    }
    expect(answers[2]).toEqual([-1, -2, -3, -4]);
  });

  it('of a member whose output is not what its bundle says fails the sample permanently, naming both', async () => {
    const { pool } = openPool();
    const [member] = NEGATE.members;
    const expecting = (name: string, ...dims: number[]): Ensemble => ({
      id: `negate as ${name}`,
      members: [{ ...member!, output: { name, dims } }],
    });
    expect(y(await pool.infer(expecting('y', WIDTH), x(1, 2, 3, 4)))).toEqual([[-1, -2, -3, -4]]);
    for (const other of [expecting('logits', WIDTH), expecting('y', 5, 32)]) {
      const { name, dims } = other.members[0]!.output!;
      const error = await pool.infer(other, x(1, 2, 3, 4)).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(BundleError);
      expect(error).toMatchObject({ code: 'BUNDLE_OUTPUT_UNEXPECTED', kind: 'permanent' });
      expect((error as Error).message).toContain(`${name} [${dims.join(', ')}]`);
      expect((error as Error).message).toContain('found y [4]');
    }
  });

  it('of the thread is transient: its batch fails, and a new thread answers the next', async () => {
    const threads: Worker[] = [];
    const remember = (message: unknown) => threads.push((message as { worker: Worker }).worker);
    subscribe('worker_threads', remember);
    onTestFinished(() => void unsubscribe('worker_threads', remember));
    const { pool } = openPool();
    // Two members: the new thread has to be given both models again.
    const both = ensemble('both', tinyModel('Relu', WIDTH), tinyModel('Neg', WIDTH));
    await pool.infer(both, x(1, 2, 3, 4));
    expect(threads).toHaveLength(1);
    // What is no request ends the thread. To terminate it while ONNX Runtime works can end the whole process.
    threads[0]!.postMessage(null);
    const during = pool.infer(NEGATE, x(1, 2, 3, 4));
    const next = pool.infer(both, x(5, 6, 7, 8));
    await expect(during).rejects.toMatchObject({ code: 'INFERENCE_THREAD_DIED', kind: 'transient' });
    expect(y(await next)).toEqual([
      [5, 6, 7, 8],
      [-5, -6, -7, -8],
    ]);
    expect(threads).toHaveLength(2);
  });
});

describe('while a model computes', () => {
  it('timers of the main thread fire and the pool takes more samples', async () => {
    const { pool, batches } = openPool();
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 5);
    onTestFinished(() => clearInterval(timer));
    await pool.infer(SLOW, slowVolume());
    // A blocked main thread would have ticked not once: a batch of some 400 ms has room for 80.
    expect(batches[0]!.busyMs).toBeGreaterThan(50);
    expect(ticks).toBeGreaterThan(5);
  });
});

describe('closing', () => {
  it('rejects what waits and what runs as transient, and whatever comes later', async () => {
    const { pool } = openPool({ batchSize: 1 });
    const running = pool.infer(SLOW, slowVolume());
    const waiting = pool.infer(NEGATE, x(1, 2, 3, 4));
    const rejected = Promise.all(
      [running, waiting].map((one) =>
        expect(one).rejects.toMatchObject({ kind: 'transient', summary: 'the pool is closed' }),
      ),
    );
    await pool.close();
    await rejected;
    await expect(pool.infer(NEGATE, x(1, 2, 3, 4))).rejects.toMatchObject({ code: 'INFERENCE_THREAD_DIED' });
    await pool.close();
  });
});

describe('a member that is tried', () => {
  const dims = { x: [WIDTH] };

  it('runs with a batch of 1 and of the largest size, and is loaded then', async () => {
    const { pool } = openPool({ batchSize: 3 });
    // On a CPU nothing runs elsewhere, so nothing is counted.
    await expect(pool.tryMember(NEGATE.members[0]!, dims)).resolves.toBeUndefined();
    // Without its bytes a member that is not loaded could not answer.
    const loaded = { id: 'loaded', members: [{ ...NEGATE.members[0]!, bytes: new Uint8Array() }] };
    const answers = await Promise.all([1, 2].map((value) => pool.infer(loaded, x(value, 0, 0, 0))));
    expect(answers.map((answer) => y(answer)[0]![0])).toEqual([-1, -2]);
  });

  it('is refused with the reason if it cannot be loaded, or has another input or output', async () => {
    const { pool } = openPool();
    const member = NEGATE.members[0]!;
    const refused = (change: Partial<typeof member>, given = dims) =>
      pool.tryMember({ ...member, sha256: 'other', ...change }, given).catch((error: unknown) => error);
    const broken = await refused({ bytes: Buffer.from('no model') });
    expect(broken).toBeInstanceOf(InferenceError);
    expect(broken).toMatchObject({ code: 'INFERENCE_FAILED', message: expect.stringMatching(/protobuf/i) });
    expect(await refused({}, { x: [WIDTH + 1] })).toMatchObject({ code: 'INFERENCE_FAILED' });
    const output = { name: 'logits', dims: [3] };
    expect(await refused({ output })).toMatchObject({ code: 'BUNDLE_OUTPUT_UNEXPECTED' });
  });
});

describe('the execution provider', () => {
  const provider = (executionProvider: string, devices = [0]) => ({
    executionProvider,
    devices,
    tf32: true,
    tensorrt: { cache: undefined, float16: false },
  });

  it('cpu is there', async () => {
    await checkExecutionProvider(provider('cpu'));
  });

  it('that is not there is refused before any work is taken', async () => {
    const error = await checkExecutionProvider(provider('no-such-device')).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('cuda without its libraries is refused too, with the GPU and with what to do about it', async ({ skip }) => {
    const error = await checkExecutionProvider(provider('cuda', [3])).catch((thrown: unknown) => thrown);
    skip(error === undefined, 'this machine has CUDA and four GPUs');
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({
      summary: 'the execution provider cuda is not available on GPU 3',
      context: { hint: expect.stringContaining('CUDA 13') },
    });
  });
});

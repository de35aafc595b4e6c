/** Which settings `tune` measures, and which of them it chooses. */

import { describe, expect, it } from 'vitest';
import { readSettings } from '../config/index.ts';
import { studiesPerMinute } from '../inference/tune-load.ts';
import { choose, firstRound, secondRound, type Trial, type TuneTarget } from '../inference/tune.ts';
import { readBundleFolder } from '../models/index.ts';
import { tinyBundles } from './support/tiny-bundles.ts';

const GIB = 1024 ** 3;

async function target(
  stage: 'stage1' | 'stage2' | 'stage3',
  cores: number,
  environment: Readonly<Record<string, string>> = {},
  memory = 64 * GIB,
): Promise<TuneTarget> {
  const { bundle } = await readBundleFolder((await tinyBundles())[stage]);
  return { bundle, worker: readSettings(environment, { cores, memory }).worker };
}

/** Inference threads, intra-op threads, batch size, studies at a time. */
const sizes = (candidates: ReturnType<typeof firstRound>) =>
  candidates.map((one) => [one.inferenceThreads, one.intraOpThreads, one.batchSize, one.concurrency]);

describe('candidates on a CPU', () => {
  it('are threads that share the cores, then batches with the best threads', async () => {
    const sixteen = await target('stage3', 16);
    expect(sizes(firstRound(sixteen))).toEqual([
      [1, 16, 1, 3],
      [2, 8, 1, 4],
      [4, 4, 1, 6],
      [8, 2, 1, 10],
      [16, 1, 1, 18],
    ]);
    expect(sizes(secondRound(sixteen, firstRound(sixteen)[2]!))).toEqual([
      [4, 4, 2, 6],
      [4, 4, 4, 6],
      [4, 4, 8, 6],
    ]);
  });

  it('hold all cores and the default, also where these are no powers of two', async () => {
    // 2 GiB per inference thread: three by default.
    const six = await target('stage3', 6, {}, 6 * GIB);
    expect(sizes(firstRound(six))).toEqual([
      [1, 6, 1, 3],
      [2, 3, 1, 4],
      [3, 2, 1, 5],
      [4, 1, 1, 6],
      [6, 1, 1, 8],
    ]);
    expect(sizes(firstRound(await target('stage3', 1)))).toEqual([[1, 1, 1, 3]]);
  });

  it('have so many studies at a time that a batch waits for each thread', async () => {
    // A study has two volumes in stage 1: sixteen studies are two batches of 8 for each of two threads.
    const two = await target('stage1', 2);
    expect(sizes(secondRound(two, firstRound(two)[1]!)).at(-1)).toEqual([2, 1, 8, 16]);
  });
});

describe('candidates on a GPU', () => {
  it('are batches with one thread per GPU, then more threads with the best batch, and the default', async () => {
    const two = await target('stage2', 8, { SPINELINE_EXECUTION_PROVIDER: 'cuda', SPINELINE_GPU_DEVICES: '0,1' });
    const first = firstRound(two);
    expect(sizes(first).map(([threads, intraOp, batch]) => [threads, intraOp, batch])).toEqual([
      [2, 1, 1],
      [2, 1, 2],
      [2, 1, 4],
      [2, 1, 8],
      [2, 1, 16],
      [2, 1, 32],
    ]);
    const defaults = [4, 1, 8, 16];
    expect(sizes(secondRound(two, first[5]!))).toEqual([[4, 1, 32, 32], [6, 1, 32, 48], defaults]);
    expect(sizes(secondRound(two, first[3]!))).toEqual([defaults, [6, 1, 8, 16]]);
  });
});

it('on WebGPU never have two threads: runs at the same time fail there', async () => {
  const webgpu = await target('stage3', 8, { SPINELINE_EXECUTION_PROVIDER: 'webgpu' });
  const first = firstRound(webgpu);
  expect(first.map(({ inferenceThreads }) => inferenceThreads)).toEqual([1, 1, 1, 1, 1, 1]);
  expect(secondRound(webgpu, first[2]!)).toEqual([]);
});

const trial = (inferenceThreads: number, batchSize: number, studiesPerMinute: number, memory: number): Trial => ({
  inferenceThreads,
  intraOpThreads: 1,
  batchSize,
  concurrency: 3,
  studiesPerMinute,
  memory,
});

describe('the choice', () => {
  it('is the fastest', () => {
    const trials = [trial(1, 1, 50, 1), trial(4, 1, 100, 9), trial(4, 8, 110, 20)];
    expect(choose(trials)).toBe(trials[2]);
  });

  it('is, among those less than 3 % slower, the one with fewer threads and then less memory', () => {
    const trials = [trial(1, 1, 96.9, 1), trial(2, 4, 98, 7), trial(2, 2, 97.1, 5), trial(4, 8, 100, 3)];
    expect(choose(trials)).toBe(trials[2]);
    // Exactly 3 % is a difference.
    expect(choose([trial(1, 1, 97, 1), trials[3]!])).toBe(trials[3]);
  });

  it('is never one that failed', () => {
    const failed: Trial = { inferenceThreads: 8, intraOpThreads: 1, batchSize: 1, concurrency: 10, failure: 'no' };
    const one = trial(1, 1, 5, 1);
    expect(choose([failed, one])).toBe(one);
    expect(choose([failed])).toBeUndefined();
  });
});

describe('the speed', () => {
  const tally = (count: number, samples: number, busyMs: number) => ({ count, samples, busyMs });

  it('is studies per minute of all threads together', () => {
    // Two threads were busy for 10 s each, in which ten studies ran.
    expect(studiesPerMinute([tally(5, 50, 10_000), tally(10, 100, 10_000)], 10_000)).toBeCloseTo(60);
  });

  it('does not depend on where in a study the time ended', () => {
    // A study takes 1 s for each task; the second one is behind. 18 s of work are nine studies.
    expect(studiesPerMinute([tally(5, 50, 10_000), tally(10, 80, 8000)], 10_000)).toBeCloseTo(54);
  });
});

/**
 * Runs one step of a study: finds its output in the store by its key, or computes it and commits it. The same key means
 * the same work, which is never done twice.
 */

import { ArtefactDamagedError, ObjectNotFoundError, type OutputName } from '../domain/index.ts';
import type { StepRecord } from '../runs/index.ts';
import { keyOfMade, type Made, type StageOutputs } from '../store/index.ts';
import type { JobClock } from '../telemetry/index.ts';

export interface StepOutput<T> {
  readonly value: T;
  readonly record: StepRecord;
}

/** How to read the output of a step, and how to compute it if it is absent. */
export interface StepWork<T> {
  /** Reads a committed output. Throws {@link ArtefactDamagedError} if its bytes do not have their digest. */
  readonly read: (key: string) => Promise<T>;
  /** Computes the value, the objects to store, and the digests of what later steps take (see `Provenance.gives`). */
  readonly compute: () => Promise<{ value: T; objects: Record<string, Uint8Array>; gives?: Record<string, string> }>;
}

/** The output of a step: from the store if it is complete there, otherwise computed and committed. */
export async function runStep<T>(
  outputs: StageOutputs,
  stage: OutputName,
  made: Made,
  work: StepWork<T>,
  clock: JobClock,
): Promise<StepOutput<T>> {
  const started = performance.now();
  const key = keyOfMade(stage, made);
  const record = (reused: boolean): StepRecord => ({
    key,
    reused,
    seconds: Math.round(performance.now() - started) / 1000,
    finished: new Date().toISOString(),
  });
  if (await clock.time('lookup', () => outputs.findWhole(stage, key))) {
    try {
      const value = await clock.time('lookup', () => work.read(key));
      return { value, record: record(true) };
    } catch (error) {
      // Not found: removed since `find`, as garbage that no kept run reaches.
      if (!(error instanceof ArtefactDamagedError || error instanceof ObjectNotFoundError)) throw error;
      // Remove the commit, so that the write below replaces every object.
      await clock.time('lookup', () => outputs.invalidate(stage, key));
    }
  }
  const { value, objects, gives } = await work.compute();
  await clock.time('write', () => outputs.write(stage, key, objects, made, gives));
  return { value, record: record(false) };
}

/**
 * Reads an output of an earlier step. If it is missing or damaged, invalidates it, so that its stage makes it again.
 *
 * @returns `undefined` if it was missing or damaged.
 */
export async function readUpstream<T>(
  outputs: StageOutputs,
  stage: OutputName,
  key: string,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ArtefactDamagedError || error instanceof ObjectNotFoundError)) throw error;
    await outputs.invalidate(stage, key);
    return undefined;
  }
}

/** A JSON artefact as bytes to store. */
export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}

/**
 * One step of a study that leaves an output in the store: found there, or computed and committed. Same key, same work:
 * never done twice.
 */

import { ArtefactDamagedError, ObjectNotFoundError, type OutputName } from '../domain/index.ts';
import type { StepRecord } from '../runs/index.ts';
import { keyOfMade, type Made, type StageOutputs } from '../store/index.ts';
import type { JobClock } from '../telemetry/index.ts';

export interface StepOutput<T> {
  readonly value: T;
  readonly record: StepRecord;
}

/** How a step is read back, and how it is computed if it is not there. */
export interface StepWork<T> {
  /** Reads a committed output; throws {@link ArtefactDamagedError} if its bytes are not what they were. */
  readonly read: (key: string) => Promise<T>;
  /** Computes the value, the objects to store, and what of them later steps take, see `Provenance.gives`. */
  readonly compute: () => Promise<{ value: T; objects: Record<string, Uint8Array>; gives?: Record<string, string> }>;
}

/** The output of a step, from the store if it is there and whole, else computed and committed. `clock` is the job's. */
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
  if (await clock.time('lookup', () => outputs.find(stage, key))) {
    try {
      const value = await clock.time('lookup', () => work.read(key));
      return { value, record: record(true) };
    } catch (error) {
      // Gone since it was found: swept as garbage that no kept run reached.
      if (!(error instanceof ArtefactDamagedError || error instanceof ObjectNotFoundError)) throw error;
    }
  }
  // Absent, or committed and damaged: take the commit away, so that the write below replaces every object.
  await clock.time('lookup', () => outputs.invalidate(stage, key));
  const { value, objects, gives } = await work.compute();
  await clock.time('write', () => outputs.write(stage, key, objects, made, gives));
  return { value, record: record(false) };
}

/**
 * Reads what an earlier step left. `undefined` if it is gone or damaged; it has then been invalidated, so that the stage
 * which makes it makes it again.
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

/** An artefact as the bytes that are stored. */
export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}

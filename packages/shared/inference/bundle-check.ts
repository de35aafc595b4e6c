/**
 * Runs every member of a bundle before a worker uses it, so that a model that the execution provider cannot run stops
 * the worker, and not every study.
 */

import { ConfigError } from '../domain/index.ts';
import type { BundlePin, LoadedBundle } from '../models/index.ts';
import { type Bundle, inputsOf, membersOf } from '../models/index.ts';
import { ensembleOf } from './ensemble.ts';
import { InferenceError, type InferencePool } from './inference-pool.ts';
import type { Placement } from './inference-protocol.ts';

/** Thrown when a member of a bundle does not run here. The study that asked for it is not at fault. */
export class MemberDoesNotRunError extends ConfigError {}

/** What was found out about a member that runs. */
export interface TriedMember {
  readonly task: string;
  readonly file: string;
  /** Absent on a CPU. */
  readonly placement?: Placement | undefined;
}

/**
 * Runs every member on zeros, with a batch of 1 and of the largest size.
 *
 * @param provider name of the execution provider, for the message.
 * @throws {MemberDoesNotRunError} naming bundle, member, provider and reason.
 * @throws {BundleError} if a member has another output than its bundle says.
 */
export async function tryBundle(
  pool: InferencePool,
  { bundle, files }: Pick<LoadedBundle, 'bundle' | 'files'>,
  pin: BundlePin,
  provider: string,
): Promise<TriedMember[]> {
  const tried: TriedMember[] = [];
  for (const task of new Set(membersOf(bundle).map((one) => one.task))) {
    const dims = inputsOf(bundle, task);
    for (const member of ensembleOf(bundle, pin, files, task).members) {
      try {
        tried.push({ task, file: member.file, placement: await pool.tryMember(member, dims) });
      } catch (error) {
        if (!(error instanceof InferenceError && error.code === 'INFERENCE_FAILED')) throw error;
        throw doesNotRun(bundle, member.file, provider, error);
      }
    }
  }
  return tried;
}

function doesNotRun({ name, version }: Bundle, file: string, provider: string, cause: Error): MemberDoesNotRunError {
  return new MemberDoesNotRunError(
    `member ${file} of bundle ${name}@${version} does not run on ${provider}`,
    {
      found: cause.message.replaceAll(/\s+/g, ' ').slice(0, 400),
      hint:
        provider === 'cpu'
          ? 'export the bundle with the operators that this version of ONNX Runtime knows'
          : 'use another execution provider for this stage, or export the bundle again with today’s spineline_training',
    },
    { cause },
  );
}

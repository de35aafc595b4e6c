/**
 * Stage keys. The key of a stage output is the digest of what made it: the contract version of the step, the model
 * bundle, the settings and the inputs. The same key means the same work, which is never done twice.
 */

import { createHash } from 'node:crypto';
import type { OutputName } from '../domain/index.ts';
import { canonicalJson } from './canonical-json.ts';

/** Everything that a stage output depends on. Nothing else may change a byte of it. */
export interface StageKeyParts {
  readonly stage: OutputName;
  /** Version of what the step computes and how it writes it. It is raised when either changes. */
  readonly contract: number;
  /** Digest of the model bundle; `undefined` for a step without models, such as the crops. */
  readonly bundle?: string | undefined;
  /** Settings, such as the crop windows. */
  readonly settings?: unknown;
  /** What the step reads: digests; for stage 1, locations and fingerprints of files. */
  readonly inputs: unknown;
}

/** The key of a stage output: SHA-256 of its parts in canonical JSON, 64 lower-case hexadecimal digits. */
export function stageKey({ stage, contract, bundle, settings, inputs }: StageKeyParts): string {
  return digestOf({ stage, contract, bundle, settings, inputs });
}

/**
 * SHA-256 of the canonical JSON of a value, in lower-case hexadecimal. Equal values have equal digests.
 *
 * @throws {TypeError} for values that JSON cannot hold.
 */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** SHA-256 of bytes, in lower-case hexadecimal. */
export function digestBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

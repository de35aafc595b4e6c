/**
 * A stage output is named by what made it: the digest of the stage's contract version, the model bundle, the settings
 * and the inputs. Same key, same work: never done twice.
 */

import { createHash } from 'node:crypto';
import type { OutputName } from '../domain/index.ts';
import { canonicalJson } from './canonical-json.ts';

/** All that a stage output depends upon. What is not here must not change a byte of it. */
export interface StageKeyParts {
  readonly stage: OutputName;
  /** Version of what the stage computes and how it writes it; raised when either changes. */
  readonly contract: number;
  /** The model bundle's digest; left out by a step that reads no model, such as the crops. */
  readonly bundle?: string | undefined;
  /** What was set, such as the crop windows. */
  readonly settings?: unknown;
  /** Digests of what was read: never locations or times, which may differ for the same bytes. */
  readonly inputs: unknown;
}

/** The key of a stage output: SHA-256 of its parts in canonical JSON, 64 lower-case hexadecimal digits. */
export function stageKey({ stage, contract, bundle, settings, inputs }: StageKeyParts): string {
  return digestOf({ stage, contract, bundle, settings, inputs });
}

/**
 * SHA-256 of a value's canonical JSON, in lower-case hexadecimal: equal values, equal digests.
 *
 * @throws {TypeError} for what JSON cannot hold.
 */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** SHA-256 of bytes, in lower-case hexadecimal. */
export function digestBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

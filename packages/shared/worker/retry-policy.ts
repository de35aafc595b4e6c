/**
 * Whether, how often and after which wait a worker retries a job. The number of attempts and the first wait are settings
 * (`SPINELINE_ATTEMPTS`, `SPINELINE_BACKOFF_MS`). Which errors are transient: domain/errors.ts. The states of a job:
 * worker/stage-worker.ts. Retries that a person asks for: control/retry.ts.
 */

import { kindOfError } from '../domain/index.ts';

/** Stalls allowed before a job counts as poison: its worker died or lost the lock this often. */
export const STALLS_ALLOWED = 2;
/** Extra starts, because delaying a suspect counts as a start. */
export const EXTRA_STARTS = 100;
/** How often a study is sent back to an earlier stage because stored outputs are damaged. */
export const REDOS_ALLOWED = 3;
const BACKOFF_CAP_MS = 60_000;

/**
 * Whether a job that failed is tried again: the error is transient, and an attempt is left.
 *
 * @param attempt number of the attempt that failed, from 1.
 * @param attempts allowed attempts.
 */
export function isRetried(error: unknown, attempt: number, attempts: number): boolean {
  return kindOfError(error) === 'transient' && attempt < attempts;
}

/** Whether BullMQ failed the job because it stalled or was started too often. */
export function isPoison(error: Error): boolean {
  return /more than allowable limit/.test(error.message);
}

/**
 * Milliseconds until the next attempt: the wait doubles from the job's first delay up to a minute. Up to half of it is
 * taken off at random, so that retries spread out.
 */
export function cappedBackoff(attempt: number, job: { opts: { backoff?: unknown } } | undefined): number {
  const { delay = 1000 } = (job?.opts.backoff ?? {}) as { delay?: number };
  const full = Math.min(BACKOFF_CAP_MS, delay * 2 ** (attempt - 1));
  return Math.round(full / 2 + (Math.random() * full) / 2);
}

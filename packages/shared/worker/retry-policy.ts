/**
 * How often a job is tried again, and how long it waits. The number of tries and the first delay are settings
 * (`SPINELINE_ATTEMPTS`, `SPINELINE_BACKOFF_MS`); BullMQ does the rest. How a person has failed studies tried again:
 * control/retry.ts.
 */

/** Stalls allowed before a job counts as poison: its worker died or lost the lock this often. */
export const STALLS_ALLOWED = 2;
/** Extra starts, because delaying a suspect counts as a start. */
export const EXTRA_STARTS = 100;
/** How often a study whose stored outputs turn out damaged is computed again. */
export const REDOS_ALLOWED = 3;
const BACKOFF_CAP_MS = 60_000;

/** Whether BullMQ failed the job because it stalled or was started too often. */
export function isPoison(error: Error): boolean {
  return /more than allowable limit/.test(error.message);
}

/** ms until the next try: doubles from the job's first delay up to a minute, less a random half, so that tries spread out. */
export function cappedBackoff(attempt: number, job: { opts: { backoff?: unknown } } | undefined): number {
  const { delay = 1000 } = (job?.opts.backoff ?? {}) as { delay?: number };
  const full = Math.min(BACKOFF_CAP_MS, delay * 2 ** (attempt - 1));
  return Math.round(full / 2 + (Math.random() * full) / 2);
}

/**
 * Default time limits of connections and jobs. Where a setting overrides one (config/settings.ts), it is named. Waits between retries of a
 * study are in worker/retry-policy.ts.
 */
export const TIME_LIMITS_MS = {
  /** Opening a connection to an S3 server, and silence on an open one: `SPINELINE_S3_TIMEOUT_MS`. */
  s3: 60_000,
  /** The same for a DICOMweb server: `SPINELINE_DICOMWEB_TIMEOUT_MS`. */
  dicomweb: 60_000,
  /** First answer of Redis to a command or a worker that starts. */
  redisAnswer: 5_000,
  /** How long another worker waits before it takes the job of a dead one: `SPINELINE_LOCK_MS`. */
  jobLock: 30_000,
  /** How long jobs in hand may still run after SIGTERM: `SPINELINE_GRACE_MS`. */
  grace: 60_000,
  /** How long a worker counts as live without progress: `SPINELINE_STALLED_MS`. */
  stalled: 300_000,
} as const;

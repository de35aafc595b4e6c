/**
 * How to reach an S3 server. Types only, so that naming an option does not load the S3 client.
 */

export interface S3Options {
  /** `https://host:port` of an S3-compatible server; AWS when left out. */
  readonly endpoint?: string | undefined;
  /** Default: `us-east-1` with an `endpoint`, else what the AWS environment and profile say. */
  readonly region?: string | undefined;
  /** `host/bucket/key` instead of `bucket.host/key`. Default: true with an `endpoint`, which rarely has the wild-card DNS. */
  readonly forcePathStyle?: boolean | undefined;
  /** Both or neither of the two keys; without them the AWS SDK's own chain (environment, profile, instance role). */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  /**
   * The longest that a connection may take to open, and the longest silence on an open one, in ms; default 30 000. A
   * large object may take longer than this as long as bytes keep coming.
   */
  readonly requestTimeoutMs?: number | undefined;
  /** Tries of each request, the first included; default 3, with jittered exponential backoff between them. */
  readonly maxAttempts?: number | undefined;
  /**
   * Whether the SDK adds its own checksums wherever it can. Default `WHEN_REQUIRED`: many servers refuse the newer ones,
   * and every PUT carries Content-MD5, which all of them check.
   */
  readonly requestChecksumCalculation?: 'WHEN_SUPPORTED' | 'WHEN_REQUIRED' | undefined;
  /** Requests in flight at once to this server; more wait their turn. Default 64. */
  readonly maxSockets?: number | undefined;
  /** Called before a request is tried again. */
  readonly onRetry?: (() => void) | undefined;
  /** Make the bucket when it is absent. Default false: a misspelt bucket should be an error. */
  readonly createBucket?: boolean | undefined;
}

/** How to reach an S3 server. This file holds types only, so that importing it does not load the S3 client. */

export interface S3Options {
  /** `https://host:port` of an S3-compatible server. Default: AWS. */
  readonly endpoint?: string | undefined;
  /** Default: `us-east-1` with an `endpoint`, else from the AWS environment or profile. */
  readonly region?: string | undefined;
  /**
   * Use `host/bucket/key` instead of `bucket.host/key`. Default: true with an `endpoint`, since such servers rarely
   * have the wildcard DNS.
   */
  readonly forcePathStyle?: boolean | undefined;
  /** Set both keys or neither. Default: what the AWS SDK finds (environment, profile, instance role). */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  /**
   * Time limit for opening a connection, and for silence on an open one, in ms. Default 60 000. A large object may take
   * longer as long as bytes arrive.
   */
  readonly requestTimeoutMs?: number | undefined;
  /** Attempts per request, including the first. Default 3, with jittered exponential backoff in between. */
  readonly maxAttempts?: number | undefined;
  /**
   * Whether the SDK adds its own checksums wherever it can. Default `WHEN_REQUIRED`: many servers refuse the newer
   * checksums, and every PUT has a Content-MD5, which all servers check.
   */
  readonly requestChecksumCalculation?: 'WHEN_SUPPORTED' | 'WHEN_REQUIRED' | undefined;
  /** Simultaneous requests to this server; further requests wait. Default 64. */
  readonly maxSockets?: number | undefined;
  /** Called before each retry of a request. */
  readonly onRetry?: (() => void) | undefined;
  /** Make the bucket if it does not exist. Default false, since a misspelt bucket should be an error. */
  readonly createBucket?: boolean | undefined;
}

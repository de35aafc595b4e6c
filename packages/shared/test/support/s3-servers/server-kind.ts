/** The kinds of S3 servers that tests can start. */

import type { S3Options } from '../../../store/s3-options.ts';

/** A kind of server, and how it differs from AWS. */
export interface S3ServerKind {
  readonly name: string;
  /** Whether it supports `If-None-Match` on PUT, as AWS does; if not, it answers 501. */
  readonly conditionalPuts: boolean;
  /** AWS lists by the UTF-8 bytes of whole keys. By folder: all of `a/` before `a-b`, because `a` is before `a-b`. */
  readonly listing: 'by key' | 'by folder';
  /** Whether a folder disappears from listings with its last object, as on AWS, which has no folders. */
  readonly dropsEmptyFolders: boolean;
  /**
   * Installs it if it is missing. @returns why it cannot be started here, for `describe.skipIf`; `undefined` if it can.
   */
  missing(): Promise<string | undefined>;
  start(): Promise<StartedS3>;
}

export interface StartedS3 {
  readonly endpoint: string;
  /** Endpoint, region, path style and keys; a test that needs its own bucket adds `createBucket`. */
  readonly options: S3Options;
  stop(): Promise<void>;
}

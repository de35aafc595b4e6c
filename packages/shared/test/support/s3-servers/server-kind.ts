/** What the tests know of an S3 server that they can start. */

import type { S3Options } from '../../../store/s3-options.ts';

/** A kind of server, and where it is not as AWS is. */
export interface S3ServerKind {
  readonly name: string;
  /** Whether it knows `If-None-Match` on PUT, as AWS does; if not, it answers 501. */
  readonly conditionalPuts: boolean;
  /** AWS lists by the UTF-8 bytes of whole keys. By folder: all of `a/` before `a-b`, because `a` is before `a-b`. */
  readonly listing: 'by key' | 'by folder';
  /** Whether a folder is gone from listings with its last object, as on AWS, where there are no folders. */
  readonly dropsEmptyFolders: boolean;
  /** Installs it if need be. @returns why it cannot be started here, for `describe.skipIf`; `undefined` if it can. */
  missing(): Promise<string | undefined>;
  start(): Promise<StartedS3>;
}

export interface StartedS3 {
  readonly endpoint: string;
  /** Endpoint, region, path style and keys; a test that needs its own bucket adds `createBucket`. */
  readonly options: S3Options;
  stop(): Promise<void>;
}

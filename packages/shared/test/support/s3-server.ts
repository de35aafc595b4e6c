/**
 * A real S3 server for one test file: that of `SPINELINE_TEST_S3_ENDPOINT`, or else one of `s3-servers/`, started for
 * this file. It ends with the test process.
 */

import { randomUUID } from 'node:crypto';
import { openStore } from '../../store/index.ts';
import type { S3Options } from '../../store/s3-options.ts';
import { seaweedfs } from './s3-servers/seaweedfs.ts';
import type { S3ServerKind, StartedS3 } from './s3-servers/server-kind.ts';
import { swift } from './s3-servers/swift.ts';

export interface TestS3 extends StartedS3 {
  readonly kind: S3ServerKind;
  /** A unique bucket name. */
  newBucket(): string;
}

/** Time for `beforeAll` around {@link startS3}, on a machine that is busy with other tests. */
export const S3_START_TIMEOUT_MS = 120_000;

/** Every kind of server that the tests know, the fastest first. A server in the environment replaces them. */
export function s3Servers(): readonly S3ServerKind[] {
  const endpoint = process.env.SPINELINE_TEST_S3_ENDPOINT;
  return endpoint ? [given(endpoint)] : [seaweedfs, swift];
}

/**
 * Installs an S3 server if there is none. @returns why none can be started, for `describe.skipIf`; `undefined` if one
 * can.
 */
export async function s3Missing(): Promise<string | undefined> {
  const found = await firstServer();
  return typeof found === 'string' ? found : undefined;
}

/** @param kind default: the first available one. */
export async function startS3(kind?: S3ServerKind): Promise<TestS3> {
  const chosen = kind ?? (await firstServer());
  if (typeof chosen === 'string') throw new Error(chosen);
  const server = await chosen.start();
  try {
    // The first bucket shows that the servers behind the endpoint answer too.
    const store = await openStore(`s3://${newBucket()}`, { ...server.options, createBucket: true, maxAttempts: 12 });
    await store.close();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { ...server, kind: chosen, newBucket };
}

async function firstServer(): Promise<S3ServerKind | string> {
  const reasons: string[] = [];
  for (const kind of s3Servers()) {
    const missing = await kind.missing();
    if (missing === undefined) return kind;
    reasons.push(missing);
  }
  return `no S3 server: ${reasons.join('; ')}; or set SPINELINE_TEST_S3_ENDPOINT`;
}

function newBucket(): string {
  return `spineline-test-${randomUUID().slice(0, 18)}`;
}

/**
 * A server that runs already and is expected to behave like AWS. The variables have the names of those of the AWS tools
 * with a prefix.
 */
function given(endpoint: string): S3ServerKind {
  const options: S3Options = {
    endpoint,
    region: process.env.SPINELINE_TEST_S3_REGION ?? 'us-east-1',
    forcePathStyle: true,
    accessKeyId: process.env.SPINELINE_TEST_S3_ACCESS_KEY_ID,
    secretAccessKey: process.env.SPINELINE_TEST_S3_SECRET_ACCESS_KEY,
  };
  return {
    name: endpoint,
    conditionalPuts: true,
    listing: 'by key',
    dropsEmptyFolders: true,
    missing: async () => undefined,
    start: async () => ({ endpoint, options, stop: async () => {} }),
  };
}

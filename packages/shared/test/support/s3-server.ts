/**
 * A real S3 server for one test file: the one that `SPINELINE_TEST_S3_ENDPOINT` names, else one of `s3-servers/`, started
 * for this file alone and gone with the test process.
 */

import { randomUUID } from 'node:crypto';
import { openStore } from '../../store/index.ts';
import type { S3Options } from '../../store/s3-options.ts';
import { seaweedfs } from './s3-servers/seaweedfs.ts';
import type { S3ServerKind, StartedS3 } from './s3-servers/server-kind.ts';
import { swift } from './s3-servers/swift.ts';

export interface TestS3 extends StartedS3 {
  readonly kind: S3ServerKind;
  /** A bucket name that nobody else has. */
  newBucket(): string;
}

/** Time for `beforeAll` around {@link startS3}, on a machine that is busy with other tests. */
export const S3_START_TIMEOUT_MS = 120_000;

/** Every kind of server that the tests know, the quickest first. The one that the environment names overrules them. */
export function s3Servers(): readonly S3ServerKind[] {
  const endpoint = process.env.SPINELINE_TEST_S3_ENDPOINT;
  return endpoint ? [given(endpoint)] : [seaweedfs, swift];
}

/** Why there is no S3 server here, for `describe.skipIf`; `undefined` when one can be started. Installs one if need be. */
export async function s3Missing(): Promise<string | undefined> {
  const found = await firstServer();
  return typeof found === 'string' ? found : undefined;
}

/** @param kind default: the first that can be had. */
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

/** A server that runs already; taken to be as AWS is. The variables have the names of the AWS tools' with a prefix. */
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

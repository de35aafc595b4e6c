/**
 * A real S3 server for one test file: the one that `SPINELINE_TEST_S3_ENDPOINT` names, else OpenStack Swift, started for
 * this file alone by `../shared/tools/swift-s3` beside the repository and gone with the test process.
 */

import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStore, type S3Options } from '../../store/index.ts';
import { reservePorts } from './free-port.ts';
import { startOnLeash } from './leash.ts';

export interface TestS3 {
  readonly endpoint: string;
  /** Endpoint, region, path style and keys; a test that needs its own bucket adds `createBucket`. */
  readonly options: S3Options;
  /** A bucket name that nobody else has. */
  newBucket(): string;
  stop(): Promise<void>;
}

const TOOL = fileURLToPath(new URL('../../../../../shared/tools/swift-s3', import.meta.url));

/** Time for `beforeAll` around {@link startS3}: the first start on a machine may install Swift's packages. */
export const S3_START_TIMEOUT_MS = 300_000;

/** Why there is no S3 server here, for `describe.skipIf`; `undefined` when there is one or one can be started. */
export function s3Missing(): string | undefined {
  if (process.env.SPINELINE_TEST_S3_ENDPOINT) return undefined;
  if (!existsSync(TOOL)) return 'no S3 server: set SPINELINE_TEST_S3_ENDPOINT, or have ../shared/tools/swift-s3';
  if (process.getuid?.() !== 0 && !swiftInstalled()) {
    return 'no S3 server: set SPINELINE_TEST_S3_ENDPOINT, or install swift-proxy (../shared/tools/swift-s3 does, as root)';
  }
  return undefined;
}

export async function startS3(): Promise<TestS3> {
  const endpoint = process.env.SPINELINE_TEST_S3_ENDPOINT;
  const server = endpoint
    ? { endpoint, options: optionsFromEnvironment(endpoint), stop: async () => {} }
    : await swift();
  try {
    // The first bucket shows that the servers behind the endpoint answer too.
    const store = await openStore(`s3://${newBucket()}`, { ...server.options, createBucket: true, maxAttempts: 12 });
    await store.close();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { ...server, newBucket };
}

function newBucket(): string {
  return `spineline-test-${randomUUID().slice(0, 18)}`;
}

/** The same names as the AWS tools use, with the project's prefix. */
function optionsFromEnvironment(endpoint: string): S3Options {
  return {
    endpoint,
    region: process.env.SPINELINE_TEST_S3_REGION ?? 'us-east-1',
    forcePathStyle: true,
    accessKeyId: process.env.SPINELINE_TEST_S3_ACCESS_KEY_ID,
    secretAccessKey: process.env.SPINELINE_TEST_S3_SECRET_ACCESS_KEY,
  };
}

async function swift(): Promise<Omit<TestS3, 'newBucket'>> {
  const ports = await reservePorts(5);
  const folder = await mkdtemp(join(tmpdir(), 'spineline-s3-'));
  const start = swiftInstalled()
    ? '"$tool" start "$folder" "$port"'
    : // Two test files must not install packages at once.
      `flock -o "${join(tmpdir(), 'spineline-swift-install.lock')}" "$tool" start "$folder" "$port"`;
  try {
    const leashed = await startOnLeash(
      `tool=$1 folder=$2 port=$3
       ${start} </dev/null || { rm -rf "$folder"; exit 1; }
       echo SWIFT READY`,
      // Wait until they are gone (a zombie is), so that nothing writes into the folder that is removed.
      `pids=$(cat "$folder/pids"); "$tool" stop "$folder"
       for try in $(seq 100); do
         left=
         for pid in $pids; do case $(ps -o stat= -p $pid) in ''|Z*) ;; *) left="$left $pid" ;; esac; done
         [ -z "$left" ] && break
         [ $try = 80 ] && kill -9 $left
         sleep 0.1
       done
       rm -rf "$folder"`,
      [TOOL, folder, String(ports.first)],
      /^SWIFT READY$/m,
    );
    const endpoint = `http://127.0.0.1:${ports.first}`;
    const options = {
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      accessKeyId: 'test:tester',
      secretAccessKey: 'testing',
    };
    const stop = async () => {
      await leashed.stop();
      await ports.release();
    };
    return { endpoint, options, stop };
  } catch (error) {
    await ports.release();
    throw error;
  }
}

function swiftInstalled(): boolean {
  return ['swift-proxy-server', 'memcached'].every(
    (program) => spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0,
  );
}

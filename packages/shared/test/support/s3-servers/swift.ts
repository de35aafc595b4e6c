/**
 * OpenStack Swift from Debian's packages, with its own S3 API (`s3api`): a proxy, three storage servers and memcached,
 * on ports of their own, with their data in a temporary folder. Up in some six seconds.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { debianPackagesMissing } from '../debian-packages.ts';
import { reservePorts } from '../free-port.ts';
import { ENDED, startOnLeash } from '../leash.ts';
import type { S3ServerKind, StartedS3 } from './server-kind.ts';

const PACKAGES = ['swift-proxy', 'swift-account', 'swift-container', 'swift-object', 'memcached'];
const STORAGE = ['account', 'container', 'object'];
const [ACCOUNT, USER, SECRET_KEY] = ['test', 'tester', 'testing'];

export const swift: S3ServerKind = {
  name: 'OpenStack Swift',
  conditionalPuts: false,
  listing: 'by key',
  dropsEmptyFolders: true,
  missing: () => debianPackagesMissing('swift', PACKAGES),
  start,
};

/** One device for each kind of storage. @param argv folder, then the ports of account, container and object server. */
const RINGS = `
import sys
from swift.common.ring import RingBuilder
folder, *ports = sys.argv[1:]
for kind, port in zip(${JSON.stringify(STORAGE)}, ports):
    ring = RingBuilder(4, 1, 1)
    ring.add_dev(dict(id=0, region=1, zone=1, ip='127.0.0.1', port=int(port), device='d1', weight=1))
    ring.rebalance()
    ring.get_ring().save(f'{folder}/{kind}.ring.gz')
`;

/** Ends when servers listen on all ports. */
const LISTENING = `
import socket, sys, time
for port in sys.argv[1:]:
    while socket.socket().connect_ex(('127.0.0.1', int(port))) != 0:
        time.sleep(0.05)
`;

async function start(): Promise<StartedS3> {
  const ports = await reservePorts(STORAGE.length + 2);
  const folder = await mkdtemp(join(tmpdir(), 'spineline-swift-'));
  const storagePorts = STORAGE.map((_, i) => ports.first + i);
  const [proxyPort, memcachedPort] = [ports.first + STORAGE.length, ports.first + STORAGE.length + 1];
  try {
    await mkdir(join(folder, 'node/d1'), { recursive: true });
    await writeFile(join(folder, 'swift.conf'), CLUSTER);
    await writeFile(join(folder, 'proxy.conf'), proxyConfig(folder, proxyPort, memcachedPort));
    for (const [i, kind] of STORAGE.entries()) {
      await writeFile(join(folder, `${kind}.conf`), storageConfig(kind, folder, storagePorts[i]!));
    }
    const leashed = await startOnLeash(
      `folder=$1 rings=$2 listening=$3 user=$4 memcached=$5; shift 5
       /usr/bin/python3 -c "$rings" "$folder" "$@" </dev/null || { rm -rf "$folder"; exit 1; }
       run() { "$@" & echo $! >>"$folder/pids"; wait $!; }
       {
         { run memcached -u "$user" -l 127.0.0.1 -p "$memcached"; echo ${ENDED}; } &
         for kind in ${STORAGE.join(' ')} proxy; do
           { run swift-$kind-server "$folder/$kind.conf"; echo ${ENDED}; } &
         done
         run /usr/bin/python3 -c "$listening" "$memcached" "$@" && echo SWIFT READY
         wait
       } </dev/null &`,
      // Its data is not kept.
      `kill -9 $(cat "$folder/pids") 2>/dev/null; wait
       rm -rf "$folder"`,
      [
        folder,
        RINGS,
        LISTENING,
        userInfo().username,
        String(memcachedPort),
        ...[...storagePorts, proxyPort].map(String),
      ],
      /^SWIFT READY$/m,
    );
    const endpoint = `http://127.0.0.1:${proxyPort}`;
    return {
      endpoint,
      options: {
        endpoint,
        region: 'us-east-1',
        forcePathStyle: true,
        accessKeyId: `${ACCOUNT}:${USER}`,
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

const CLUSTER = `
[swift-hash]
swift_hash_path_prefix = prefix
swift_hash_path_suffix = suffix

[storage-policy:0]
name = default
default = yes
`;

function proxyConfig(folder: string, port: number, memcachedPort: number): string {
  return `${listenOn(folder, port)}
[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth copy proxy-server

[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${memcachedPort}

[filter:listing_formats]
use = egg:swift#listing_formats

[filter:s3api]
use = egg:swift#s3api
location = us-east-1
dns_compliant_bucket_names = yes
allow_multipart_uploads = no

[filter:tempauth]
use = egg:swift#tempauth
user_${ACCOUNT}_${USER} = ${SECRET_KEY} .admin

[filter:copy]
use = egg:swift#copy
`;
}

function storageConfig(kind: string, folder: string, port: number): string {
  return `${listenOn(folder, port)}
devices = ${join(folder, 'node')}
mount_check = false

[pipeline:main]
pipeline = ${kind}-server

[app:${kind}-server]
use = egg:swift#${kind}
`;
}

/** Without worker processes: the started process itself serves. */
function listenOn(folder: string, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
swift_dir = ${folder}`;
}

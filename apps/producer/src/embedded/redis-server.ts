/**
 * A private Redis for one command, on a Unix socket in a temporary folder, without data on disk. It stops with this
 * process, however the process ends: a shell runs the server, and stops it when the pipe to this process closes.
 */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@spineline/shared/domain';

export interface PrivateRedis {
  /** unix:///... */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Checks that a redis-server is installed. If not, installs it on Debian-like systems when running as root.
 *
 * @param say called with a message before the installation, which takes a while.
 * @throws {ConfigError} if there is none; it says what to install.
 */
export function ensureRedisServer(say: (line: string) => void): void {
  if (hasRedisServer()) return;
  const isRoot = process.getuid?.() === 0;
  const apt = spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
  if (isRoot && apt) {
    say('no redis-server found: installing it with apt-get');
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore', env: environment });
    const install = ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'];
    withoutStartingServices(() => spawnSync('apt-get', install, { stdio: 'ignore', env: environment }));
    if (hasRedisServer()) return;
  }
  throw new ConfigError('there is no redis-server on this machine', {
    expected: 'redis-server (6.2 or newer) on the PATH',
    hint: 'install it: `apt-get install redis-server` on Debian or Ubuntu, `brew install redis` on a Mac',
  });
}

/** Debian starts the service of a server after installing it. That is not wanted here. */
function withoutStartingServices(install: () => void): void {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) {
    install();
    return;
  }
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    rmSync(policy, { force: true });
  }
}

function hasRedisServer(): boolean {
  return spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Starts the server and waits until it accepts connections. @throws {ConfigError} with its output if it does not. */
export async function startPrivateRedis(): Promise<PrivateRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'spineline-redis-'));
  const socket = join(folder, 'redis.sock');
  const options = ['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700', '--dir', folder];
  const memory = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'];
  // Detached, so that Ctrl-C reaches only this process, which lets its workers finish before it stops Redis.
  const shell = spawn(
    'sh',
    ['-c', 'redis-server "$@" </dev/null & cat >/dev/null; kill $!; wait', 'spineline-redis', ...options, ...memory],
    { detached: true, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const ended = new Promise<void>((resolve) => shell.once('close', () => resolve()));
  const stop = async () => {
    shell.stdin.end();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  let output = '';
  const ready = new Promise<boolean>((resolve) => {
    const look = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000);
      if (/ready to accept connections/i.test(output)) resolve(true);
      if (/# (Fatal|Failed)|exiting now/i.test(output)) resolve(false);
    };
    shell.stdout.on('data', look);
    shell.stderr.on('data', look);
    shell.once('close', () => resolve(false));
  });
  if (!(await ready)) {
    await stop();
    throw new ConfigError('the private Redis did not start', { found: output.trim().split('\n').at(-1) });
  }
  return { url: `unix://${socket}`, stop };
}

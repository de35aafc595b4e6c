/**
 * A private Redis for one test file: on a free port, in a temporary folder. It ends with the test process.
 */

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { ENDED, type Leashed, startOnLeash } from './leash.ts';

export interface TestRedis {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** FLUSHALL. */
  flush(): Promise<void>;
  /**
   * Stops the server, runs `whileDown`, and starts it again on the same port. It is then empty, unless it was started
   * with `appendOnly`.
   */
  restart(whileDown?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

export interface TestRedisOptions {
  /** Keep data over a restart (AOF, fsync on every write). Default false. */
  readonly appendOnly?: boolean;
}

const KEEP = 'keep';

/** Why Redis cannot be started here, for `describe.skipIf`; `undefined` if it can. */
export function redisMissing(): string | undefined {
  const found = spawnSync('redis-server', ['--version'], { stdio: 'ignore' });
  return found.status === 0 ? undefined : 'redis-server is not installed';
}

/** @throws {Error} with the server's output if it does not start. */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const missing = redisMissing();
  if (missing) throw new Error(missing);
  const folder = await mkdtemp(join(tmpdir(), 'spineline-redis-'));
  const settings = options.appendOnly ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  try {
    const started = await startOnFreePort(folder, settings);
    const { port } = started;
    let leashed = started.leashed;
    return {
      url: `redis://127.0.0.1:${port}`,
      port,
      flush: () => flushAll(port),
      async restart(whileDown) {
        await leashed.stop(KEEP);
        await whileDown?.();
        leashed = await startServer(folder, port, settings);
      },
      stop: () => leashed.stop(),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startOnFreePort(
  folder: string,
  settings: readonly string[],
): Promise<{ port: number; leashed: Leashed }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    try {
      return { port, leashed: await startServer(folder, port, settings) };
    } catch (error) {
      if (tries === 5) throw error; // another process took the port
    }
  }
}

/** A subshell is Redis's parent and reports its end. The folder is kept only for a restart. */
function startServer(folder: string, port: number, settings: readonly string[]): Promise<Leashed> {
  return startOnLeash(
    `folder=$1; shift
     { redis-server "$@" & echo $! >"$folder/pid"; wait $!; echo ${ENDED}; } </dev/null &`,
    `kill "$(cat "$folder/pid")" 2>/dev/null; wait
     [ "$last" = ${KEEP} ] || rm -rf "$folder"`,
    [
      folder,
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--loglevel', 'notice'],
      ...['--maxmemory-policy', 'noeviction', ...settings],
    ],
    /Ready to accept connections/,
  );
}

/** One command needs no client library. */
function flushAll(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('FLUSHALL\r\n'));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      if (answer.toString().startsWith('+OK')) resolve();
      else reject(new Error(`FLUSHALL answered ${answer}`));
    });
  });
}

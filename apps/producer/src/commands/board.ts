/** `spineline board`: the queues, job by job, in the browser. */

import { readSettings, type Settings } from '@spineline/shared/config';
import { ConfigError } from '@spineline/shared/domain';
import { type Command, InvalidArgumentError } from 'commander';
import { withQueues } from '../connections.ts';
import { out } from '../terminal/style.ts';

interface BoardCommandOptions {
  readonly host: string;
  readonly port: number;
  readonly allowChanges?: boolean;
}

export function addBoard(program: Command): void {
  program
    .command('board')
    .description('show the queues in the browser, job by job (Bull Board)')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 picks a free one', portNumber, 3000)
    .option('--allow-changes', 'let the page retry, remove, add and pause; without it, it only shows')
    .addHelpText(
      'after',
      `
Serves one page over all six queues until Ctrl-C: what waits, what is in hand, what is to be retried, what failed and why.
For one job that behaves oddly; for the course of a night see Grafana, for a run "spineline status" (docs/watching.md).

What it shows is what is in Redis: names of runs and studies as the dataset calls them, keys of the store, error codes. No
pixels, no patient names, ids or UIDs are there to be shown.

Who may look: on 127.0.0.1 (the default) whoever is on this machine. Any other --host is refused unless
SPINELINE_BOARD_USER and SPINELINE_BOARD_PASSWORD are set; then every page asks for them. They travel as they are, so put
a proxy with TLS in front beyond a network that you trust, or come through a tunnel:
  ssh -L 3000:127.0.0.1:3000 machine      # and open http://127.0.0.1:3000

With --allow-changes the page changes Redis alone. Prefer what knows the store as well: "spineline retry" tries failures
again, "cancel" stops a run, "pause" and "unpause" the pools.

Examples:
  SPINELINE_REDIS_URL=redis://:SECRET@redis:6379 spineline board
  SPINELINE_BOARD_USER=ops SPINELINE_BOARD_PASSWORD=... spineline board --host 0.0.0.0 --port 3001

Exit codes:
  0  it was told to stop
  2  the settings cannot be used, Redis does not answer, or the port is taken`,
    )
    .action(board);
}

async function board({ host, port, allowChanges = false }: BoardCommandOptions): Promise<void> {
  const settings = readSettings();
  const login = loginOf(settings);
  // Loaded here: no other command should wait for a web server.
  const { startBoard } = await import('../board-server.ts');
  await withQueues(settings, async ({ queues }) => {
    const server = await startBoard(queues, { host, port, login, allowChanges });
    const stopped = stopRequested();
    console.log(`board ${out.strong(server.url)}  ${allowChanges ? out.warn('changes allowed') : 'read-only'}`);
    console.log(out.faint('Ctrl-C ends it'));
    await stopped;
    await server.close();
  });
}

/** @throws {ConfigError} on half of a login, which would be none. */
function loginOf({ board: { user, password } }: Settings): { username: string; password: string } | undefined {
  if (user === undefined && password === undefined) return undefined;
  if (user === undefined || password === undefined) {
    throw new ConfigError(`SPINELINE_BOARD_${user === undefined ? 'USER' : 'PASSWORD'} is not set, the other one is`, {
      expected: 'both, or neither for a board on 127.0.0.1',
    });
  }
  return { username: user, password };
}

function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function portNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 65_535) return value;
  throw new InvalidArgumentError('a whole number up to 65535');
}

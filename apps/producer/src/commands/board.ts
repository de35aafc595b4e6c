/** `spineline board`: shows the queues in the browser, job by job. */

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
    .option('--port <number>', 'port to listen on; 0 picks a free port', portNumber, 3000)
    .option('--allow-changes', 'let the page retry, remove and add jobs and pause queues (default: read-only)')
    .addHelpText(
      'after',
      `
Serves one page over all queues until Ctrl-C: jobs that wait, run, wait for a retry, or failed, and why. Use it to
look at a single job. For a whole night use Grafana, for a run "spineline status" (docs/watching.md).

It shows what is in Redis: names of runs and studies as in the dataset, keys of the store, error codes. Redis holds no
pixels, no patient names, no patient ids and no UIDs.

Access: on 127.0.0.1 (the default) every user of this machine can open it. Any other --host is refused unless
SPINELINE_BOARD_USER and SPINELINE_BOARD_PASSWORD are set; then every page asks for them. They are sent unencrypted:
on a network that you do not trust, put a proxy with TLS in front, or use a tunnel:
  ssh -L 3000:127.0.0.1:3000 machine      # and open http://127.0.0.1:3000

With --allow-changes the page changes Redis only, not the store. Prefer "spineline retry" and
"spineline cancel", which change both. "pause" and "unpause" control the pools.

Examples:
  SPINELINE_REDIS_URL=redis://:SECRET@redis:6379 spineline board
  SPINELINE_BOARD_USER=ops SPINELINE_BOARD_PASSWORD=... spineline board --host 0.0.0.0 --port 3001

Exit codes:
  0  it was stopped
  2  the settings cannot be used, Redis does not answer, or the port is in use`,
    )
    .action(board);
}

async function board({ host, port, allowChanges = false }: BoardCommandOptions): Promise<void> {
  const settings = readSettings();
  const login = loginOf(settings);
  // Loaded only here, so that other commands start faster.
  const { startBoard } = await import('../board-server.ts');
  await withQueues(settings, async ({ queues }) => {
    const server = await startBoard(queues, { host, port, login, allowChanges });
    const stopped = stopRequested();
    console.log(`board ${out.strong(server.url)}  ${allowChanges ? out.warn('changes allowed') : 'read-only'}`);
    console.log(out.faint('stop it with Ctrl-C'));
    await stopped;
    await server.close();
  });
}

/** @throws {ConfigError} if only the user or only the password is set. */
function loginOf({ board: { user, password } }: Settings): { username: string; password: string } | undefined {
  if (user === undefined && password === undefined) return undefined;
  if (user === undefined || password === undefined) {
    const [missing, set] = user === undefined ? ['USER', 'PASSWORD'] : ['PASSWORD', 'USER'];
    throw new ConfigError(`SPINELINE_BOARD_${set} is set, but SPINELINE_BOARD_${missing} is not`, {
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
  throw new InvalidArgumentError('Expected a whole number up to 65535.');
}

/**
 * Child processes that always end with the tests. A shell next to the test process knows the pids of all running
 * children. When the pipe from the test process closes, because it ended or was killed, the shell kills them.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface GuardedProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** Resolves when the process has ended and its output is read. */
  readonly exited: Promise<Exit>;
}

/** Starts a program with the same Node. @param settings see {@link environmentWith}. */
export function startNode(
  program: string,
  parameters: readonly string[],
  settings: Readonly<Record<string, string>>,
): GuardedProcess {
  const child = spawn(process.execPath, [program, ...parameters], {
    env: environmentWith(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid !== undefined) tellGuard(`add ${pid}`);
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      tellGuard(`gone ${pid}`);
      resolve({ code, signal });
    });
  });
  return { child, exited };
}

/** The folder in which the command, too, caches compiled code. Workers that tests start are ready a third sooner. */
const CODE_CACHE = fileURLToPath(new URL('../../../../node_modules/.cache/spineline-code', import.meta.url));

/** The environment of the tests with these settings, and without any other setting of spineline. */
function environmentWith(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const bare = Object.entries(process.env).filter(([name]) => !name.startsWith('SPINELINE_'));
  return { ...Object.fromEntries(bare), NO_COLOR: '1', NODE_COMPILE_CACHE: CODE_CACHE, ...settings };
}

/** Whether a process of this id runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const GUARD = `
  while read -r what pid; do
    case $what in
      add) pids="$pids $pid " ;;
      gone) pids=$(echo "$pids" | sed "s/ $pid / /") ;;
    esac
  done
  for pid in $pids; do kill -KILL "$pid"; done 2>/dev/null`;

let guard: ReturnType<typeof startGuard> | undefined;

function startGuard() {
  // Detached: Ctrl-C reaches only the tests, and the guard notices their end.
  const shell = spawn('sh', ['-c', GUARD], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.unref();
  (shell.stdin as typeof shell.stdin & { unref(): void }).unref(); // a socket; neither keeps the tests running
  return shell;
}

function tellGuard(line: string): void {
  guard ??= startGuard();
  guard.stdin.write(`${line}\n`);
}

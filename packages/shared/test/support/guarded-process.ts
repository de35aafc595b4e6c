/**
 * Child processes that cannot outlive the tests, however they end. One shell beside the test process knows the pids of
 * all that run; when the pipe from the test process closes, because it ended or was killed, the shell kills them.
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
  /** Resolves when it is gone and its output is read. */
  readonly exited: Promise<Exit>;
}

/** Starts this very Node with a program. @param settings see {@link environmentWith}. */
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

/** Where the command keeps compiled code too: workers that tests start are up a third sooner. */
const CODE_CACHE = fileURLToPath(new URL('../../../../node_modules/.cache/spineline-code', import.meta.url));

/** The tests' environment with these settings, and no other setting of spineline that happens to be there. */
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
  // Detached: a Ctrl-C goes to the tests alone, whose end the guard then sees.
  const shell = spawn('sh', ['-c', GUARD], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.unref();
  (shell.stdin as typeof shell.stdin & { unref(): void }).unref(); // a socket; neither keeps the tests running
  return shell;
}

function tellGuard(line: string): void {
  guard ??= startGuard();
  guard.stdin.write(`${line}\n`);
}

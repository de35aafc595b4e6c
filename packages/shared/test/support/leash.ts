/**
 * Runs a server that always ends with the tests. A shell starts it, waits on a pipe from this process, and cleans up
 * when the pipe closes: by `stop()`, or because this process ended, was killed or crashed.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

export interface Leashed {
  /**
   * Runs the clean-up and waits for its end. @param last is `$last` in the clean-up; empty if the tests were killed.
   */
  stop(last?: string): Promise<void>;
}

/** A script prints this if its server ends by itself. */
export const ENDED = 'SERVER ENDED';

/**
 * @param script what `sh` runs before it waits on the pipe; may start background processes.
 * @param cleanUp what `sh` runs afterwards.
 * @param parameters become `$1`, `$2`, ... in both.
 * @param ready is tested against each line that the script, or a process that it started, prints.
 * @throws {Error} with the printed text, if the server ends before it is ready.
 */
export async function startOnLeash(
  script: string,
  cleanUp: string,
  parameters: readonly string[],
  ready: RegExp,
): Promise<Leashed> {
  // Detached: Ctrl-C reaches only the tests, whose end closes the pipe.
  const shell = spawn('sh', ['-c', `${script}\nlast=$(cat)\n${cleanUp}`, 'leash', ...parameters], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => {
    shell.once('close', () => resolve());
    shell.once('error', () => resolve());
  });
  const stop = async (last = '') => {
    shell.stdin.end(last);
    await ended;
  };
  try {
    await readyLine(shell, ready, ended);
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

async function readyLine(
  shell: ChildProcessByStdio<Writable, Readable, Readable>,
  ready: RegExp,
  ended: Promise<void>,
): Promise<void> {
  let printed = '';
  await new Promise<void>((resolve, reject) => {
    const failure = () => new Error(`the server did not start:\n${printed.slice(-2000)}`);
    const take = (chunk: Buffer) => {
      printed += chunk.toString();
      if (ready.test(printed)) resolve();
      else if (printed.includes(ENDED)) reject(failure());
    };
    shell.stdout.on('data', take);
    shell.stderr.on('data', take);
    shell.stdin.on('error', () => {}); // the shell ended first
    void ended.then(() => reject(failure()));
  });
  // Keep reading, so that the server never blocks on a full pipe, but keep nothing.
  for (const output of [shell.stdout, shell.stderr]) output.removeAllListeners('data').resume();
}

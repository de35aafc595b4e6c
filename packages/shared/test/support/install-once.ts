/**
 * Programs that the tests install themselves, if possible. Test files run in parallel, so an installation holds a lock:
 * the first file installs, the others wait for the lock and check again.
 */

import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withFileLock } from './file-lock.ts';

const MINUTE = 60_000;
/**
 * A failed installation is not retried for this time. Otherwise, without a network, each test file would wait for it.
 */
const FAILURE_COUNTS_MS = 10 * MINUTE;

export interface Installation {
  /** The name of the lock, and of the program in messages. */
  readonly name: string;
  /** Whether it is completely installed: false while another process is installing it. */
  isThere(): Promise<boolean>;
  /**
   * Installs it. @param lock the descriptor of the locked file. A child process that inherits it keeps the lock until
   * it ends, even if the tests are killed.
   * @throws {Error} with the reason why it cannot be installed.
   */
  install(lock: number): Promise<void>;
}

/** The folder of installed programs, shared by all clones of this user. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'spineline-tests');
}

/**
 * Installs the program if it is missing. @returns why it is missing, for `describe.skipIf`; `undefined` if it is
 * installed.
 */
export async function installOnce({ name, isThere, install }: Installation): Promise<string | undefined> {
  if (await isThere()) return undefined;
  if (process.env.SPINELINE_TEST_INSTALL === 'never') return `${name} is not here, and SPINELINE_TEST_INSTALL is never`;
  try {
    await mkdir(cacheFolder(), { recursive: true });
    return await withFileLock(join(cacheFolder(), `${name}.lock`), async (lock) => {
      if (await isThere()) return undefined;
      const failure = join(cacheFolder(), `${name}.failed`);
      const recent = await stat(failure).catch(() => undefined);
      if (recent && Date.now() - recent.mtimeMs < FAILURE_COUNTS_MS) return await readFile(failure, 'utf8');
      try {
        await install(lock);
      } catch (error) {
        const why = `${name} cannot be installed: ${(error as Error).message}`;
        await writeFile(failure, why);
        return why;
      }
      await rm(failure, { force: true });
      return (await isThere()) ? undefined : `${name} was installed, and is not there`;
    });
  } catch (error) {
    return `${name} cannot be installed: ${(error as Error).message}`;
  }
}

export interface Ran {
  /** -1 if the program is missing or was stopped. */
  readonly code: number;
  /** The end of what it printed. */
  readonly output: string;
}

export interface RunOptions {
  /** A descriptor of this process that the child has as its descriptor 3. */
  readonly inherited?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end. Never throws. A program that takes longer than fifteen minutes is killed. */
export function run(program: string, parameters: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(program, parameters, {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', options.inherited ?? 'ignore'],
      signal: AbortSignal.timeout(15 * MINUTE),
      killSignal: 'SIGKILL',
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        printed = (printed + text).slice(-4000);
      });
    }
    child.once('error', (error) => resolve({ code: -1, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? -1, output: printed.trim() }));
  });
}

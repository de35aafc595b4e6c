/** A lock for work that only one process of this machine may do at a time, for test files that run in parallel. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';

/**
 * Runs `work` while no other process holds the lock. It is a lock of the operating system (flock), which is released
 * when the last process with the open file ends, even if it is killed.
 *
 * @param path of the lock file, created if it does not exist.
 * @param work gets the descriptor of the file. A child process that inherits it keeps the lock until it ends.
 */
export async function withFileLock<T>(path: string, work: (lock: number) => Promise<T>): Promise<T> {
  const file = await open(path, 'w');
  try {
    // Linux has a command flock; macOS has the lock only in Python.
    const python = ['-c', 'import fcntl; fcntl.flock(3, fcntl.LOCK_EX)'];
    const [program, parameters]: [string, string[]] =
      process.platform === 'linux' ? ['flock', ['3']] : ['python3', python];
    const waiting = spawn(program, parameters, { stdio: ['ignore', 'ignore', 'inherit', file.fd] });
    const [code] = await once(waiting, 'close');
    if (code !== 0) throw new Error(`${path} cannot be locked: ${program} ended with ${code}`);
    return await work(file.fd);
  } finally {
    await file.close();
  }
}

/** Work that one process of this machine does at a time, for test files that run beside each other. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';

/**
 * Runs `work` while no other process holds the lock. The lock is the system's (flock): it is released when the last
 * process that has the file open is gone, also when it was killed.
 *
 * @param path of the lock file, made where it is not there.
 * @param work is given the descriptor of the file. A child process that inherits it keeps the lock until it ends.
 */
export async function withFileLock<T>(path: string, work: (lock: number) => Promise<T>): Promise<T> {
  const file = await open(path, 'w');
  try {
    // The command flock is part of Linux; a Mac has the lock only in Python.
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

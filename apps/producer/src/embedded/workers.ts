/**
 * The workers of all stages as child processes of one command: the same programs as in a cluster. Their logs go to
 * files. A worker that dies is restarted a few times, so that a study that kills its worker does not stop the other
 * studies.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SpinelineError, STAGE_NAMES, type Stage } from '@spineline/shared/domain';

/** With a small new space for the main thread and, below, few arenas of malloc, a worker needs 80 MB less and no more time. */
const WORKER_FLAGS = ['--max-semi-space-size=4'];
/** Largest number of restarts per worker. */
const RESTARTS = 10;

export interface EmbeddedWorkers {
  /** Rejects when a worker cannot run or has died too often. Never resolves. */
  readonly failed: Promise<never>;
  /** Asks all to stop and waits until they have. */
  stop(): Promise<void>;
}

/** The error in the last fatal line of a worker's log. */
function lastWords(log: string): string | undefined {
  for (const line of log.trim().split('\n').reverse()) {
    try {
      const { level, error } = JSON.parse(line) as { level?: string; error?: string };
      if (level === 'fatal') return error;
    } catch {
      // Not a log line: native libraries write to standard error too.
    }
  }
  return undefined;
}

/** @param environment settings of the workers. @param logs folder for the log files, one per stage. */
export async function startWorkers(environment: NodeJS.ProcessEnv, logs: string): Promise<EmbeddedWorkers> {
  await mkdir(logs, { recursive: true });
  const running = new Map<string, ChildProcess>();
  const ended = new Set<Promise<void>>();
  let stopping = false;
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // it may reject before anybody waits for it

  const start = (stage: Stage, restarts: number) => {
    const main = fileURLToPath(import.meta.resolve(`@spineline/worker-${stage}/main`));
    const child = spawn(process.execPath, WORKER_FLAGS.concat(main), {
      env: { MALLOC_ARENA_MAX: '2', ...process.env, ...environment },
      // A worker stops when this channel closes, so it does not outlive the command. Detached, so that Ctrl-C reaches
      // only the command, which then stops the workers in order.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
    });
    const log = createWriteStream(join(logs, `${stage}.log`), { flags: 'a' });
    child.stderr!.pipe(log);
    let tail = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-10_000);
    });
    running.set(stage, child);
    const end = new Promise<void>((resolve) => {
      child.once('close', (code, signal) => {
        running.delete(stage);
        resolve();
        if (stopping) return;
        // With exit codes 1 and 2 a worker says that it cannot run.
        const gaveUp = code === 1 || code === 2;
        if (!gaveUp && restarts < RESTARTS) {
          start(stage, restarts + 1);
          return;
        }
        const how = signal ? `signal ${signal}` : `exit code ${code}`;
        const summary = `the ${stage} worker ended with ${how}`;
        const found = lastWords(tail);
        const hint = `see its log ${join(logs, `${stage}.log`)}`;
        fail(new SpinelineError('WORKER_ENDED', gaveUp ? 'permanent' : 'transient', summary, { found, hint }));
      });
    });
    ended.add(end);
    void end.then(() => ended.delete(end));
  };
  for (const stage of STAGE_NAMES) start(stage, 0);
  return {
    failed,
    stop: async () => {
      stopping = true;
      for (const child of running.values()) child.kill('SIGTERM');
      await Promise.all(ended);
    },
  };
}

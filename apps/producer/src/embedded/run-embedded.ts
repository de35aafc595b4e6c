/**
 * A run on this machine, without set-up: starts a private Redis and one worker per stage, watches the run until it is
 * finished, writes its results to files, and stops everything.
 */

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readSettings, type Settings } from '@spineline/shared/config';
import { STAGE_NAMES } from '@spineline/shared/domain';
import type { QueueSide } from '@spineline/shared/queue';
import { writeResultsFile, writeSubmissionFile, summarise } from '@spineline/shared/reports';
import type { RunRecord, RunStore } from '@spineline/shared/runs';
import { type RunLook, watchRun } from '@spineline/shared/watching';
import { type StoreSide, withQueues, withStore } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { progressView } from '../terminal/progress-view.ts';
import { err } from '../terminal/style.ts';
import { printSummary } from '../terminal/summary-text.ts';
import { ensureRedisServer, startPrivateRedis } from './redis-server.ts';
import { startWorkers } from './workers.ts';

export interface EmbeddedOptions {
  /** Folder for submission.csv, results.json, logs and, without `store`, the store. */
  readonly out: string;
  readonly store?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Called when the run is finished, while the store is still open. */
export type AfterRun = (runs: RunStore, run: RunRecord) => Promise<void>;

/**
 * Makes a run and does its work on this machine.
 *
 * @param prepare called with the store, before anything is started. It returns a function that adds the run to the
 *   queues.
 * @returns the process exit code.
 */
export async function runEmbedded(
  options: EmbeddedOptions,
  prepare: (side: StoreSide) => Promise<(side: QueueSide) => Promise<RunRecord>>,
  after?: AfterRun,
): Promise<number> {
  const out = resolve(options.out);
  await mkdir(out, { recursive: true });
  const settings = embeddedSettings();
  const storeUrl = options.store ?? pathToFileURL(join(out, 'store')).href;
  ensureRedisServer((line) => console.error(err.faint(line)));
  return withStore(
    async (storeSide) => {
      const { runs } = storeSide;
      const handOver = await prepare(storeSide);
      const stopped = stopRequested();
      const redis = await startPrivateRedis();
      try {
        const workers = await startWorkers(workerEnvironment(redis.url, storeUrl), join(out, 'logs'));
        try {
          return await withQueues(
            settings,
            async (side) => {
              const startedAt = performance.now();
              const run = await handOver(side);
              const view = progressView(run.studies);
              // If a worker cannot run, stop watching: the run would never finish.
              const ended = new AbortController();
              let look: RunLook | undefined;
              try {
                const watched = watchRun(run, runs, side, (look) => view.update(look), {
                  signal: AbortSignal.any([stopped.signal, ended.signal]),
                });
                look = await Promise.race([watched, workers.failed]);
              } finally {
                ended.abort();
                view.stop();
              }
              if (!look?.end) throw stopped.signal.reason;
              const { scored, failed, left: missing } = look;
              const seconds = (performance.now() - startedAt) / 1000;
              await writeSubmissionFile(runs, run, join(out, 'submission.csv'), { store: storeUrl });
              await writeResultsFile(runs, run, join(out, 'results.json'));
              const summary = await summarise(runs, run, { scored, failed, missing }, seconds);
              if (options.json) console.log(JSON.stringify({ ...summary, out, store: storeUrl }));
              else printSummary(summary, { folder: out, store: storeUrl });
              await after?.(runs, run);
              return scored === run.studies ? EXIT.ok : EXIT.someFailed;
            },
            redis.url,
          );
        } catch (error) {
          if (!stopped.signal.aborted) throw error;
          console.error(err.warn('stopped; what was computed is in the store and will be reused'));
          return EXIT.unfinished;
        } finally {
          await workers.stop();
        }
      } finally {
        await redis.stop();
        stopped.forget();
      }
    },
    storeUrl,
    settings,
  );
}

/** The settings of the environment without SPINELINE_REDIS_URL, since Redis is private here. */
function embeddedSettings(): Settings {
  return readSettings({ ...process.env, SPINELINE_REDIS_URL: undefined });
}

function workerEnvironment(redisUrl: string, storeUrl: string): NodeJS.ProcessEnv {
  // Several workers share one machine, so each takes any free port.
  return {
    SPINELINE_REDIS_URL: redisUrl,
    SPINELINE_STORE_URL: storeUrl,
    SPINELINE_HEALTH_PORT: '0',
    SPINELINE_MACHINE_WORKERS: String(STAGE_NAMES.length),
  };
}

/** Ctrl-C and SIGTERM end the watching of the run; then workers and Redis are stopped in order. */
function stopRequested(): { signal: AbortSignal; forget: () => void } {
  const controller = new AbortController();
  const stop = () => controller.abort(new Error('stopped; what was computed is in the store and will be reused'));
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    forget: () => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}

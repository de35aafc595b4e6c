/** `spineline score`: one machine, everything embedded, from a dataset to files. */

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readSettings, type Settings } from '@spineline/shared/config';
import { openDataset } from '@spineline/shared/dataset';
import { enqueueRun } from '@spineline/shared/queue';
import type { RunRecord, RunStore } from '@spineline/shared/runs';
import type { Command } from 'commander';
import { pinBundles } from '../bundles.ts';
import { withQueues, withStore } from '../connections.ts';
import { ensureRedisServer, startPrivateRedis } from '../embedded/redis-server.ts';
import { startWorkers } from '../embedded/workers.ts';
import { EXIT, EXIT_HELP } from '../exit-codes.ts';
import { followRun, type RunState } from '../follow-run.ts';
import { writeResultsFile, writeSubmissionFile } from '../output-files.ts';
import { printSummary, summarise } from '../run-summary.ts';
import { progressView } from '../terminal/progress-view.ts';
import { counted, err } from '../terminal/style.ts';

export interface ScoreOptions {
  readonly out: string;
  readonly models: readonly string[];
  readonly store?: string;
  readonly split?: 'test' | 'train';
  readonly json?: boolean;
}

export function addScore(program: Command): void {
  program
    .command('score')
    .description('score a dataset on this machine: nothing to set up, nothing left running')
    .argument('<dataset>', 'folder in the challenge’s layout, or a manifest (*.jsonl, *.csv)')
    .requiredOption('-o, --out <dir>', 'folder for submission.csv, results.json, logs and the store')
    .option(
      '--models <stageN=bundle>',
      'a folder, or bundle@version in the store; repeatable (default: the promoted bundle, else the demo’s)',
      collect,
      [],
    )
    .option('--store <url>', 'object store to use instead of DIR/store; what is in it is not computed again')
    .option('--split <half>', 'test or train half of a challenge folder (default: test where there is one)')
    .option('--json', 'print the summary as JSON')
    .addHelpText(
      'after',
      `
Starts a private Redis and one worker a stage, scores every study, writes
  DIR/submission.csv   the challenge's format, 25 rows a study
  DIR/results.json     severities, slices, points, flags and stage keys of every study
and stops everything. Run it again and only what is new is computed.

Examples:
  spineline phantom demo --studies 8 --seed 1 && spineline score demo --out out
  spineline score studies.jsonl --out out --models stage3=./bundles/severity
${EXIT_HELP}`,
    )
    .action(async (dataset: string, options: ScoreOptions) => {
      process.exitCode = await score(dataset, options);
    });
}

export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/**
 * Scores a dataset with everything embedded.
 *
 * @param after called when the run is over and the store still open.
 * @returns the exit code.
 */
export async function score(
  path: string,
  options: ScoreOptions,
  after?: (runs: RunStore, run: RunRecord) => Promise<void>,
): Promise<number> {
  const out = resolve(options.out);
  await mkdir(out, { recursive: true });
  const settings = embeddedSettings();
  const storeUrl = options.store ?? pathToFileURL(join(out, 'store')).href;
  ensureRedisServer((line) => console.error(err.faint(line)));
  return withStore(
    async ({ store, runs, sources }) => {
      const dataset = await openDataset(path, sources, { split: options.split });
      const { bundles, notice } = await pinBundles(store, options.models);
      const stopped = stopRequested();
      const redis = await startPrivateRedis();
      try {
        const workers = await startWorkers(workerEnvironment(redis.url, storeUrl), join(out, 'logs'));
        try {
          return await withQueues(
            settings,
            async (side) => {
              console.error(`scoring ${counted(dataset.studyCount, 'study', 'studies')} of ${path}`);
              const startedAt = performance.now();
              const run = await enqueueRun(dataset, runs, side.queues, {
                run: `score-${new Date().toISOString().replace(/[-:]/g, '').replace(/\..*/, '')}-${process.pid}`,
                bundles,
                notice,
                priority: 5,
                pageStudies: settings.pageStudies,
              });
              const view = progressView(run.studies);
              let state: RunState;
              try {
                const follow = followRun(run, runs, side, (progress) => view.update(progress), stopped.signal);
                state = await Promise.race([follow, workers.failed]);
                view.update(await side.progress.read(run.run));
              } finally {
                view.stop();
              }
              const seconds = (performance.now() - startedAt) / 1000;
              await writeSubmissionFile(runs, run, join(out, 'submission.csv'));
              await writeResultsFile(runs, run, join(out, 'results.json'));
              const summary = await summarise(runs, run, state, seconds);
              if (options.json) console.log(JSON.stringify({ ...summary, out }));
              else printSummary(summary, out);
              await after?.(runs, run);
              return state.scored === run.studies ? EXIT.ok : EXIT.someFailed;
            },
            redis.url,
          );
        } catch (error) {
          if (!stopped.signal.aborted) throw error;
          console.error(err.warn('stopped; what was computed is in the store and is not computed again'));
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

/** The environment's settings, except where Redis is: that one is private. */
function embeddedSettings(): Settings {
  return readSettings({ ...process.env, SPINELINE_REDIS_URL: undefined });
}

function workerEnvironment(redisUrl: string, storeUrl: string): NodeJS.ProcessEnv {
  // Three workers on one machine: any free port each.
  return { SPINELINE_REDIS_URL: redisUrl, SPINELINE_STORE_URL: storeUrl, SPINELINE_HEALTH_PORT: '0' };
}

/** Ctrl-C and SIGTERM end the following of the run; everything embedded is then stopped in order. */
function stopRequested(): { signal: AbortSignal; forget: () => void } {
  const controller = new AbortController();
  const stop = () =>
    controller.abort(new Error('stopped; what was computed is in the store and is not computed again'));
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

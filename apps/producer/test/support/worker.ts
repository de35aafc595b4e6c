/** Workers as separate processes, started by hand as a cluster would, and what they say in their logs. */

import { fileURLToPath } from 'node:url';
import { STAGE_NAMES, type Stage } from '@spineline/shared/domain';
import { type Exit, startNode } from '../../../../packages/shared/test/support/guarded-process.ts';
import { sampleOf, samplesOf } from '../../../../packages/shared/test/support/samples.ts';
import { type LogLine, logOf } from '../../../../packages/shared/test/support/worker-log.ts';

export interface TestWorker {
  readonly stage: Stage;
  readonly pid: number;
  /** Where `/livez`, `/readyz` and `/metrics` are. */
  readonly health: string;
  /** All that it said so far. */
  readonly log: readonly LogLine[];
  readonly exited: Promise<Exit>;
  /** The first line that fits, or the `count`-th, now or later. Rejects when the worker ends without it. */
  line(fits: (line: LogLine) => boolean, count?: number): Promise<LogLine>;
  /** SIGTERM, and waits until it is gone. */
  stop(): Promise<Exit>;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<Exit>;
  /** The value of a metric with exactly these labels and its stage, in any order; 0 where it has none. */
  metric(name: string, labels: Readonly<Record<string, string>>): Promise<number>;
}

/** Starts a worker and waits until it takes jobs. @throws {Error} with its log when it does not. */
export async function startWorker(stage: Stage, settings: Readonly<Record<string, string>>): Promise<TestWorker> {
  const program = fileURLToPath(new URL(`../../../worker-${stage}/src/main.ts`, import.meta.url));
  const guarded = startNode(program, [], settings);
  const log = logOf(guarded);
  const { exited, child } = guarded;
  const end = (signal: NodeJS.Signals) => () => {
    child.kill(signal);
    return exited;
  };
  const started = await log.when(({ msg }) => msg === 'worker started');
  const health = String(started.health);
  return {
    stage,
    pid: child.pid!,
    health,
    log: log.all,
    exited,
    line: (fits, count) => log.when(fits, count),
    stop: end('SIGTERM'),
    kill: end('SIGKILL'),
    metric: async (name, labels) =>
      sampleOf(samplesOf(await (await fetch(`${health}/metrics`)).text()), name, { stage, ...labels }) ?? 0,
  };
}

/** Some workers of every stage. */
export interface Pools {
  readonly workers: readonly TestWorker[];
  /** Lines that fit, of all workers. */
  lines(fits: (line: LogLine) => boolean): LogLine[];
  stop(): Promise<void>;
}

export async function startPools(perStage: number, settings: Readonly<Record<string, string>>): Promise<Pools> {
  const starts = STAGE_NAMES.flatMap((stage) => Array.from({ length: perStage }, () => startWorker(stage, settings)));
  const workers = await Promise.all(starts);
  return {
    workers,
    lines: (fits) => workers.flatMap(({ log }) => log.filter(fits)),
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}

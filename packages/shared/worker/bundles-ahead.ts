/**
 * Runs the models of a worker before it takes the first study: the promoted bundle of its stage, and those that runs with
 * work have pinned. Others are run when a study first needs them.
 */

import { type Stage, STAGES } from '../domain/index.ts';
import { type BundleCache, type InferencePool, MemberDoesNotRunError, tryBundle } from '../inference/index.ts';
import { type BundlePin, type LoadedBundle, readPromotion } from '../models/index.ts';
import type { Queues } from '../queue/index.ts';
import type { RunStore } from '../runs/index.ts';
import type { ObjectStore } from '../store/index.ts';
import type { Logger } from '../telemetry/index.ts';

/** The check of a worker's bundle cache: runs every member, and logs what was seen. */
export function bundleCheck(inference: InferencePool, provider: string, log: Logger) {
  return async (loaded: LoadedBundle, pin: BundlePin): Promise<void> => {
    const started = performance.now();
    const tried = await tryBundle(inference, loaded, pin, provider);
    const bundle = `${pin.name}@${pin.version}`;
    const seconds = Math.round(performance.now() - started) / 1000;
    log.info({ bundle, members: tried.length, executionProvider: provider, seconds }, 'models run');
    for (const { task, file, placement } of tried) {
      const elsewhere = Object.entries(placement?.elsewhere ?? {});
      if (!placement || elsewhere.length === 0) continue;
      const nodes = elsewhere.reduce((sum, [, count]) => sum + count, 0);
      const operators = elsewhere.map(([operator, count]) => `${operator} x ${count}`).join(', ');
      log.warn({ bundle, task, file, nodes, of: nodes + placement.there, operators }, 'nodes run on the CPU');
    }
  };
}

/**
 * Loads and tries the bundles that can be found now. One that cannot be read is left to the studies that need it: they
 * fail with the reason.
 *
 * @throws {MemberDoesNotRunError} if a model does not run here.
 */
export async function tryBundlesAhead(
  stage: Stage,
  parts: {
    readonly store: ObjectStore;
    readonly queues: Queues;
    readonly runs: RunStore;
    readonly bundles: BundleCache;
    readonly log: Logger;
  },
): Promise<void> {
  const { bundles, log } = parts;
  const { number } = STAGES[stage];
  for (const pin of await pinsAhead(stage, parts)) {
    try {
      await bundles.get(pin, number);
    } catch (error) {
      if (error instanceof MemberDoesNotRunError) throw error;
      log.warn({ bundle: `${pin.name}@${pin.version}`, error: String(error) }, 'bundle cannot be loaded');
    }
  }
}

async function pinsAhead(
  stage: Stage,
  { store, queues, runs, log }: Parameters<typeof tryBundlesAhead>[1],
): Promise<BundlePin[]> {
  const pins = new Map<string, BundlePin>();
  try {
    const { current } = await readPromotion(store, STAGES[stage].number);
    if (current) pins.set(current.digest, { name: current.name, version: current.version, digest: current.digest });
    for (const run of await queues.runsWithWork()) {
      const pin = (await runs.readRun(run)).bundles[stage];
      pins.set(pin.digest, pin);
    }
  } catch (error) {
    log.warn({ error: String(error) }, 'which bundles are needed cannot be read');
  }
  return [...pins.values()];
}

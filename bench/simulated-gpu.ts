/** A GPU that is a timer, and how long a perfect line of such GPUs takes. */

import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { STAGE_NAMES, type Stage } from '@spineline/shared/domain';

/** Takes one study at a time. */
export class SimulatedGpu {
  #free: Promise<unknown> = Promise.resolve();

  run(ms: number): Promise<unknown> {
    const end = this.#free.then(() => sleep(ms));
    this.#free = end;
    return end;
  }
}

/** How long a stage works on a study: between half and one and a half of the mean, always the same for one study. */
export function serviceMs(study: string, stage: Stage, meanMs: number): number {
  const digest = createHash('sha256').update(`${study} ${stage}`).digest();
  return meanMs * (0.5 + digest.readUInt32LE(0) / 2 ** 32);
}

/**
 * How long the stages need for the studies if nothing but the GPUs takes time: whichever GPU of a stage is free takes
 * the study that has waited longest.
 *
 * @param workers GPUs of each stage.
 * @returns milliseconds.
 */
export function idealMs(studies: readonly string[], workers: Readonly<Record<Stage, number>>, meanMs: number): number {
  let arrivals = studies.map((study) => ({ study, at: 0 }));
  for (const stage of STAGE_NAMES) {
    const free = Array.from({ length: workers[stage] }, () => 0);
    arrivals = arrivals
      .map(({ study, at }) => {
        const first = free.indexOf(Math.min(...free));
        const end = Math.max(at, free[first]!) + serviceMs(study, stage, meanMs);
        free[first] = end;
        return { study, at: end };
      })
      .sort((a, b) => a.at - b.at);
  }
  return arrivals.at(-1)!.at;
}

/** Chooses the threads, the batch size and the studies at a time of a worker from its machine and execution provider. */

import { availableParallelism, totalmem } from 'node:os';

/** What a worker may use. */
export interface Machine {
  /** Logical processors that the process may use: fewer than the machine has in a container or under `taskset`. */
  readonly cores: number;
  /** Memory in bytes, or the limit of the container. */
  readonly memory: number;
}

/** The settings of a worker that follow from its machine. */
export interface Fit {
  readonly concurrency: number;
  readonly computeThreads: number;
  readonly inferenceThreads: number;
  readonly intraOpThreads: number;
  readonly batchSize: number;
}

const GIB = 1024 ** 3;
/** Memory kept for one inference thread with its models on a CPU: more than the demo bundles need, half of the published. */
const THREAD_MEMORY = 2 * GIB;
const GPU_BATCH = 8;
/** While one thread computes, the other copies its batch to the GPU. */
const THREADS_PER_GPU = 2;
/** Studies that are fetched and prepared while others are in the models. */
export const STUDIES_AHEAD = 2;

export function thisMachine(): Machine {
  const limit = process.constrainedMemory();
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return { cores: availableParallelism(), memory };
}

/**
 * What each of several workers may use. Workers of different stages take turns: half of the cores each keeps all of them
 * busy.
 */
export function shareOf({ cores, memory }: Machine, workers: number): Machine {
  return { cores: workers === 1 ? cores : Math.ceil(cores / 2), memory: memory / workers };
}

/**
 * @param use.devices number of GPUs.
 * @param use.workers workers on this machine, which share its cores and its memory.
 * @returns the settings, and the reason in one sentence for the log.
 */
export function fitMachine(
  { cores, memory }: Machine,
  use: { readonly provider: string; readonly devices: number; readonly workers: number },
): Fit & { readonly why: string } {
  const { cores: byCores, memory: ownMemory } = shareOf({ cores, memory }, use.workers);
  const here = `${cores} ${cores === 1 ? 'core' : 'cores'}, ${(ownMemory / GIB).toFixed(1)} GiB for this worker`;
  if (use.provider !== 'cpu') {
    const inferenceThreads = use.devices * (use.provider === 'webgpu' ? 1 : THREADS_PER_GPU);
    return {
      computeThreads: Math.max(1, cores - 1),
      inferenceThreads,
      intraOpThreads: 1,
      batchSize: GPU_BATCH,
      concurrency: Math.max(2 * GPU_BATCH, cores),
      why: `${here}; ${use.devices} ${use.devices === 1 ? 'GPU' : 'GPUs'} on ${use.provider}: full batches, all other cores prepare images`,
    };
  }
  const byMemory = Math.max(1, Math.floor(ownMemory / THREAD_MEMORY));
  const inferenceThreads = Math.min(byCores, byMemory);
  return {
    computeThreads: Math.max(1, Math.ceil(cores / 2)),
    inferenceThreads,
    // Threads of one model run share its weights, so they take the cores that memory leaves.
    intraOpThreads: Math.max(1, Math.floor(byCores / inferenceThreads)),
    batchSize: 1,
    concurrency: inferenceThreads + STUDIES_AHEAD,
    why: `${here}; models on the CPU: ${inferenceThreads < byCores ? 'one inference thread per 2 GiB' : use.workers === 1 ? 'one inference thread per core' : 'inference threads for half of the cores, since workers share them'}, batches of 1`,
  };
}

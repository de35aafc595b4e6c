/** What `gpu.ts` and its processes tell each other, and the arithmetic between the two. */

import type { Placement } from '@spineline/shared/inference';
import type { ProviderSettings } from '../packages/shared/inference/execution-provider.ts';

/** One model to measure. */
export interface MemberRequest {
  readonly file: string;
  readonly precision: 'float32' | 'float16';
  /** Dimensions of each input by name, without the batch; float32. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly batches: readonly number[];
  readonly provider: ProviderSettings;
  /** Intra-op threads on a CPU. */
  readonly cores: number;
  /** Whether to compare the outputs with those of the CPU. */
  readonly compare: boolean;
}

/** What is known of a model. Parts of it arrive one after the other. */
export interface MemberFigures {
  readonly loadMs?: number;
  readonly firstRunMs?: number;
  /** Where the nodes run; absent on a CPU. */
  readonly placement?: Placement;
  /** Median of the time per run, by batch size. */
  readonly batchMs?: Readonly<Record<number, number>>;
  /** Largest difference of an output from the CPU's, batch 1. */
  readonly difference?: number;
  /** Why there is no more. */
  readonly failure?: string;
  readonly done?: boolean;
}

export function addFigures(known: MemberFigures, more: MemberFigures): MemberFigures {
  return { ...known, ...more, ...(more.batchMs && { batchMs: { ...known.batchMs, ...more.batchMs } }) };
}

/** @throws {RangeError} without values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/**
 * How long the models of a study take on one GPU, in ms.
 *
 * @param members samples per study of each, and the time per run by batch size.
 * @param batchSize largest batch of the workers. The largest measured batch up to it counts.
 * @returns `undefined` if a member was not measured.
 */
export function modelsMs(
  members: readonly { readonly samples: number; readonly batchMs: Readonly<Record<number, number>> }[],
  batchSize: number,
): number | undefined {
  let sum = 0;
  for (const { samples, batchMs } of members) {
    const batch = Math.max(
      ...Object.keys(batchMs)
        .map(Number)
        .filter((size) => size <= batchSize),
    );
    const ms = batchMs[batch];
    if (ms === undefined) return undefined;
    sum += (samples * ms) / batch;
  }
  return sum;
}

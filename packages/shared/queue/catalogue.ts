/**
 * Every queue with the shape of its jobs. A payload is a run, a study and keys: no pixels, no locations, no patient data.
 * A handler cannot be given another queue's payload: what a worker takes from Redis is validated against this.
 */

import { z } from 'zod';
import { StepRecord } from '../runs/index.ts';
import { encodeStudy } from '../store/index.ts';

const Digest = z.string().regex(/^[0-9a-f]{64}$/);

const Study = { run: z.string(), study: z.string(), page: Digest };

/**
 * A page of a dataset, waiting to be unfolded into study jobs. `again`: the run was there before, so that some studies
 * may be finished and some jobs may lie about; only studies with neither result nor failure are added.
 */
const Page = z.strictObject({ run: z.string(), page: Digest, again: z.boolean().default(false) });

/**
 * Payload schemas by queue. Each stage has pages of its own, which its own workers unfold: a run may enter at any stage,
 * and a pool that has nothing to do may be scaled to nothing. `redo` counts how often a damaged output sent the study back.
 */
export const PAYLOADS = {
  'stage1-pages': Page,
  'stage2-pages': Page,
  'stage3-pages': Page,
  stage1: z.strictObject({ ...Study, redo: z.number().int().default(0) }),
  stage2: z.strictObject({ ...Study, redo: z.number().int().default(0), stage1: StepRecord }),
  stage3: z.strictObject({
    ...Study,
    redo: z.number().int().default(0),
    stage1: StepRecord,
    xy: StepRecord,
    crops: StepRecord,
  }),
} as const;

export type QueueName = keyof typeof PAYLOADS;
export type StageQueue = 'stage1' | 'stage2' | 'stage3';
export type PageQueue = `${StageQueue}-pages`;
export type Payload<Q extends QueueName> = z.infer<(typeof PAYLOADS)[Q]>;
export const QUEUES = Object.keys(PAYLOADS) as readonly QueueName[];
export const STAGE_QUEUES = ['stage1', 'stage2', 'stage3'] as const satisfies readonly StageQueue[];

export function pageQueue(stage: StageQueue): PageQueue {
  return `${stage}-pages`;
}

/**
 * The same hand-over is the same job: BullMQ takes no second job of an id that is there. Ids have no `:` and are not all
 * digits, which BullMQ refuses.
 */
export function studyJobId({ run, study, redo }: { run: string; study: string; redo: number }): string {
  return `${run}.${encodeStudy(study)}${redo > 0 ? `.redo-${redo}` : ''}`;
}

/** The run of a {@link pageJobId}; `undefined` for another id. */
export function runOfPageJob(id: string): string | undefined {
  return /^(.+)\.page-\d+(?:\.[0-9a-f]+)?$/.exec(id)?.[1];
}

/** @param round tells the pages of a resumed run from those that may still wait, of the same run. */
export function pageJobId(run: string, index: number, round?: string): string {
  return `${run}.page-${index}${round === undefined ? '' : `.${round}`}`;
}

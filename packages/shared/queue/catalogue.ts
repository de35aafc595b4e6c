/**
 * Every queue with the shape of its jobs. A payload is a run, a study and keys: no pixels, no locations, no patient data.
 * A handler cannot be given another queue's payload: what a worker takes from Redis is validated against this.
 */

import { z } from 'zod';
import { encodeStudy } from '../store/index.ts';

const Digest = z.string().regex(/^[0-9a-f]{64}$/);
/** What a step left behind for the later ones. */
const StepDone = z.strictObject({ key: Digest, reused: z.boolean(), seconds: z.number() });

const Study = { run: z.string(), study: z.string(), page: Digest };

/** Payload schemas by queue. `redo` counts how often a damaged output sent the study back. */
export const PAYLOADS = {
  /** A page of a dataset, waiting to be unfolded into study jobs. */
  pages: z.strictObject({ run: z.string(), page: Digest }),
  stage1: z.strictObject({ ...Study, redo: z.number().int().default(0) }),
  stage2: z.strictObject({ ...Study, redo: z.number().int().default(0), stage1: StepDone }),
  stage3: z.strictObject({
    ...Study,
    redo: z.number().int().default(0),
    stage1: StepDone,
    xy: StepDone,
    crops: StepDone,
  }),
} as const;

export type QueueName = keyof typeof PAYLOADS;
export type StageQueue = Exclude<QueueName, 'pages'>;
export type Payload<Q extends QueueName> = z.infer<(typeof PAYLOADS)[Q]>;
export const STAGE_QUEUES = ['stage1', 'stage2', 'stage3'] as const satisfies readonly StageQueue[];

/**
 * The same hand-over is the same job: BullMQ takes no second job of an id that is there. Ids have no `:` and are not all
 * digits, which BullMQ refuses.
 */
export function studyJobId({ run, study, redo }: { run: string; study: string; redo: number }): string {
  return `${run}.${encodeStudy(study)}${redo > 0 ? `.redo-${redo}` : ''}`;
}

export function pageJobId(run: string, index: number): string {
  return `${run}.page-${index}`;
}

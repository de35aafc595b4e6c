/**
 * Every queue with the shape of its jobs. A payload is a run, a study and keys: no pixels, no locations, no patient data.
 * A handler cannot be given another queue's payload: what a worker takes from Redis is validated against this.
 */

import { z } from 'zod';
import { type ReceivedStep, STAGE_NAMES, STAGES, type Stage } from '../domain/index.ts';
import { StepRecord } from '../runs/index.ts';
import { encodeStudy } from '../store/index.ts';

const Digest = z.string().regex(/^[0-9a-f]{64}$/);

/** A stage's study jobs wait in the queue of its name, its pages in a queue of their own. */
export type PageQueue = `${Stage}-pages`;
export type QueueName = Stage | PageQueue;

/**
 * A page of a dataset that waits to be unfolded into study jobs. `again`: the run was there before, so that some studies
 * may be finished and some jobs may lie about; only studies with neither result nor failure are added.
 */
const Page = z.strictObject({ run: z.string(), page: Digest, again: z.boolean().default(false) });
type Page = z.infer<typeof Page>;

/** `redo` counts how often a damaged output sent the study back. */
const Study = z.strictObject({ run: z.string(), study: z.string(), page: Digest, redo: z.number().int().default(0) });
/** A study at a stage, with the outputs of the earlier steps that the stage receives. */
export type StudyPayload<S extends Stage> = z.infer<typeof Study> & Readonly<Record<ReceivedStep<S>, StepRecord>>;

export type Payload<Q extends QueueName> = Q extends Stage ? StudyPayload<Q> : Page;

/**
 * Payload schemas by queue. Each stage has pages of its own, which its own workers unfold: a run may enter at any stage,
 * and a pool that has nothing to do may be scaled to nothing.
 */
export const PAYLOADS = Object.fromEntries(
  STAGE_NAMES.flatMap((stage) => {
    const received = Object.fromEntries(STAGES[stage].receives.map((step) => [step, StepRecord]));
    return [
      [pageQueue(stage), Page],
      [stage, Study.extend(received)],
    ];
  }),
) as unknown as { readonly [Q in QueueName]: z.ZodType<Payload<Q>> };

export const QUEUES = Object.keys(PAYLOADS) as readonly QueueName[];

export function pageQueue(stage: Stage): PageQueue {
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

/**
 * Every queue with the schema of its jobs. A payload holds a run, a study and keys: no pixels, no locations, no patient
 * data. Workers validate every job that they take, so that a handler never gets the payload of another queue.
 */

import { z } from 'zod';
import { type ReceivedStep, STAGE_NAMES, STAGES, type Stage } from '../domain/index.ts';
import { StepRecord } from '../runs/index.ts';
import { encodeStudy } from '../store/index.ts';

const Digest = z.string().regex(/^[0-9a-f]{64}$/);

/** The study jobs of a stage wait in a queue with the stage's name, its pages in a second queue. */
export type PageQueue = `${Stage}-pages`;
export type QueueName = Stage | PageQueue;

/**
 * A page of a dataset that waits to be unfolded into study jobs. `again`: the run is resumed or retried, so some
 * studies may be finished and old jobs may still exist; only studies with neither result nor failure are added.
 */
const Page = z.strictObject({ run: z.string(), page: Digest, again: z.boolean().default(false) });
type Page = z.infer<typeof Page>;

/** `redo`: how often the study was sent back to an earlier stage because a stored output was damaged. */
const Study = z.strictObject({ run: z.string(), study: z.string(), page: Digest, redo: z.number().int().default(0) });
/** A study at a stage, with the outputs of the earlier steps that the stage receives. */
export type StudyPayload<S extends Stage> = z.infer<typeof Study> & Readonly<Record<ReceivedStep<S>, StepRecord>>;

export type Payload<Q extends QueueName> = Q extends Stage ? StudyPayload<Q> : Page;

/**
 * Payload schemas by queue. Each stage has its own page queue, which its own workers unfold: a run can enter at any
 * stage, and the pools of other stages may be scaled to zero.
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
 * Id of a study job. The same hand-over gives the same id, and BullMQ ignores a second job with an existing id. BullMQ
 * refuses ids with `:` and ids of digits only; these are neither.
 */
export function studyJobId({ run, study, redo }: { run: string; study: string; redo: number }): string {
  return `${run}.${encodeStudy(study)}${redo > 0 ? `.redo-${redo}` : ''}`;
}

/** The run in a {@link pageJobId}; `undefined` for any other id. */
export function runOfPageJob(id: string): string | undefined {
  return /^(.+)\.page-\d+(?:\.[0-9a-f]+)?$/.exec(id)?.[1];
}

/** @param round distinguishes the pages of a resumed run from older ones of the same run that may still wait. */
export function pageJobId(run: string, index: number, round?: string): string {
  return `${run}.page-${index}${round === undefined ? '' : `.${round}`}`;
}

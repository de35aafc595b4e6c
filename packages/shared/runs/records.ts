/**
 * Schemas of the records of a run: its request (`run.json`), the result of a study (its commit), the failure of a
 * study, and the pages of a dataset. Each schema has a version; records are validated when they are read.
 */

import { z } from 'zod';
import {
  CONDITIONS,
  KINDS,
  LEVELS,
  type MissingViews,
  perStage,
  perStep,
  SIDES,
  STAGE_NAMES,
} from '../domain/index.ts';
import { Flags, RejectedSeries } from '../stages/index.ts';

const Digest = z.string().regex(/^[0-9a-f]{64}$/);
const Pin = z.strictObject({ name: z.string(), version: z.string(), digest: Digest });

/** `datasets/<digest>.json`: the pages of a dataset in order. Written after the pages. */
export const DatasetRecord = z.strictObject({
  schema: z.literal('spineline.dataset/1'),
  digest: Digest,
  studies: z.number().int().nonnegative(),
  pages: z.array(Digest),
});
export type DatasetRecord = z.infer<typeof DatasetRecord>;

/** `runs/<run>/run.json`: what was requested. Never changed after it is written. */
export const RunRecord = z.strictObject({
  schema: z.literal('spineline.run/1'),
  run: z.string(),
  dataset: Digest,
  studies: z.number().int().positive(),
  /** The bundle of each stage, pinned by digest: a new version changes nothing in this run. */
  bundles: z.strictObject(perStage(() => Pin)),
  /**
   * Of a reprocessed run: the old run whose stored outputs it starts from, and the stage at which studies enter. A
   * study without a result in the old run enters at stage 1.
   */
  from: z.strictObject({ run: z.string(), stage: z.enum(STAGE_NAMES) }).optional(),
  /** 1 is the most urgent, 10 the least. */
  priority: z.number().int().min(1).max(10),
  created: z.iso.datetime(),
  /** When the run should be finished. For people who watch it; workers ignore it. */
  deadline: z.iso.datetime().optional(),
  /** Warning of the bundles, to be shown with every output; empty if the bundles need none. */
  notice: z.string(),
});
export type RunRecord = z.infer<typeof RunRecord>;

/** `runs/<run>/cancelled.json`: while this exists the run is cancelled; deleting it reactivates the run. */
export const CancelRecord = z.strictObject({
  schema: z.literal('spineline.cancelled/1'),
  run: z.string(),
  cancelled: z.iso.datetime(),
});
export type CancelRecord = z.infer<typeof CancelRecord>;

/** What one step did for a study. */
export const StepRecord = z.strictObject({
  /** Stage key of the output. */
  key: Digest,
  /** Whether the output was already in the store. */
  reused: z.boolean(),
  /** Time that the worker spent on it, including waiting for batches; 0 if the study entered after this step. */
  seconds: z.number(),
  /** When the step ended. It began `seconds` earlier. */
  finished: z.iso.datetime(),
});
export type StepRecord = z.infer<typeof StepRecord>;
/** What every step did for a study. */
export const Steps = z.strictObject(perStep(() => StepRecord));
export type Steps = z.infer<typeof Steps>;

const Place = z.strictObject({
  series: z.string(),
  instance: z.number().int(),
  /** In pixels of the stored slice: x is the column, y the row. */
  x: z.number(),
  y: z.number(),
});

const TargetResult = z.strictObject({
  name: z.string(),
  condition: z.enum(CONDITIONS),
  level: z.enum(LEVELS),
  side: z.enum(SIDES).optional(),
  /** Probabilities of normal/mild, moderate, severe. */
  severities: z.tuple([z.number(), z.number(), z.number()]),
  /** Place in the sagittal series; null if it was not found. */
  slice: Place.nullable(),
  /** Place in an axial series; null if it was not found. */
  axial: Place.nullable(),
  /** Agreement of the members on the sagittal slice, 0 to 1; null without a sagittal slice. */
  confidence: z.number().nullable(),
  /** True if no view of the target exists: its severities are then the class shares of the training set. */
  classShares: z.boolean(),
});
export type TargetResult = z.infer<typeof TargetResult>;

/** `runs/<run>/studies/<study>.json`: the result of a study; its existence is the commit. */
export const StudyResult = z.strictObject({
  schema: z.literal('spineline.result/1'),
  run: z.string(),
  study: z.string(),
  notice: z.string(),
  targets: z.array(TargetResult),
  /** The series of the study, with their instance numbers in spatial order. */
  series: z.array(
    z.strictObject({
      series: z.string(),
      kind: z.enum(KINDS),
      used: z.boolean(),
      rows: z.number().int(),
      columns: z.number().int(),
      /** Number of the frame of reference within the study; null if the files have none. */
      frameOfReference: z.number().int().nullable(),
      instances: z.array(z.number().int()),
      /** Why it was read as this kind, one sentence per reason. */
      reasons: z.array(z.string()).optional(),
    }),
  ),
  /** Images of the study that no stage read, and why. */
  rejected: z.array(RejectedSeries).optional(),
  flags: Flags,
  steps: Steps,
  finished: z.iso.datetime(),
});
export type StudyResult = z.infer<typeof StudyResult>;

/** `MissingViews` of a failure `STUDY_TOO_FEW_VIEWS`. */
const FailedViews = z.strictObject({
  targets: z.number().int(),
  withoutView: z.array(z.string()).readonly(),
  allowed: z.number(),
  series: z
    .array(z.strictObject({ series: z.string(), kind: z.enum(KINDS), used: z.boolean(), slices: z.number().int() }))
    .readonly(),
  rejected: z.array(RejectedSeries).readonly(),
  flags: Flags.readonly(),
}) satisfies z.ZodType<MissingViews>;

/** `runs/<run>/failed/<study>.json`: why a study has no result. */
export const FailureRecord = z.strictObject({
  schema: z.literal('spineline.failure/1'),
  run: z.string(),
  study: z.string(),
  /** The stage at which it failed. */
  stage: z.enum(STAGE_NAMES),
  code: z.string(),
  kind: z.enum(['transient', 'permanent', 'poison']),
  message: z.string(),
  series: z.string().optional(),
  file: z.string().optional(),
  expected: z.string().optional(),
  found: z.string().optional(),
  /** Of a study with too few views: what was found and what was missing. */
  views: FailedViews.optional(),
  attempts: z.number().int(),
  failed: z.iso.datetime(),
});
export type FailureRecord = z.infer<typeof FailureRecord>;

/**
 * What a run writes about itself: what was asked (`run.json`), a study's result (the commit of a study), why a study has
 * none, and what a dataset consists of. Schemas carry a version; reading validates.
 */

import { z } from 'zod';
import { CONDITIONS, KINDS, LEVELS, type MissingViews, perStage, perStep, SIDES, STAGE_NAMES } from '../domain/index.ts';
import { Flags, RejectedSeries } from '../stages/index.ts';

const Digest = z.string().regex(/^[0-9a-f]{64}$/);
const Pin = z.strictObject({ name: z.string(), version: z.string(), digest: Digest });

/** `datasets/<digest>/dataset.json`: the pages of a dataset, written last. */
export const DatasetRecord = z.strictObject({
  schema: z.literal('spineline.dataset/1'),
  digest: Digest,
  studies: z.number().int().nonnegative(),
  pages: z.array(Digest),
});
export type DatasetRecord = z.infer<typeof DatasetRecord>;

/** `runs/<run>/run.json`: what was asked. Never changed once written. */
export const RunRecord = z.strictObject({
  schema: z.literal('spineline.run/1'),
  run: z.string(),
  dataset: Digest,
  studies: z.number().int().positive(),
  /** The bundle of each stage, pinned by digest: a new version during the night changes nothing. */
  bundles: z.strictObject(perStage(() => Pin)),
  /**
   * The run whose stored outputs this one starts from, and the stage at which its studies enter. A study that has no
   * result there enters at stage 1.
   */
  from: z.strictObject({ run: z.string(), stage: z.enum(STAGE_NAMES) }).optional(),
  /** 1 is the most urgent, 10 the least. */
  priority: z.number().int().min(1).max(10),
  created: z.iso.datetime(),
  /** When it should be over; for those who watch, workers do not look at it. */
  deadline: z.iso.datetime().optional(),
  /** What the bundles want shown with every output; empty for bundles that need no warning. */
  notice: z.string(),
});
export type RunRecord = z.infer<typeof RunRecord>;

/** `runs/<run>/cancelled.json`: the run is not to be worked on; away with it, and it is again. */
export const CancelRecord = z.strictObject({
  schema: z.literal('spineline.cancelled/1'),
  run: z.string(),
  cancelled: z.iso.datetime(),
});
export type CancelRecord = z.infer<typeof CancelRecord>;

/** How a study came through one step. */
export const StepRecord = z.strictObject({
  key: Digest,
  /** Whether the output was there already. */
  reused: z.boolean(),
  /** Time spent on it by the worker, waiting for batches included; 0 where the study entered behind this step. */
  seconds: z.number(),
  /** When it was through; with `seconds`, when it was begun. */
  finished: z.iso.datetime(),
});
export type StepRecord = z.infer<typeof StepRecord>;
/** A study's way through all steps. */
export const Steps = z.strictObject(perStep(() => StepRecord));
export type Steps = z.infer<typeof Steps>;

const Place = z.strictObject({
  series: z.string(),
  instance: z.number().int(),
  /** Pixels of the original slice: x the column, y the row. */
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
  /** Where it was seen in its sagittal series; null where it was not. */
  slice: Place.nullable(),
  /** Where it was seen in an axial series; null where it was not. */
  axial: Place.nullable(),
  /** Agreement of the members on the sagittal slice, 0 to 1; null where there is none. */
  confidence: z.number().nullable(),
  /** True where no view was to be had and the severities are the training set's class shares. */
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
  /** The series that were there, with the instance numbers in spatial order. */
  series: z.array(
    z.strictObject({
      series: z.string(),
      kind: z.enum(KINDS),
      used: z.boolean(),
      rows: z.number().int(),
      columns: z.number().int(),
      /** Number of the frame of reference within the study; null where the files name none. */
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
  /** The queue in which it failed. */
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

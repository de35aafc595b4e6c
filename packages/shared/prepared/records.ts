/**
 * The JSON files of a prepared dataset: `prepare.json`, and `shard.json` in every shard. docs/prepared-data.md
 * describes the arrays.
 */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ConfigError, SpinelineError, STAGE_NUMBERS, perStage } from '../domain/index.ts';
import { CROP_ARRAYS } from '../stages/index.ts';

/** `exact`: bit for bit the input of the models; `float16`; `uint8`: round(255 x). */
export const DTYPES = ['exact', 'float16', 'uint8'] as const;

const count = z.number().int().nonnegative();
const positive = z.number().int().positive();
const sides = z.object({ left: count, right: count, top: count, bottom: count });

export const PrepareOptions = z.object({
  /** Stages whose arrays are made. */
  stages: z.array(z.literal(STAGE_NUMBERS)).min(1),
  dtype: z.enum(DTYPES),
  /** P x P average pooling, one P per stage. */
  pool: z.object(perStage(() => positive)),
  /** Extra slices at each end of stage 2's images, in addition to the three that the models see. */
  xyRoomSlices: count,
  /** Extra slices at each end of a crop, in addition to those that the models see. */
  cropRoomSlices: count,
  /** Smallest room on each side of a window, in px of the crops' space. */
  cropRoomPx: count,
  studiesPerShard: positive,
});
export type PrepareOptions = z.infer<typeof PrepareOptions>;

const Skipped = z.object({ study: z.string(), code: z.string(), message: z.string() });
export type Skipped = z.infer<typeof Skipped>;

/** Labelled points that were used, and those in slices or series that the stages do not read. */
const LabelCounts = z.object({ used: count, unused: count });
export type LabelCounts = z.infer<typeof LabelCounts>;

const digest = z.string();

export const PreparedShard = z.object({
  schema: z.literal('spineline.prepared-shard/1'),
  /** In the order of the arrays' first dimension. */
  studies: z.array(z.string()),
  arrays: z.record(
    z.string(),
    z.object({ file: z.string(), shape: z.array(count), dtype: z.string(), sha256: z.string() }),
  ),
  skipped: z.array(Skipped),
  labels: LabelCounts,
  /** Digest of the settings and options that it was made with. */
  options: digest,
  /** Digest of the studies, the fingerprints of their files, and their labels. */
  source: digest,
});
export type PreparedShard = z.infer<typeof PreparedShard>;

const Pin = z.object({ name: z.string(), version: z.string(), digest });

export const PreparedDataset = z.object({
  schema: z.literal('spineline.prepared/1'),
  dataset: z.object({ name: z.string(), digest }),
  bundles: z.object(perStage(() => Pin)),
  /** `input` of the bundles of stages 1 and 2, `crops` of the bundle of stage 3. */
  settings: z.object(perStage(() => z.unknown())),
  options: PrepareOptions,
  shards: z.array(z.object({ folder: z.string(), studies: positive, digest })),
  /** Number of studies in all shards. */
  studies: count,
  skipped: z.array(Skipped),
  /** Studies of the dataset without labels. */
  unlabelled: count,
  labels: LabelCounts,
  /** Shares of normal/mild, moderate, severe over the labels, as in a stage-3 bundle. */
  classShares: z.record(z.string(), z.record(z.string(), z.tuple([z.number(), z.number(), z.number()]))),
  /** For each crop array: [height, width], and the room around the part that the models see, in px of the array. */
  windows: z.partialRecord(
    z.enum(CROP_ARRAYS),
    z.object({
      size: z.tuple([positive, positive]),
      room: sides,
      /** The bundle's windows, and the room in px of the crops' space. */
      windows: z.array(
        sides.extend({
          side: z.string(),
          levels: z.array(z.string()),
          to: z.tuple([positive, positive]),
          roomPx: sides,
        }),
      ),
    }),
  ),
});
export type PreparedDataset = z.infer<typeof PreparedDataset>;

/**
 * A shard's record; `undefined` if there is none, since the shard was not finished. @throws {SpinelineError} if it is
 * damaged.
 */
export async function readShard(file: string): Promise<PreparedShard | undefined> {
  try {
    return await readRecord(file, PreparedShard);
  } catch (error) {
    if (error instanceof SpinelineError && isAbsent(error.cause)) return undefined;
    throw error;
  }
}

async function readRecord<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    const found = isAbsent(cause)
      ? 'no such file'
      : cause instanceof z.ZodError
        ? z.prettifyError(cause)
        : String(cause);
    throw new ConfigError(
      'not a record of prepared data',
      { file, found, hint: 'remove the folder and prepare again' },
      { cause },
    );
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

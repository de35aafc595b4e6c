/**
 * The artefacts that stages pass to each other through the store: a versioned schema for every JSON artefact, and the
 * names of the arrays. Nothing here identifies a patient: series have the names of the dataset, and frames of reference
 * are numbered in order of appearance instead of named by UID. docs/results.md, "Stage outputs", describes them.
 */

import { z } from 'zod';
import { FLAG_MEANINGS, type Flag, KINDS, LEVELS, SIDES, type Step, TARGETS } from '../domain/index.ts';
import { digestOf } from '../store/index.ts';

const FlagSchema = z.object({
  code: z.enum(Object.keys(FLAG_MEANINGS) as [keyof typeof FLAG_MEANINGS]),
  kind: z.enum(KINDS).optional(),
  series: z.string().optional(),
  instance: z.union([z.number(), z.string()]).optional(),
  level: z.enum(LEVELS).optional(),
  condition: z.string().optional(),
  detail: z.string().optional(),
}) as unknown as z.ZodType<Flag>;
export const Flags = z.array(FlagSchema);

const Triple = z.tuple([z.number(), z.number(), z.number()]);

/** One slice: where its pixels are and where it lies in the patient. */
const IndexedSlice = z.object({
  /** DICOM instance number. */
  instance: z.number().int(),
  /** `file:///...` or `s3://...`. */
  location: z.string(),
  /** Frame inside the file, from 0. */
  frame: z.number().int().nonnegative(),
  /** SHA-256 of the file. */
  sha256: z.string(),
  rows: z.number().int().positive(),
  columns: z.number().int().positive(),
  /** mm between rows, mm between columns. */
  spacing: z.tuple([z.number(), z.number()]),
  /** ImagePositionPatient, mm, LPS. */
  position: Triple,
  /** ImageOrientationPatient. */
  orientation: z.tuple([z.number(), z.number(), z.number(), z.number(), z.number(), z.number()]),
  /** Number of the frame of reference within the study; null if the file names none. */
  frameOfReference: z.number().int().nullable(),
  /** How its pixels are turned after decoding (`Turn`); absent if they are stored upright. */
  turn: z.strictObject({ transpose: z.boolean(), flipX: z.boolean(), flipY: z.boolean() }).optional(),
});
export type IndexedSlice = z.infer<typeof IndexedSlice>;

const IndexedSeries = z.object({
  series: z.string(),
  /** The name of the series in the dataset, if that holds several stacks and this is not the first. */
  stackOf: z.string().optional(),
  kind: z.enum(KINDS),
  /** Whether stages 2 and 3 read it. Only one sagittal series of each kind is used. */
  used: z.boolean(),
  /**
   * Why it is of this kind, one sentence per reason; see `series/`. The flag `series_not_used` says why another series
   * was read instead.
   */
  reasons: z.array(z.string()).optional(),
  /** In spatial order: sagittal from the patient's right to left, axial from head to feet. */
  slices: z.array(IndexedSlice).min(1),
});
export type IndexedSeries = z.infer<typeof IndexedSeries>;

/** Images of the study that no stage reads. */
export const RejectedSeries = z.object({
  /** Its name in the dataset. A series has one entry per reason. */
  series: z.string(),
  images: z.number().int().positive(),
  /** One of `REJECTIONS` in `series/`. */
  rejection: z.string(),
  /** One sentence. */
  reason: z.string(),
});
export type RejectedSeries = z.infer<typeof RejectedSeries>;

/** `series-index.json`, stage 1. */
export const SeriesIndex = z.object({
  schema: z.literal('spineline.series-index/1'),
  series: z.array(IndexedSeries),
  /** Images of the study that are not read, and why. */
  rejected: z.array(RejectedSeries).optional(),
  flags: Flags,
});
export type SeriesIndex = z.infer<typeof SeriesIndex>;

/** Where stage 1 found one level, or one foramen. */
const FoundSlice = z.object({
  /** Index of the slice in the spatial order of the series, from 0. */
  index: z.number().int().nonnegative(),
  instance: z.number().int(),
  /** 1 / (1 + spread of the members in slices): 1 where they agree. */
  confidence: z.number(),
  /** The z of each member, in slices of the model's volume. These are slices of the series, unless it was resampled. */
  members: z.array(z.object({ kind: z.enum(['cls', 'reg']), z: z.number() })),
  /** Fractions x/width, y/height of the stored slice, from the `reg` members; null without `reg` members. */
  point: z.tuple([z.number(), z.number()]).nullable(),
});
export type FoundSlice = z.infer<typeof FoundSlice>;

/** The axial slice of a level. */
const AxialSlice = z.object({
  series: z.string(),
  index: z.number().int().nonnegative(),
  instance: z.number().int(),
  /** Distance of the level's point from the slice's plane, in mm. */
  distanceMm: z.number(),
});
export type AxialSlice = z.infer<typeof AxialSlice>;

const fiveOf = <T extends z.ZodType>(schema: T) => z.array(schema).length(LEVELS.length);

/** `z.json`, stage 1. Arrays of five are in the order of LEVELS. */
export const ZArtefact = z.object({
  schema: z.literal('spineline.z/1'),
  scs: z.object({ series: z.string(), levels: fiveOf(FoundSlice) }).nullable(),
  nfn: z.object({ series: z.string(), left: fiveOf(FoundSlice), right: fiveOf(FoundSlice) }).nullable(),
  /** From the points of stage 1. Stage 2 computes it again from its own points, which are better. */
  axial: fiveOf(AxialSlice.nullable()),
  flags: Flags,
});
export type ZArtefact = z.infer<typeof ZArtefact>;

/** A point in a slice, in pixels of the original slice (x the column, y the row), rounded to 0.01. */
const PlacedPoint = z.object({
  series: z.string(),
  index: z.number().int().nonnegative(),
  instance: z.number().int(),
  x: z.number(),
  y: z.number(),
});
export type PlacedPoint = z.infer<typeof PlacedPoint>;

/** `xy.json`, stage 2. */
export const XyArtefact = z.object({
  schema: z.literal('spineline.xy/1'),
  scs: fiveOf(PlacedPoint).nullable(),
  nfn: z.object({ left: fiveOf(PlacedPoint), right: fiveOf(PlacedPoint) }).nullable(),
  ss: fiveOf(z.object({ left: PlacedPoint, right: PlacedPoint, distanceMm: z.number() }).nullable()),
  flags: Flags,
});
export type XyArtefact = z.infer<typeof XyArtefact>;

/**
 * The crop arrays, [rows, slices, height, width] in [0, 1]: `sagittal_t2` and `axial_middle` have one row per level;
 * `sagittal_t1` and `axial_sides` have five rows for the left side, then five for the right. How they are stored:
 * stored-crops.ts.
 */
export const CROP_ARRAYS = ['sagittal_t2', 'axial_middle', 'sagittal_t1', 'axial_sides'] as const;
export type CropArray = (typeof CROP_ARRAYS)[number];

/** The row of a level and side in a crop array with both sides. */
export function sideRow(side: (typeof SIDES)[number], level: number): number {
  return SIDES.indexOf(side) * LEVELS.length + level;
}

/** A window in a region, px. It may reach beyond the region: pixels out there are 0. */
const StoredWindow = z.object({
  /** Index in `regions`. */
  region: z.number().int().nonnegative(),
  /** The first column and the first row of the window, from those of the region. */
  x: z.number().int(),
  y: z.number().int(),
  height: z.number().int().positive(),
  width: z.number().int().positive(),
});

/** `crops.json`, stage 2: how the crop arrays are made of the regions in `crops.u12` (stored-crops.ts). */
export const CropsArtefact = z.object({
  schema: z.literal('spineline.crops/2'),
  /** How a window becomes [height, width] `to`: the bundle's `resize`. */
  resize: z.object({ filter: z.literal('bilinear'), antialias: z.boolean() }),
  /** The shape of each region. A region of windows that lie outside the image has no pixel. */
  regions: z.array(
    z.object({
      slices: z.number().int().positive(),
      height: z.number().int().nonnegative(),
      width: z.number().int().nonnegative(),
    }),
  ),
  /** Arrays without any row are left out. A row without an image is null; the models get zeros. */
  arrays: z.partialRecord(
    z.enum(CROP_ARRAYS),
    z.object({
      to: z.tuple([z.number().int().positive(), z.number().int().positive()]),
      rows: z.array(StoredWindow.nullable()),
    }),
  ),
  flags: Flags,
});
export type CropsArtefact = z.infer<typeof CropsArtefact>;

/** `severity.json`, stage 3: probabilities of normal/mild, moderate, severe by target name. */
export const SeverityArtefact = z.object({
  schema: z.literal('spineline.severity/1'),
  severities: z.record(z.enum(TARGETS.map(({ name }) => name) as [string, ...string[]]), Triple),
  /** Targets without any view, which got the class shares of the training set. */
  classShares: z.array(z.string()),
  flags: Flags,
});
export type SeverityArtefact = z.infer<typeof SeverityArtefact>;

/**
 * Digest of what later stages take from the index: pixels, geometry, and the names of series, since points and crops
 * name them. Locations of files are left out, so that moving a dataset does not change later stage keys.
 */
export function pixelDigest(index: SeriesIndex): string {
  return digestOf(
    index.series
      .filter(({ used }) => used)
      .map(({ series, kind, slices }) => ({ series, kind, slices: slices.map(({ location, ...slice }) => slice) })),
  );
}

/** Digest of what stage 2 takes from stage 1: the slices, without the answers of single members. */
export function zDigest(z: ZArtefact): string {
  const indices = (found: FoundSlice[] | undefined) => found?.map(({ index }) => index) ?? null;
  return digestOf({ scs: indices(z.scs?.levels), left: indices(z.nfn?.left), right: indices(z.nfn?.right) });
}

/** Digest of what the crops take from the XY models: points in slices, without flags. */
export function xyDigest(xy: XyArtefact): string {
  return digestOf({ scs: xy.scs, nfn: xy.nfn, ss: xy.ss });
}

/** The JSON artefacts of each step, by file name. */
export const STEP_ARTEFACTS = {
  stage1: { 'series-index.json': SeriesIndex, 'z.json': ZArtefact },
  xy: { 'xy.json': XyArtefact },
  crops: { 'crops.json': CropsArtefact },
  stage3: { 'severity.json': SeverityArtefact },
} as const satisfies Record<Step, Readonly<Record<string, z.ZodType>>>;

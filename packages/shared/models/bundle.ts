/**
 * A model bundle: a folder of ONNX files and `bundle.json`, which describes them and their inputs.
 *
 * All numbers that a model depends on are in the manifest, not in code: input sizes, normalisation, crop windows, class
 * order. A bundle is identified by its digest, the SHA-256 of its manifest in canonical JSON. The manifest holds the
 * SHA-256 of every member, so the digest covers all bytes.
 */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  BundleError,
  CONDITIONS,
  type Kind,
  KINDS,
  LEVELS,
  SEVERITIES,
  SIDES,
  type Stage,
  type StageNumber,
} from '../domain/index.ts';
import { canonicalJson } from '../store/canonical-json.ts';

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hexadecimal');
const FileName = z.string().regex(/^[\w.-]+\.onnx$/, 'a plain file name that ends in .onnx');
const Size = z.tuple([z.number().int().positive(), z.number().int().positive()]);

/** How pixels become numbers in [0, 1]: clip at two percentiles of the stack, then scale. */
const Normalise = z
  .strictObject({
    method: z.literal('percentile'),
    /** Percentiles in [0, 100], with linear interpolation between sorted values. */
    low: z.number().min(0).max(100),
    high: z.number().min(0).max(100),
  })
  .refine(({ low, high }) => low < high, 'low is below high');

/** Bilinear with half-pixel centres. With `antialias` the triangle filter is widened by the reduction factor. */
const Resize = z.strictObject({ filter: z.literal('bilinear'), antialias: z.boolean() });

function member<K extends [string, ...string[]]>(...kinds: K) {
  return z.strictObject({
    file: FileName,
    sha256: Sha256,
    bytes: z.number().int().positive(),
    kind: z.enum(kinds),
    /** Weight in the ensemble's mean. A median ignores it. */
    weight: z.number().positive(),
    /** For people: architecture and widths, such as "ConvNeXt 3D nano, widths 16-32-64-128". */
    architecture: z.string(),
    /** `false` if the weights are random. */
    trained: z.boolean(),
    /** What the graph computes in; absent for float32. Inputs and outputs are float32 in either case. */
    precision: z.literal('float16').optional(),
    /** Largest difference of a probability or a fraction from the same member in float32, as the export measured it. */
    float16Difference: z.number().nonnegative().optional(),
  });
}

const Common = {
  schema: z.literal('spineline.bundle/1'),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and hyphens'),
  version: z.string().regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, 'a semantic version'),
  /** `false` if weights are random; every output then says so. */
  trained: z.boolean(),
  /** Shown wherever the bundle's output is shown; empty for a bundle that needs no warning. */
  notice: z.string(),
  /** How the bundle was made. */
  origin: z.strictObject({
    data: z.string(),
    commit: z.string(),
    created: z.string(),
    metrics: z.record(z.string(), z.union([z.number(), z.string()])),
  }),
};

const Stage1Bundle = z.strictObject({
  ...Common,
  stage: z.literal(1),
  /** ONNX input `volume`, float32 [batch, 1, slices, height, width]. */
  input: z.strictObject({ size: Size, slices: z.number().int().positive(), normalise: Normalise, resize: Resize }),
  /**
   * `cls` members give `logits` [batch, outputs, slices]; `reg` members give `coordinates` [batch, outputs, 3], the
   * fractions x/width, y/height, z/slices. Outputs: scs the five levels; nfn left five, then right five.
   */
  tasks: z.strictObject({
    scs: z.strictObject({ members: z.array(member('cls', 'reg')).min(1) }),
    nfn: z.strictObject({ members: z.array(member('cls', 'reg')).min(1) }),
  }),
});

const Stage2Bundle = z.strictObject({
  ...Common,
  stage: z.literal(2),
  /** ONNX input `image`, float32 [batch, 3, height, width]: the slice and one neighbour on each side. */
  input: z.strictObject({ size: Size, channels: z.literal(3), normalise: Normalise, resize: Resize }),
  /** `xy` members give `xy` [batch, points, 2], fractions x/width, y/height. Points: levels; for ss left, right. */
  tasks: z.strictObject({
    scs: z.strictObject({ members: z.array(member('xy')).min(1) }),
    nfn: z.strictObject({ members: z.array(member('xy')).min(1) }),
    ss: z.strictObject({ members: z.array(member('xy')).min(1) }),
  }),
});

/**
 * A window around a centre, in pixels of the `space` that slices are resized to, and the size to which the window is
 * resized. Source: docs/pipeline.md, "Crop plan".
 */
const CropWindow = z.strictObject({
  kind: z.enum(KINDS),
  /** Axial windows: `middle` around the midpoint of the left and right points, `left`/`right` around that side's. */
  side: z.enum([...SIDES, 'middle']),
  levels: z.array(z.enum(LEVELS)).min(1),
  left: z.number().int().nonnegative(),
  right: z.number().int().nonnegative(),
  top: z.number().int().nonnegative(),
  bottom: z.number().int().nonnegative(),
  /** [height, width] given to the encoder. */
  to: Size,
});
export type CropWindow = z.infer<typeof CropWindow>;

/** How crops are cut. The stage key of the crops contains the digest of this part only, not of the bundle. */
const Crops = z.strictObject({
  /** Side of the square that each slice is resized to before cutting, in px. */
  space: z.number().int().positive(),
  /** Slices per crop, centred on the target's slice; odd. */
  slices: z
    .number()
    .int()
    .positive()
    .refine((count) => count % 2 === 1, 'an odd number'),
  normalise: Normalise,
  resize: Resize,
  windows: z.array(CropWindow).superRefine((windows, context) => {
    for (const problem of problemsOfWindows(windows)) context.addIssue({ code: 'custom', message: problem });
  }),
});
export type CropSettings = z.infer<typeof Crops>;

/**
 * Each view needs one window per level. All windows of a crop array are resized to one size (axial: left and right
 * share an array).
 */
function problemsOfWindows(windows: readonly CropWindow[]): string[] {
  const sides = { sagittal_t2: ['middle'], sagittal_t1: SIDES, axial_t2: ['middle', ...SIDES] } as const;
  const problems: string[] = [];
  for (const kind of KINDS) {
    for (const side of sides[kind]) {
      const levels = windows.filter((one) => one.kind === kind && one.side === side).flatMap((one) => one.levels);
      const odd = LEVELS.filter((level) => levels.filter((one) => one === level).length !== 1);
      if (odd.length > 0) problems.push(`${kind}, ${side}: one window for each level; not so for ${odd.join(', ')}`);
    }
    for (const shared of [
      windows.filter(({ side }) => side === 'middle'),
      windows.filter(({ side }) => side !== 'middle'),
    ]) {
      const sizes = new Set(shared.filter((one) => one.kind === kind).map(({ to }) => to.join(' x ')));
      if (sizes.size > 1)
        problems.push(`${kind}: windows of one array end in one size; found ${[...sizes].join(', ')}`);
    }
  }
  return problems;
}

const Shares = z
  .tuple([z.number().min(0), z.number().min(0), z.number().min(0)])
  .refine((shares) => Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) <= 1e-3, 'shares that sum to 1');

const Stage3Bundle = z.strictObject({
  ...Common,
  stage: z.literal(3),
  /**
   * `severity` members give `logits` [batch, 3] from float32 inputs `sagittal` [batch, slices, h, w] (scs: Sagittal
   * T2/STIR, nfn: Sagittal T1) and `axial` [batch, slices, h, w]; ss has `axial` alone.
   */
  tasks: z.strictObject({
    scs: z.strictObject({ members: z.array(member('severity')).min(1) }),
    nfn: z.strictObject({ members: z.array(member('severity')).min(1) }),
    ss: z.strictObject({ members: z.array(member('severity')).min(1) }),
  }),
  crops: Crops,
  /** The order of the logits. */
  classes: z.tuple(SEVERITIES.map((severity) => z.literal(severity)) as never) as unknown as z.ZodType<
    typeof SEVERITIES
  >,
  /** Class shares of the training set per condition and level. A target without any view gets them. */
  classShares: z.record(z.enum(CONDITIONS), z.record(z.enum(LEVELS), Shares)),
});

/** The schema of each stage's bundle. */
const BUNDLES = { stage1: Stage1Bundle, stage2: Stage2Bundle, stage3: Stage3Bundle } satisfies Record<Stage, unknown>;
const Bundle = z.discriminatedUnion('stage', [BUNDLES.stage1, BUNDLES.stage2, BUNDLES.stage3]);

export type Bundle = z.infer<typeof Bundle>;
export type BundleOf<S extends StageNumber> = Extract<Bundle, { stage: S }>;
export type BundleMember = Bundle['tasks']['scs']['members'][number];

/**
 * Reads a `bundle.json`.
 *
 * @throws {BundleError} `BUNDLE_INVALID` naming `where` and the first field that does not fit.
 */
export function parseBundle(text: string, where: string): Bundle {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BundleError('BUNDLE_INVALID', `${where} is not JSON`, {}, { cause });
  }
  const parsed = Bundle.safeParse(json);
  if (!parsed.success) {
    throw new BundleError('BUNDLE_INVALID', `${where} is not a bundle manifest: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

/** The bundle's digest: SHA-256 of its manifest in canonical JSON, in lower-case hexadecimal. */
export function bundleDigest(bundle: Bundle): string {
  return createHash('sha256').update(canonicalJson(bundle)).digest('hex');
}

/** Every member of a bundle with its task, in manifest order. */
export function membersOf(bundle: Bundle): { task: string; member: BundleMember }[] {
  const tasks: Record<string, { members: BundleMember[] }> = bundle.tasks;
  return Object.entries(tasks).flatMap(([task, { members }]) => members.map((one) => ({ task, member: one })));
}

/** The output of a member for one sample: the ONNX output's name and its dimensions without the batch. */
export function outputOf(bundle: Bundle, task: string, kind: BundleMember['kind']): { name: string; dims: number[] } {
  if (bundle.stage === 3) return { name: 'logits', dims: [SEVERITIES.length] };
  if (bundle.stage === 2) return { name: 'xy', dims: [task === 'ss' ? SIDES.length : LEVELS.length, 2] };
  const places = task === 'nfn' ? SIDES.length * LEVELS.length : LEVELS.length;
  return kind === 'cls'
    ? { name: 'logits', dims: [places, bundle.input.slices] }
    : { name: 'coordinates', dims: [places, 3] };
}

/** The inputs of a task's members for one sample: dimensions by ONNX input name, without the batch. */
export function inputsOf(bundle: Bundle, task: string): Readonly<Record<string, readonly number[]>> {
  if (bundle.stage === 1) return { volume: [1, bundle.input.slices, ...bundle.input.size] };
  if (bundle.stage === 2) return { image: [bundle.input.channels, ...bundle.input.size] };
  const { slices, windows } = bundle.crops;
  const view = (kind: Kind, middle: boolean) => {
    // Every view has a window: the schema says so.
    const window = windows.find((one) => one.kind === kind && (one.side === 'middle') === middle)!;
    return [slices, ...window.to];
  };
  if (task === 'ss') return { axial: view('axial_t2', false) };
  if (task === 'nfn') return { sagittal: view('sagittal_t1', false), axial: view('axial_t2', false) };
  return { sagittal: view('sagittal_t2', true), axial: view('axial_t2', true) };
}

/**
 * Which slice of a sagittal series shows a level: makes the volumes for the 3D models, and takes the slice of every
 * level and foramen from their outputs. Source of the rules: docs/pipeline.md, "Level slices".
 */

import { type Flag, LEVELS, median, round, SIDES, type Side } from '../domain/index.ts';
import { nearestSliceOfDepth, volumeTensor } from '../imaging/index.ts';
import type { Sample, SampleOutput } from '../inference/index.ts';
import type { BundleOf } from '../models/index.ts';
import type { FoundSlice, IndexedSeries, IndexedSlice, SeriesIndex, ZArtefact } from './artefacts.ts';
import { axialSlices } from './axial-slices.ts';
import type { IndexedStudy } from './index-study.ts';
import { usedSeries } from './indexed-series.ts';
import { storedPixels } from './turned-points.ts';

/** Tasks that have a stage-1 model, with the kind of series that they read. */
export const STAGE1_TASKS = { scs: 'sagittal_t2', nfn: 'sagittal_t1' } as const;
export type Stage1Task = keyof typeof STAGE1_TASKS;

/**
 * Members that differ by this many slices or more disagree. This is the worst class in the table of slice errors in
 * docs/pipeline.md, "Level slices".
 */
const DISAGREEMENT_SLICES = 3;

/** The input of the stage-1 models for one task. */
export interface Volume {
  readonly sample: Sample;
  /** sliceOf[i] is the index, in the order of the series, of the slice at position i of the volume. */
  readonly sliceOf: Int32Array;
}

/** float32 [1, slices, height, width] for each task whose series exists, and flags about the pixels. */
export function stage1Volumes(
  study: IndexedStudy,
  input: BundleOf<1>['input'],
): { volumes: Partial<Record<Stage1Task, Volume>>; flags: Flag[] } {
  const volumes: Partial<Record<Stage1Task, Volume>> = {};
  const flags: Flag[] = [];
  for (const task of Object.keys(STAGE1_TASKS) as Stage1Task[]) {
    const kind = STAGE1_TASKS[task];
    const slices = study.sagittal[kind];
    if (!slices) continue;
    const sliceOf = nearestSliceOfDepth(slices.length, input.slices);
    const images = Array.from(sliceOf, (slice) => slices[slice]!.image());
    const { tensor, constant } = volumeTensor(images, input);
    const [height, width] = input.size;
    volumes[task] = { sample: { volume: { dims: [1, input.slices, height, width], data: tensor } }, sliceOf };
    if (constant) flags.push({ code: 'pixels_constant', kind });
    if (slices.length > input.slices) {
      flags.push({ code: 'slices_resampled', kind, detail: `${slices.length} slices, ${input.slices} read` });
    }
  }
  return { volumes, flags };
}

/** The outputs of one member, with its kind and weight. */
export interface MemberOutput {
  readonly kind: 'cls' | 'reg';
  readonly weight: number;
  readonly output: SampleOutput;
}

/**
 * The slice of each model output: the median over members of each member's z, rounded half up and kept inside the
 * series. The z of a `cls` member is the slice with the best score, padding excluded; the z of a `reg` member is its
 * fraction times the depth. The point is the weighted mean of the `reg` members' x and y.
 *
 * @param sliceOf see {@link Volume}.
 * @param depth slices of the model's input.
 */
export function foundSlices(
  members: readonly MemberOutput[],
  series: IndexedSeries,
  sliceOf: Int32Array,
  depth: number,
): FoundSlice[] {
  const count = members[0]!.output[members[0]!.kind === 'cls' ? 'logits' : 'coordinates']!.dims[0]!;
  return Array.from({ length: count }, (_, output) => {
    const z = members.map((member) => zOfMember(member, output, sliceOf.length, depth));
    const index = sliceAt(median(z), sliceOf);
    return {
      index,
      instance: series.slices[index]!.instance,
      confidence: round(1 / (1 + Math.max(...z) - Math.min(...z)), 4),
      members: members.map(({ kind }, i) => ({ kind, z: round(z[i]!, 3) })),
      point: pointOf(members, output, series.slices[index]!),
    };
  });
}

/**
 * The slice of a z given in slices of the volume: rounded half up and kept inside the series. @param sliceOf see {@link
 * Volume}.
 */
export function sliceAt(z: number, sliceOf: Int32Array): number {
  return sliceOf[Math.min(sliceOf.length - 1, Math.max(0, Math.floor(z + 0.5)))]!;
}

function zOfMember({ kind, output }: MemberOutput, index: number, slices: number, depth: number): number {
  if (kind === 'reg') return output.coordinates!.data[index * 3 + 2]! * depth;
  const logits = output.logits!.data.subarray(index * depth, index * depth + slices);
  let best = 0;
  for (let slice = 1; slice < logits.length; slice++) if (logits[slice]! > logits[best]!) best = slice;
  return best;
}

function pointOf(members: readonly MemberOutput[], index: number, slice: IndexedSlice): [number, number] | null {
  const regs = members.filter(({ kind }) => kind === 'reg');
  if (regs.length === 0) return null;
  const total = regs.reduce((sum, { weight }) => sum + weight, 0);
  const mean = (axis: number) =>
    regs.reduce((sum, { weight, output }) => sum + weight * output.coordinates!.data[index * 3 + axis]!, 0) / total;
  const { x, y } = storedPixels(slice, [round(mean(0), 6), round(mean(1), 6)]);
  return [round(x / slice.columns, 6), round(y / slice.rows, 6)];
}

/** `z.json` from the outputs of every task that had a volume. */
export function zArtefact(
  index: SeriesIndex,
  found: Partial<Record<Stage1Task, FoundSlice[]>>,
  pixelFlags: readonly Flag[],
): ZArtefact {
  const flags: Flag[] = [...pixelFlags];
  const t2 = usedSeries(index, 'sagittal_t2');
  const t1 = usedSeries(index, 'sagittal_t1');
  const scs = t2 && found.scs ? { series: t2.series, levels: found.scs } : null;
  const five = LEVELS.length;
  const nfn =
    t1 && found.nfn ? { series: t1.series, left: found.nfn.slice(0, five), right: found.nfn.slice(five) } : null;
  if (scs) flagFound(scs.levels, 'sagittal_t2', scs.series, flags);
  if (nfn) for (const side of SIDES) flagFound(nfn[side], 'sagittal_t1', nfn.series, flags, side);
  const points = scs?.levels.map(({ index: slice, point }) => point && { index: slice, x: point[0], y: point[1] });
  const axial = axialSlices(index, points ?? []);
  return { schema: 'spineline.z/1', scs, nfn, axial, flags };
}

function flagFound(
  found: FoundSlice[],
  kind: 'sagittal_t2' | 'sagittal_t1',
  series: string,
  flags: Flag[],
  side?: Side,
): void {
  for (const [i, { members, point }] of found.entries()) {
    const z = members.map((member) => member.z);
    const where = { kind, series, level: LEVELS[i]! };
    if (Math.max(...z) - Math.min(...z) >= DISAGREEMENT_SLICES) {
      const answers = members.map((member) => `${member.kind} ${member.z.toFixed(1)}`).join(', ');
      flags.push({ code: 'members_disagree', ...where, detail: side ? `${side}: ${answers}` : answers });
    }
    // Only the T2 points choose axial slices. A foramen needs no point here: stage 2 finds it.
    if (!point && !side) flags.push({ code: 'level_point_unknown', ...where });
  }
}

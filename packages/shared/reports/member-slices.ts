/**
 * The slice that each member of stage 1 would have chosen alone. The result of a study holds only the answer of the
 * ensemble; the answers of the members are in `z.json`, in the stage-1 output that the result names.
 */

import { LEVELS, ObjectNotFoundError, targetOfName } from '../domain/index.ts';
import type { MemberAnswer } from '../evaluation/index.ts';
import { nearestSliceOfDepth } from '../imaging/index.ts';
import { bundleOfStage, readPinnedManifest } from '../models/index.ts';
import type { RunRecord, StudyResult } from '../runs/index.ts';
import { type FoundSlice, sliceAt, ZArtefact } from '../stages/index.ts';
import { type ObjectStore, StageOutputs } from '../store/index.ts';

/** Answers of the members for a study, by target name; `undefined` if its stage-1 output is not in the store. */
export type MembersOf = (result: StudyResult) => Promise<ReadonlyMap<string, readonly MemberAnswer[]> | undefined>;

/**
 * Makes a function that reads the answers of the members for studies of a run. That function throws
 * {@link ArtefactDamagedError} for a damaged stage-1 output.
 *
 * @throws {BundleError} if the pinned stage-1 bundle is not in the store. It is needed for the number of slices of its
 *   volume, which maps an answer to a slice if the series has more slices than the volume.
 */
export async function memberReader(store: ObjectStore, run: RunRecord): Promise<MembersOf> {
  const bundle = bundleOfStage(await readPinnedManifest(store, run.bundles.stage1), 1);
  const outputs = new StageOutputs(store);
  return async (result) => {
    const z = await outputs.readJson('stage1', result.steps.stage1.key, 'z.json', ZArtefact).catch((error: unknown) => {
      if (error instanceof ObjectNotFoundError) return undefined;
      throw error;
    });
    return z && membersOfStudy(z, result, bundle.input.slices);
  };
}

/** @param depth number of slices in the volume of stage 1. */
export function membersOfStudy(
  z: ZArtefact,
  result: Pick<StudyResult, 'series' | 'targets'>,
  depth: number,
): Map<string, MemberAnswer[]> {
  const answers = new Map<string, MemberAnswer[]>();
  for (const { name } of result.targets) {
    const { task, side, level } = targetOfName(name)!;
    const [series, levels] =
      task === 'scs' ? [z.scs?.series, z.scs?.levels] : task === 'nfn' ? [z.nfn?.series, z.nfn?.[side!]] : [];
    const found = levels?.[LEVELS.indexOf(level)];
    const instances = result.series.find((one) => one.series === series)?.instances;
    if (found && instances) answers.set(name, answersOf(found, instances, depth));
  }
  return answers;
}

/**
 * `z.json` has z rounded to 0.001 slices. So an answer very near to the middle of two slices may get the other slice
 * here.
 */
function answersOf({ members }: FoundSlice, instances: readonly number[], depth: number): MemberAnswer[] {
  const sliceOf = nearestSliceOfDepth(instances.length, depth);
  return members.map(({ kind, z }, i) => {
    const ofKind = members.filter((one) => one.kind === kind).length;
    const number = members.slice(0, i + 1).filter((one) => one.kind === kind).length;
    return { member: ofKind > 1 ? `${kind} ${number}` : kind, instance: instances[sliceAt(z, sliceOf)]! };
  });
}

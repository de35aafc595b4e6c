/**
 * The slice that each member of stage 1 would have chosen alone. A study's result keeps the ensemble's answer only; the
 * members' are in `z.json`, the stage-1 output that the result's steps name.
 */

import { LEVELS, ObjectNotFoundError, targetOfName } from '../domain/index.ts';
import type { MemberAnswer } from '../evaluation/index.ts';
import { nearestSliceOfDepth } from '../imaging/index.ts';
import { bundleOfStage, readPinnedManifest } from '../models/index.ts';
import type { RunRecord, StudyResult } from '../runs/index.ts';
import { type FoundSlice, sliceAt, ZArtefact } from '../stages/index.ts';
import { type ObjectStore, StageOutputs } from '../store/index.ts';

/** Members' answers of a study by target name; undefined where its stage-1 output is not in the store. */
export type MembersOf = (result: StudyResult) => Promise<ReadonlyMap<string, readonly MemberAnswer[]> | undefined>;

/**
 * Reads members' answers of a run's studies.
 *
 * @throws {BundleError} if the stage-1 bundle that the run pinned is not in the store: it says how deep its volume is,
 *   which places the answers in series of more slices. What it returns throws {@link ArtefactDamagedError} for a
 *   stage-1 output that is damaged.
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

/** @param depth slices of stage 1's volume. */
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

/** `z.json` has z rounded to 0.001 slices, so an answer within that of a half may fall on its other side here. */
function answersOf({ members }: FoundSlice, instances: readonly number[], depth: number): MemberAnswer[] {
  const sliceOf = nearestSliceOfDepth(instances.length, depth);
  return members.map(({ kind, z }, i) => {
    const ofKind = members.filter((one) => one.kind === kind).length;
    const number = members.slice(0, i + 1).filter((one) => one.kind === kind).length;
    return { member: ofKind > 1 ? `${kind} ${number}` : kind, instance: instances[sliceAt(z, sliceOf)]! };
  });
}

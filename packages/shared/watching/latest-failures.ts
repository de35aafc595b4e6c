/** The failures of a run that happened last. */

import type { FailureRecord, RunStore } from '../runs/index.ts';
import { failuresFolder, type ObjectInfo, studyOfKey } from '../store/index.ts';

/** Lists the folder of failures, which is not free, and reads those that were written last; the latest comes first. */
export async function latestFailures(runs: RunStore, run: string, count: number): Promise<FailureRecord[]> {
  const objects: ObjectInfo[] = [];
  for await (const object of runs.store.list(failuresFolder(run))) objects.push(object);
  objects.sort((a, b) => b.modified.getTime() - a.modified.getTime());
  const studies = objects.slice(0, count).flatMap(({ key }) => studyOfKey(key) ?? []);
  // One that was taken away in between is tried again.
  const records = await Promise.all(studies.map((study) => runs.readFailure(run, study)));
  return records.filter((record) => record !== undefined).sort((a, b) => (a.failed < b.failed ? 1 : -1));
}

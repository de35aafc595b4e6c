/** The most recent failures of a run. */

import type { FailureRecord, RunStore } from '../runs/index.ts';
import { failuresFolder, type ObjectInfo, studyOfKey } from '../store/index.ts';

/** Lists all failures of a run, which costs time, and reads the latest `count` of them, newest first. */
export async function latestFailures(runs: RunStore, run: string, count: number): Promise<FailureRecord[]> {
  const objects: ObjectInfo[] = [];
  for await (const object of runs.store.list(failuresFolder(run))) objects.push(object);
  objects.sort((a, b) => b.modified.getTime() - a.modified.getTime());
  const studies = objects.slice(0, count).flatMap(({ key }) => studyOfKey(key) ?? []);
  // A record that is gone since the listing belongs to a study that is being retried.
  const records = await Promise.all(studies.map((study) => runs.readFailure(run, study)));
  return records.filter((record) => record !== undefined).sort((a, b) => (a.failed < b.failed ? 1 : -1));
}

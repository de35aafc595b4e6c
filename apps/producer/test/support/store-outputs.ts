/** The stage outputs in a `file://` store, as files: which there are, and when each was written. */

import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesBelow } from './bad-files.ts';

/** Modification times in ns by path below `stages/`. */
export async function outputTimes(storeUrl: string): Promise<Map<string, bigint>> {
  const folder = join(fileURLToPath(storeUrl), 'stages');
  const files = await filesBelow(folder).catch(() => []);
  const times = files.map(
    async (file) => [relative(folder, file), (await stat(file, { bigint: true })).mtimeNs] as const,
  );
  return new Map(await Promise.all(times));
}

/** Commits that are there now and were not, or were written at another time, by stage. */
export function newCommits(before: ReadonlyMap<string, bigint>, after: ReadonlyMap<string, bigint>) {
  const counts = { stage1: 0, 'stage2-xy': 0, 'stage2-crops': 0, stage3: 0 };
  for (const [path, time] of after) {
    if (!path.endsWith('/provenance.json') || before.get(path) === time) continue;
    counts[path.split('/')[0] as keyof typeof counts] += 1;
  }
  return counts;
}

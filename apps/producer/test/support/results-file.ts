/** `results.json` as a program would read it, and severities of two runs side by side. */

import { readFile } from 'node:fs/promises';
import { FailureRecord, RunRecord, StudyResult } from '@spineline/shared/runs';
import { expect } from 'vitest';
import { z } from 'zod';

const ResultsFile = z.strictObject({
  schema: z.literal('spineline.results/1'),
  notice: z.string(),
  run: RunRecord,
  studies: z.array(StudyResult),
  failures: z.array(FailureRecord),
});
export type ResultsFile = z.infer<typeof ResultsFile>;

export async function readResults(file: string): Promise<ResultsFile> {
  return ResultsFile.parse(JSON.parse(await readFile(file, 'utf8')));
}

/** Flag codes of a study, each once, sorted. */
export function flagCodes({ flags }: StudyResult): string[] {
  return [...new Set(flags.map(({ code }) => code))].sort();
}

/** The largest difference between the severities of two runs, which must have the same studies and targets. */
export function largestDifference(one: ResultsFile, other: ResultsFile): number {
  const [a, b] = [severitiesOf(one), severitiesOf(other)];
  expect([...b.keys()]).toEqual([...a.keys()]);
  return Math.max(...[...a].flatMap(([row, values]) => values.map((value, i) => Math.abs(value - b.get(row)![i]!))));
}

function severitiesOf({ studies }: ResultsFile): Map<string, readonly number[]> {
  return new Map(
    studies.flatMap(({ study, targets }) =>
      targets.map(({ name, severities }) => [`${study}_${name}`, severities] as const),
    ),
  );
}

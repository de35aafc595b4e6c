import { type Severity, TARGETS, targetOfName } from '../../domain/index.ts';
import type { SubmissionRow } from '../../evaluation/index.ts';
import type { Probabilities } from '../../evaluation/submission.ts';

/** A value by study and target. */
export type Table<Value> = Record<string, Record<string, Value>>;

/** Labels by study and target; targets that are not named are blank. */
export const labelsOf = (table: Table<Severity>) =>
  new Map(
    Object.entries(table).map(([study, severities]) => [
      study,
      new Map(TARGETS.map(({ name }) => [name, severities[name]] as const)),
    ]),
  );

/** The rows of a submission. */
export const rowsOf = (table: Table<Probabilities>): SubmissionRow[] =>
  Object.entries(table).flatMap(([study, targets]) =>
    Object.entries(targets).map(([name, probabilities]) => ({ study, target: targetOfName(name)!, probabilities })),
  );

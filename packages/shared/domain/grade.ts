/** The grade of a target: the one severity that its probabilities stand for. */

import { SEVERITIES, type Severity } from './vocabulary.ts';

/** The most probable severity and its probability. If two are equally probable, the milder one. */
export function gradeOf(severities: readonly number[]): { severity: Severity; probability: number } {
  const probability = Math.max(...severities);
  return { severity: SEVERITIES[severities.indexOf(probability)]!, probability };
}

/** The grade that severities stand for when one word is wanted. */

import { SEVERITIES, type Severity } from './vocabulary.ts';

/** The most probable severity and its probability; of equals the milder one. */
export function gradeOf(severities: readonly number[]): { severity: Severity; probability: number } {
  const probability = Math.max(...severities);
  return { severity: SEVERITIES[severities.indexOf(probability)]!, probability };
}

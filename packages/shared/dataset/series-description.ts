/** The error for a series description that is none of the challenge's three. */

import { KINDS, SERIES_DESCRIPTIONS } from '../domain/index.ts';
import { quoted } from './line-faults.ts';

/** The text of the error. A blank description is no error: the kind is then inferred. */
export function unknownDescription(description: string): string {
  const known = KINDS.map((kind) => `"${SERIES_DESCRIPTIONS[kind]}"`).join(', ');
  return `unknown description ${quoted(description)}, expected ${known}, or nothing to have the kind inferred`;
}

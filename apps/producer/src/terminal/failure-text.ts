/**
 * A failure's message as lines for people. Most are one sentence; that of a study with too few views has parts (found,
 * missing, not read, what to do), and each gets a line of its own.
 */

import type { FailureRecord } from '@spineline/shared/runs';

/** @returns at least one line, without indentation; those after the first belong below it. */
export function messageLines({ code, message }: Pick<FailureRecord, 'code' | 'message'>): string[] {
  if (code !== 'STUDY_TOO_FEW_VIEWS') return [message];
  return message.split('; ').map((part) => part.replace(/^(found|expected) /, '$1: '));
}

/**
 * The message of a failure as lines. Most messages are one line. That of a study with too few views has several parts
 * (found, missing, not read, what to do), and each part becomes a line.
 */

import type { FailureRecord } from '@spineline/shared/runs';

/** @returns at least one line, without indentation. Callers indent the lines after the first. */
export function messageLines({ code, message }: Pick<FailureRecord, 'code' | 'message'>): string[] {
  if (code !== 'STUDY_TOO_FEW_VIEWS') return [message];
  return message.split('; ').map((part) => part.replace(/^(found|expected) /, '$1: '));
}
